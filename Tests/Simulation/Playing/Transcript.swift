import SluiceWire

/// A history as people read it: who sent what over which connection, who heard what, and when.
package struct Transcript {
    package let lines: [String]

    package init(of history: History) {
        var entries: [(moment: Moment, text: String)] = []
        for (number, record) in history.lines.enumerated() {
            if let farewell = record.farewell { entries.append((farewell, "\(record.address)  finishes sending")) }
            if let end = record.end {
                entries.append((end, "\(record.address)  is over\(record.isBroken ? ", broken off" : "")"))
            }
            for act in record.acts { entries += Self.entries(of: history.acts[act], act, record, number) }
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
        of act: Act, _ number: Int, _ record: LineRecord, _ line: Int
    ) -> [(moment: Moment, text: String)] {
        var bytes: [UInt8] = []
        act.command.map { Request(tag: nil, command: $0).append(to: &bytes) }
        let name = act.tag.map { " #\($0)" } ?? " (t\(number))"
        let said = act.command == nil ? "a line that is no command" : text(bytes)
        return [(act.sent, "\(record.address) >\(name) \(said)")]
            + (act.parts + (act.final.map { [$0] } ?? [])).map { moment, reply in
                var bytes: [UInt8] = []
                reply.append(to: &bytes)
                return (moment, "\(record.address) <\(name) \(text(bytes))")
            }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        let text = bytes.prefix(120).map { $0 == 0x0A ? " " : String(decoding: [$0], as: UTF8.self) }.joined()
        return bytes.count > 120 ? text + "..." : text
    }

    /// What a step does that shows nowhere else.
    private static func text(of step: Step) -> String? {
        switch step.deed {
        case .stall(let nanoseconds): "client \(step.client) takes nothing for \(nanoseconds / 1_000_000) ms"
        case .jump(let nanoseconds): "the clock jumps by \(nanoseconds / 1_000_000) ms"
        case .hesitate(let nanoseconds): "client \(step.client) stops within a line for \(nanoseconds / 1_000_000) ms"
        case .breakOff: "client \(step.client) breaks off"
        case .drain(let limit): "the hub drains\(limit.map { ", for \($0 / 1_000_000) ms at most" } ?? "")"
        case .operate, .burst, .cancel, .babble, .finishSending: nil
        }
    }
}
