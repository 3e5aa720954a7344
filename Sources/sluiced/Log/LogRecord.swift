import Foundation
import Logging
import SluiceWire

/// How the lines of the log are written.
enum LogFormat: String, CaseIterable, Sendable {
    /// For people: the time, the level, fields as `key=value`, and the message.
    case text
    /// For programs: an object of JSON on each line.
    case json
}

/// One line of the log.
struct LogRecord: Sendable {
    var level: Logger.Level
    /// What happened, in fixed words without values.
    var message: String
    /// The values of the event, in order.
    var fields: [(key: String, value: String)]
    /// The time, in seconds since 1970.
    var time: Double

    /// Returns the line, with its line end.
    func line(_ format: LogFormat) -> [UInt8] {
        let text =
            switch format {
            case .text: text
            case .json: json
            }
        return Array((text.escapedForTerminal() + "\n").utf8)
    }

    private var text: String {
        let fields = fields.map { " \($0.key)=\(Self.unambiguous($0.value))" }.joined()
        return "\(localTime) \(level) sluiced:\(fields) [sluiced] \(message)"
    }

    /// Quotes a value that could be taken for several fields, or for the message. A value may contain a client's text.
    private static func unambiguous(_ value: String) -> String {
        guard value.isEmpty || value.contains(where: { "=\"[\\".contains($0) }) else { return value }
        return "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private var json: String {
        var members = [("time", utcTime), ("level", level.rawValue), ("message", message)]
        members += fields.map { ($0.key, $0.value) }
        return "{" + members.map { "\(Self.quoted($0)):\(Self.quoted($1))" }.joined(separator: ",") + "}"
    }

    /// Returns a string of JSON.
    private static func quoted(_ text: String) -> String {
        // Controls are escaped with the whole line.
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private var localTime: String {
        var (seconds, parts) = (time_t(time), tm())
        localtime_r(&seconds, &parts)
        return Self.formatted(parts, "%Y-%m-%dT%H:%M:%S%z")
    }

    /// The time in UTC, to the millisecond.
    private var utcTime: String {
        var (seconds, parts) = (time_t(time), tm())
        gmtime_r(&seconds, &parts)
        let milliseconds = String(Int((time - time.rounded(.down)) * 1000) + 1000).dropFirst()
        return Self.formatted(parts, "%Y-%m-%dT%H:%M:%S") + ".\(milliseconds)Z"
    }

    private static func formatted(_ parts: tm, _ format: String) -> String {
        var parts = parts
        return String(
            unsafeUninitializedCapacity: 64
        ) { bytes in
            bytes.withMemoryRebound(to: CChar.self) { strftime($0.baseAddress, $0.count, format, &parts) }
        }
    }
}
