import SluiceWire

/// Draining: the hub refuses new work, and answers every operation that has begun.
///
/// In a draining hub, only sends whose message is leased are parked, so no operations can match. Each of these sends
/// ends with its lease: `OK` if the message is acknowledged, `CANCELLED draining` if it comes back.
extension HubStateMachine {
    /// Refuses new work from now on, and withdraws all parked operations except sends whose message is leased.
    mutating func drain() {
        guard stage == .serving else { return }
        stage = .draining
        let parked = parkedInOrder
        // Withdraws every operation that could match before any of the others can continue.
        withholding { machine in
            for id in parked where machine.isUntouched(id) { machine.withdraw(id, .draining) }
        }
        for id in parked where !isUnderLease(id) { withdraw(id, .draining) }
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

    /// Returns whether an operation can be withdrawn without affecting others: no receiver has its message, and no
    /// sender would take its place in a buffer.
    private func isUntouched(_ id: OperationID) -> Bool {
        guard case .send(_, let offer, _)? = operations[id]?.wait else { return true }
        switch offer.place {
        case .leased, .buffered: return false
        case .distributing: return offer.attempts == 0
        case .queued, .returned, .delayed, .gone: return true
        }
    }

    private func isUnderLease(_ id: OperationID) -> Bool {
        guard case .send(_, let offer, _)? = operations[id]?.wait else { return false }
        return offer.isLeased
    }
}

extension WireError {
    static let draining = WireError(.draining, "the server is about to stop and accepts no new work")
}
