import SluiceWire

/// A history in a readable form: what each client sent and received on which connection, and when.
package struct Transcript {
    package let lines: [String]

    package init(of history: History) {
        var entries: [(moment: Moment, text: String)] = []
        for record in history.connections {
            if let farewell = record.farewell { entries.append((farewell, "\(record.address)  finishes sending")) }
            if let end = record.end {
                entries.append((end, "\(record.address)  has ended\(record.isBroken ? ", broken off" : "")"))
            }
            for exchange in record.exchanges {
                entries += Self.entries(of: history.exchanges[exchange], exchange, record)
            }
        }
        entries += history.plan.steps.compactMap { step in
            Self.text(of: step).map { (Moment(serial: -1, time: step.time), $0) }
        }
        entries.sort { ($0.moment.time, $0.moment.serial) < ($1.moment.time, $1.moment.serial) }
        lines = entries.map { entry in
            let milliseconds = entry.moment.time / 1_000_000
            let rest = String(1000 + entry.moment.time / 1000 % 1000).dropFirst()
            return "\(milliseconds).\(rest) ms  \(entry.text)"
        }
    }

    private static func entries(
        of exchange: Exchange, _ number: Int, _ record: ConnectionRecord
    ) -> [(moment: Moment, text: String)] {
        let name = exchange.tag.map { " #\($0)" } ?? " (t\(number))"
        let command = exchange.command?.summary ?? "a line that is not a command"
        return [(exchange.sent, "\(record.address) >\(name) \(command)")]
            + (exchange.parts + (exchange.final.map { [$0] } ?? [])).map { moment, reply in
                (moment, "\(record.address) <\(name) \(reply.summary)")
            }
    }

    /// Returns what a step does if that does not appear as an exchange.
    private static func text(of step: Step) -> String? {
        switch step.action {
        case .stall(let nanoseconds): "client \(step.client) reads nothing for \(nanoseconds / 1_000_000) ms"
        case .jump(let nanoseconds): "the clock jumps by \(nanoseconds / 1_000_000) ms"
        case .pauseWithinLine(let nanoseconds):
            "client \(step.client) pauses within a line for \(nanoseconds / 1_000_000) ms"
        case .breakOff: "client \(step.client) breaks off"
        case .drain(let limit): "the hub drains\(limit.map { ", for at most \($0 / 1_000_000) ms" } ?? "")"
        case .operate, .burst, .cancel, .sendInvalidLine, .finishSending: nil
        }
    }
}

extension Command {
    /// The beginning of the encoded command, on one line.
    fileprivate var summary: String {
        var bytes: [UInt8] = []
        Request(tag: nil, command: self).append(to: &bytes)
        return summarized(bytes)
    }
}

extension Reply {
    /// The beginning of the encoded reply, on one line.
    var summary: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return summarized(bytes)
    }
}

private func summarized(_ bytes: [UInt8]) -> String {
    let line = bytes.last == 0x0A ? bytes.dropLast() : bytes[...]
    let text = line.prefix(120).map { $0 == 0x0A ? " " : String(decoding: [$0], as: UTF8.self) }.joined()
    return line.count > 120 ? text + "..." : text
}
