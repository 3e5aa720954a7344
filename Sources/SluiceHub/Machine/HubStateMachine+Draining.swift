import SluiceWire

/// The end of a hub's life: nothing begins any more, and everybody is told what has become of what they have begun.
///
/// While a hub drains, nothing is parked but sends whose message a receiver holds, so nobody is matched. Each of them ends
/// with the lease: `OK` when the message is acknowledged, `CANCELLED draining` when it comes back.
extension HubStateMachine {
    /// Takes no new work from now on, and withdraws what is parked, but for the sends whose message a receiver holds.
    mutating func drain() {
        guard stage == .serving else { return }
        stage = .draining
        let parked = parkedInOrder
        // Whatever might be matched with something is gone before anything goes on.
        withholding { machine in
            for id in parked where machine.isUntouched(id) { machine.withdraw(id, .draining) }
        }
        for id in parked where !isUnderLease(id) { withdraw(id, .draining) }
    }

    /// Waits for nothing any more: of the messages that receivers hold it can only be said that they may have them.
    mutating func endDraining() {
        drain()
        guard stage == .draining else { return }
        stage = .over
        for id in parkedInOrder { withdraw(id, .draining) }
    }

    /// Whether there is nothing left to wait for.
    ///
    /// - Parameter localCount: how many of the connections are of this process.
    func isDrained(localCount: Int) -> Bool {
        guard connectionCount == localCount else { return false }
        switch stage {
        case .serving: return false
        case .draining: return parkedCount == 0 && leases.count == 0
        case .over: return true
        }
    }

    /// Has a connection told that it holds nothing any more: there may be nothing left for it to wait for.
    mutating func tellIfReleased(_ connection: ConnectionID) {
        if clients[connection]?.leaseCount == 0 { effects.append(.released(connection)) }
    }

    /// The parked operations in the order in which they began to wait.
    private var parkedInOrder: [OperationID] {
        var found: [(id: OperationID, since: UInt64)] = []
        operations.forEach { found.append(($0, $1.since)) }
        return found.sorted { ($0.since, $0.id.serial) < ($1.since, $1.id.serial) }.map(\.id)
    }

    /// Whether it can be withdrawn without anybody else having to do with it: neither a receiver that has its message nor a
    /// sender that would take its place in a buffer.
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
    static let draining = WireError(.draining, "the server is about to stop, and takes no new work")
}
