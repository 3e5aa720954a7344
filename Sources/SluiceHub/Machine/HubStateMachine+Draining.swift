import SluiceWire

/// Draining: the hub refuses new work, and answers every operation that has begun.
///
/// In a draining hub, only sends whose message is leased are parked, so no operations can match. Each of these sends
/// ends with its lease: `OK` if the message is acknowledged, `CANCELLED draining` if it comes back.
extension HubStateMachine {
    /// Refuses new work from now on, and withdraws all parked operations except sends whose message is leased, in slices.
    /// Nothing matches meanwhile.
    mutating func drain() {
        guard stage == .serving else { return }
        stage = .draining
        perform(Drain())
    }

    /// Ends the drain: the senders of messages that are still leased are answered `MAYBE`.
    mutating func endDraining() {
        drain()
        guard stage == .draining else { return }
        stage = .over
        for id in parkedInOrder { withdraw(id, .draining) }
    }

    /// Returns whether the drain is complete.
    ///
    /// - Parameter localCount: the number of connections that belong to this process.
    func isDrained(localCount: Int) -> Bool {
        guard connectionCount == localCount else { return false }
        switch stage {
        case .serving: return false
        case .draining: return parkedCount == 0 && leases.count == 0
        case .over: return true
        }
    }

    /// Emits the effect `released` if the connection holds no leases, because it may be possible to close it.
    mutating func tellIfReleased(_ connection: ConnectionID) {
        if let client = clients[connection], client.leaseCount == 0 { outbox.release(connection, of: client) }
    }

    /// The parked operations in the order in which they began to wait.
    private var parkedInOrder: [OperationID] {
        var found: [(id: OperationID, since: UInt64)] = []
        operations.forEach { found.append(($0, $1.since)) }
        return found.sorted { ($0.since, $0.id.serial) < ($1.since, $1.id.serial) }.map(\.id)
    }

    /// Whether some receivers of a broadcast have the message of a send.
    fileprivate func isBeingBroadcast(_ id: OperationID) -> Bool {
        guard case .send(_, let offer, _)? = operations[id]?.wait, case .distributing = offer.place else {
            return false
        }
        return offer.attempts > 0
    }

    fileprivate func isUnderLease(_ id: OperationID) -> Bool {
        guard case .send(_, let offer, _)? = operations[id]?.wait else { return false }
        return offer.isLeased
    }
}

/// Withdraws the operations that are parked in a hub that begins to drain. No others park from then on.
///
/// A broadcast that some receivers have is left until the others are withdrawn, because it is complete then.
final class Drain: UnfinishedWork {
    /// The operations that are visited at a time.
    private static let visited = 4
    private var slot = 0
    private var isSecondRound = false

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while true {
            guard machine.hasStepsLeft else { return false }
            machine.steps += 1
            var parked: [OperationID] = []
            let hasMore = machine.operations.visit(from: &slot, count: Self.visited) { id, _ in parked.append(id) }
            for id in parked where !machine.isUnderLease(id) && (isSecondRound || !machine.isBeingBroadcast(id)) {
                machine.withdraw(id, .draining)
            }
            if hasMore { continue }
            if isSecondRound { return true }
            isSecondRound = true
            slot = 0
        }
    }
}

extension WireError {
    static let draining = WireError(.draining, "the server is about to stop and accepts no new work")
    static let drainingReports = WireError(
        .draining, "the server is about to stop and sends this client no more reports")
}
