import Foundation
import Logging
import SluiceHub
import SluiceRuntime
import Synchronization

/// The daemon's log, on stderr, with a level and a format that can change while it runs. May be used on any thread, and
/// never waits for stderr.
final class DaemonLog: Sendable {
    /// What is written, and how.
    private struct Style {
        /// The level of the settings.
        var configuredLevel: Logger.Level
        /// Whether everything from the level debug is written.
        var showsDetails = false
        var level: Logger.Level { showsDetails ? min(configuredLevel, .debug) : configuredLevel }
        var format: LogFormat
        /// The lines about clients.
        var limiter = LogLimiter()
        var keys = LimitedKeys()
    }

    /// Shared with the queue, which writes a line of its own.
    private final class SharedStyle: Sendable {
        let current: Lock<Style>

        init(_ style: Style) { current = Lock(style) }
    }

    private let style: SharedStyle
    private let output: OutputQueue
    private let now: @Sendable () -> UInt64

    /// - Parameters:
    ///   - descriptor: where to write, normally stderr.
    ///   - now: a monotonic clock, in nanoseconds.
    /// - Throws: `.system` if the thread that writes cannot be started.
    init(
        level: Logger.Level, format: LogFormat, to descriptor: Int32 = STDERR_FILENO,
        now: @escaping @Sendable () -> UInt64 = { DispatchTime.now().uptimeNanoseconds }
    ) throws(SluiceError) {
        let style = SharedStyle(Style(configuredLevel: level, format: format))
        self.style = style
        self.now = now
        output = try OutputQueue(to: descriptor) { count in
            let record = LogRecord(
                .warning, "log lines were dropped, because they could not be written in time", [("count", "\(count)")])
            return record.line(style.current.withLock { $0.format })
        }
    }

    /// Changes the least severe level that is written, and the format.
    func change(level: Logger.Level, format: LogFormat) {
        style.current.withLock { style in
            style.configuredLevel = level
            style.showsDetails = false
            style.format = format
        }
    }

    /// Writes everything from the level debug, or from the configured level again.
    ///
    /// - Returns: the level that is in effect.
    func showDetails(_ showsDetails: Bool) -> Logger.Level {
        style.current.withLock { style in
            style.showsDetails = showsDetails
            return style.level
        }
    }

    /// Writes a line, unless its level is not severe enough.
    func write(_ level: Logger.Level, _ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        let format = style.current.withLock { level >= $0.level ? $0.format : nil }
        if let format { output.append(LogRecord(level, message, fields.map { ($0.key, $0.value) }).line(format)) }
    }

    /// Writes a line about a client, unless there were too many lines of that kind about its address.
    ///
    /// - Parameters:
    ///   - kind: what happened, for counting.
    ///   - origin: the address of the client without its port, or its network.
    func write(
        _ level: Logger.Level, _ message: String, _ fields: [(key: String, value: String)], kind: String, origin: String
    ) {
        if let format = admit(level, { _ in LogLimiter.Key(kind: kind, origin: origin) }) {
            output.append(LogRecord(level, message, fields).line(format))
        }
    }

    /// Writes a line about what a client did, unless there were too many lines of that kind about its address. Most lines
    /// of a flood are left out, so the line is built only after that is known.
    func write(
        _ level: Logger.Level, about event: LimitedEvent, _ key: () -> LogLimiter.Key,
        _ record: () -> LogRecord
    ) {
        if let format = admit(level, { $0.key(of: event, key) }) { output.append(record().line(format)) }
    }

    /// Counts a line about a client.
    ///
    /// - Returns: the format of the line, or nil if it is not written.
    private func admit(_ level: Logger.Level, _ key: (inout LimitedKeys) -> LogLimiter.Key) -> LogFormat? {
        let now = now()
        return style.current.withLock { style in
            guard level >= style.level, style.limiter.admits(key(&style.keys), at: now) else { return nil }
            return style.format
        }
    }

    /// Writes how many lines about clients were left out.
    ///
    /// - Parameter isLast: whether to write the counts of windows that have not ended, too.
    func writeLeftOut(isLast: Bool = false) {
        let now = isLast ? UInt64.max : now()
        let (counts, format) = style.current.withLock { ($0.limiter.takeEnded(at: now), $0.format) }
        for (key, count) in counts {
            let record = LogRecord(
                .notice, "similar lines were left out",
                [("kind", key.kind), ("address", key.origin), ("count", "\(count)")])
            output.append(record.line(format))
        }
    }

    /// Waits until every line is written, but at most for `limit`.
    func flush(within limit: Duration) {
        output.flush(within: limit)
    }

    deinit { output.end() }
}

extension LogRecord {
    init(_ level: Logger.Level, _ message: String, _ fields: [(key: String, value: String)]) {
        self.init(level: level, message: message, fields: fields, time: Date().timeIntervalSince1970)
    }
}
