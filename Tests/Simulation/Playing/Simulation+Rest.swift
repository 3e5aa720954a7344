import FoundationEssentials
import SluiceHub
import SluiceRuntime
import SluiceWire

/// The end of a simulation: what the hub holds at rest, and when all clients have disconnected.
extension Simulation {
    private static let quietNanoseconds: UInt64 = 30_000_000_000
    private static let longestLeaseNanoseconds: UInt64 = 3_600_000_000_000

    /// Inspects the hub at rest, disconnects all clients, receives the remaining messages, and inspects the hub again.
    func rest() {
        isCalm = true
        run(untilQuietFor: Self.quietNanoseconds)
        guard history.drain == nil else { return restAfterDrain() }
        guard let auditor = connect(-1, networkBytes: 1 << 24) else { return history.faults.append(Self.rejected) }
        history.rest.moment = moment()
        history.rest.pending = history.exchanges.indices.filter {
            history.exchanges[$0].final == nil && !connections[history.exchanges[$0].connection].hasEnded
        }
        history.rest.waiters = report(.waiters(channel: nil), auditor) ?? history.rest.waiters
        history.rest.channels = report(.channels(prefix: nil), auditor) ?? history.rest.channels
        history.rest.clients = report(.clients, auditor) ?? history.rest.clients
        history.rest.server = report(.server, auditor)
        for connection in connections where connection !== auditor { finishSending(connection) }
        run(untilQuietFor: Self.quietNanoseconds)
        for connection in connections where connection !== auditor && !connection.hasEnded { breakOff(connection) }
        run(untilQuietFor: Self.quietNanoseconds)
        receiveAll(auditor)
        for channel in plan.setting.channels { ask(.poison(channel.name, nil), auditor) }
        history.rest.empty = report(.server, auditor)
        finishSending(auditor)
        run(untilQuietFor: Self.quietNanoseconds)
        // The hub forgets ids and the names of ended channels.
        clock.advance(by: plan.setting.limits.sendMemoryLife * 2)
        run(untilQuietFor: Self.quietNanoseconds)
        history.rest.charge = hub.charge
    }

    /// Waits for the hub to end. It does so by itself when the longest lease has expired, also if clients neither disconnect
    /// nor end their leases.
    private func restAfterDrain() {
        run(untilQuietFor: Self.longestLeaseNanoseconds + Self.quietNanoseconds)
        history.rest.moment = moment()
        history.drain?.connectionsLeft = hub.connectionCount
        history.drain?.operationsLeft = hub.parkedCount
        history.drain?.isAtItsEnd = hub.isAtItsEnd
    }

    private static let rejected = Fault("at rest", "the hub accepts no connection although its limits allow one more")

    private func ask(_ command: Command, _ auditor: ClientConnection) {
        send(command, isTagged: false, on: auditor, step: -1)
        run(untilQuietFor: 0)
    }

    private func report<Result: Report & Decodable>(_ subject: Inspection.Subject, _ auditor: ClientConnection)
        -> Result?
    {
        ask(.inspect(Inspection(subject, format: .json)), auditor)
        guard case .data(let body, _)? = history.exchanges.last?.final?.reply else { return nil }
        return try? JSONDecoder().decode(Result.self, from: Data(body))
    }

    /// Receives the messages of all queues. Those that wait for room in a dead channel move there in between.
    private func receiveAll(_ auditor: ClientConnection) {
        var before = -1
        while before < auditedCount {
            before = auditedCount
            for channel in plan.setting.channels where channel.isQueue { receiveAll(from: channel.name, auditor) }
            if plan.setting.channels.contains(where: { $0.policy != nil }) { run(untilQuietFor: 2_000_000_000) }
        }
    }

    private func receiveAll(from channel: ChannelName, _ auditor: ClientConnection) {
        while true {
            ask(.receive(ReceiveCommand(channel: channel, timeout: .zero)), auditor)
            guard case .message? = history.exchanges.last?.final?.reply else { return }
            auditedCount += 1
        }
    }
}
