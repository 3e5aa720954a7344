import FoundationEssentials
import SluiceHub
import SluiceWire

/// The end of a simulation: what is left when nothing moves any more, and when everybody has gone.
extension Simulation {
    private static let moment: UInt64 = 30_000_000_000
    private static let longestLease: UInt64 = 3_600_000_000_000

    /// Looks at the hub as the clients have left it; then has them go, receives what is there still, and looks again.
    func rest() {
        isCalm = true
        run(untilQuietFor: Self.moment)
        guard history.drain == nil else { return restAfterDrain() }
        guard let auditor = connect(-1, outputRoom: 1 << 24) else { return history.faults.append(Self.locked) }
        history.rest.moment = moment()
        history.rest.pending = history.acts.indices.filter {
            history.acts[$0].final == nil && !lines[history.acts[$0].line].isOver
        }
        history.rest.waiters = report(.waiters(channel: nil), auditor) ?? history.rest.waiters
        history.rest.channels = report(.channels(prefix: nil), auditor) ?? history.rest.channels
        history.rest.server = report(.server, auditor)
        for line in lines where line !== auditor { finishSending(line) }
        run(untilQuietFor: Self.moment)
        for line in lines where line !== auditor && !line.isOver { breakOff(line) }
        run(untilQuietFor: Self.moment)
        for channel in plan.setting.channels where channel.isQueue { drain(channel.name, auditor) }
        for channel in plan.setting.channels { ask(.poison(channel.name, nil), auditor) }
        history.rest.empty = report(.server, auditor)
        finishSending(auditor)
        run(untilQuietFor: Self.moment)
    }

    /// The hub ends by itself, also where clients neither go nor give back what they hold: when the longest lease is over.
    private func restAfterDrain() {
        run(untilQuietFor: Self.longestLease + Self.moment)
        history.rest.moment = moment()
        history.drain?.connectionsLeft = hub.connectionCount
        history.drain?.operationsLeft = hub.parkedCount
        history.drain?.isAtItsEnd = hub.isAtItsEnd
    }

    private static let locked = Fault("at rest", "the hub takes no connection although it should have room")

    private func ask(_ command: Command, _ auditor: Line) {
        say(command, isTagged: false, on: auditor, step: -1)
        run(untilQuietFor: 0)
    }

    private func report<Result: Report & Decodable>(_ subject: Inspection.Subject, _ auditor: Line) -> Result? {
        ask(.inspect(Inspection(subject, format: .json)), auditor)
        guard case .data(let body)? = history.acts.last?.final?.reply else { return nil }
        return try? JSONDecoder().decode(Result.self, from: Data(body))
    }

    private func drain(_ channel: ChannelName, _ auditor: Line) {
        while true {
            ask(.receive(ReceiveCommand(channel: channel, timeout: .zero)), auditor)
            guard case .message? = history.acts.last?.final?.reply else { return }
        }
    }
}
