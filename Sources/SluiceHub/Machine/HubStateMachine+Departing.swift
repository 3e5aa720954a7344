import SluiceRuntime
import SluiceWire

/// Why all pending operations of a client end.
enum Departure {
    /// The hub closes the connection with an error. Each operation is answered before.
    case refused
    /// The conversation has ended. Nobody reads replies.
    case gone
}

/// Ending what clients have begun that depart.
///
/// A departure takes effect at once: from then on, no operation of the client meets another one. The operations leave
/// their queues in slices, as after other decisions; see `UnfinishedWork`.
extension HubStateMachine {
    /// Forgets a connection whose conversation has ended.
    mutating func disconnect(_ connection: ConnectionID, isOrderly: Bool) {
        conclude(connection, isOrderly: isOrderly)
        if let disconnection = clients[connection]?.disconnection {
            disconnection.forgets = true
        } else {
            forget(connection)
        }
    }

    /// Ends what a client has begun: ends all its parked operations without replies, returns its leased messages, and
    /// removes the ends that it has joined.
    ///
    /// - Parameter isOrderly: whether the conversation ended in good order, so that its ends retire whatever their
    ///   `on-death=` says.
    mutating func conclude(_ connection: ConnectionID, isOrderly: Bool) {
        guard let client = clients[connection], client.disconnection == nil else { return }
        cause = .client(connection)
        client.departure = .gone
        departures += 1
        let disconnection = Disconnection(of: connection, isOrderly: isOrderly)
        client.disconnection = disconnection
        perform(disconnection)
    }

    /// Ends all parked operations of a connection that the hub is about to close. Each is answered that it did not
    /// happen, or that it may have.
    mutating func withdrawAll(of connection: ConnectionID) {
        guard let client = clients[connection], client.departure == nil, client.firstOperation != nil else { return }
        cause = .client(connection)
        client.departure = .refused
        departures += 1
        perform(DepartingOperations(of: connection))
    }

    /// Ends parked operations of a connection, the latest first, as many as the slice permits.
    ///
    /// - Returns: whether none is left.
    mutating func endOperations(of connection: ConnectionID) -> Bool {
        guard let client = clients[connection], client.firstOperation != nil else { return true }
        deferringChannels { machine in
            while machine.hasStepsLeft, let id = client.firstOperation {
                if !machine.endIfDecided(id) { machine.end(id, nil) }
            }
        }
        return client.firstOperation == nil
    }

    /// Performs a group of withdrawals. The affected channels continue only after all of them.
    mutating func deferringChannels(_ withdrawals: (inout HubStateMachine) -> Void) {
        deferredChannels = []
        withdrawals(&self)
        let channels = deferredChannels ?? []
        deferredChannels = nil
        for channel in channels {
            // The last receiver that a broadcast waited for may have disconnected.
            finishIfComplete(channel)
            resume(channel)
        }
    }

    /// Ends an operation if its client departs.
    ///
    /// - Returns: whether the operation has ended.
    mutating func endIfDeparted(_ operation: ParkedOperation, _ id: OperationID) -> Bool {
        switch operation.client.departure {
        case nil: return false
        case .gone: end(id, nil)
        case .refused:
            let reason = Withdrawal.closing
            end(id, isInDoubt(operation.wait) ? reason.doubt : reason.reply)
        }
        return true
    }
}

/// Ends the operations of a client whose connection the hub is about to close.
final class DepartingOperations: UnfinishedWork {
    private let connection: ConnectionID

    init(of connection: ConnectionID) {
        self.connection = connection
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        guard machine.endOperations(of: connection) else { return false }
        machine.departures -= 1
        return true
    }
}

/// Ends the operations of a client that has disconnected, returns its leases, and removes the ends that it has joined.
final class Disconnection: UnfinishedWork {
    private let connection: ConnectionID
    private let isOrderly: Bool
    /// Whether the operations have ended.
    private var hasEndedOperations = false
    /// The leases that are found, the one with the oldest message first.
    private var leases = IndexedHeap<LeaseID>()
    /// The next lease to find. Nil once all are found.
    private var nextLease: LeaseID?
    /// Whether the client is to be forgotten afterwards.
    var forgets = false

    init(of connection: ConnectionID, isOrderly: Bool) {
        self.connection = connection
        self.isOrderly = isOrderly
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        if !hasEndedOperations {
            guard machine.endOperations(of: connection) else { return false }
            hasEndedOperations = true
            machine.departures -= 1
            nextLease = machine.clients[connection]?.firstLease
        }
        guard findLeases(in: &machine), returnLeases(to: &machine) else { return false }
        while let end = machine.clients[connection]?.ends.last {
            guard machine.hasStepsLeft else { return false }
            // Most of the time is for the names of the channels that end.
            machine.steps += 4
            machine.clients[connection]?.ends.removeLast()
            machine.leave(end, connection, because: policy(of: end, machine.stage))
        }
        machine.clients[connection]?.disconnection = nil
        if forgets { machine.forget(connection) }
        return true
    }

    /// What the loss of the client does to the channel of an end; see `leave`.
    private func policy(of end: DeclaredEnd, _ stage: HubStage) -> DeathPolicy? {
        let policy = isOrderly ? .retire : end.onDeath
        return stage == .serving || policy == .poison ? policy : nil
    }

    /// The leases that are found in a step.
    private static let leasesOfStep = 4

    /// - Returns: whether all are found.
    private func findLeases(in machine: inout HubStateMachine) -> Bool {
        while let id = nextLease {
            guard machine.hasStepsLeft else { return false }
            if leases.count % Self.leasesOfStep == 0 { machine.steps += 1 }
            if let lease = machine.leases[id] {
                _ = leases.insert(id, at: lease.offer.position)
                nextLease = lease.next
            } else {
                // The lease has ended since the last slice. To find a lease twice does no harm.
                nextLease = machine.clients[connection]?.firstLease
            }
        }
        return true
    }

    /// - Returns: whether all are returned.
    private func returnLeases(to machine: inout HubStateMachine) -> Bool {
        while let id = leases.first {
            guard machine.hasStepsLeft, machine.isReady(forEndOf: id) else { return false }
            machine.steps += 2
            _ = leases.popFirst()
            machine.returnLease(id, after: nil)
        }
        return true
    }
}
