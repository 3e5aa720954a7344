import SluiceRuntime
import SluiceWire

/// Ends what clients have begun and are no longer permitted to, after permissions have changed: their waiting
/// operations get `ERR denied`, their leases end as if they had died, and they leave the ends that they have joined.
final class PermissionReview: UnfinishedWork {
    private enum Stage {
        case operations, leases, ends
    }

    /// The change after which this review was begun. A later change has a review of its own.
    private let change: Int
    private var stage = Stage.operations
    private var slot = 0
    /// The leases that were found and have not ended yet.
    private var found: [LeaseID] = []
    /// What it ends has not ended before.
    var tellsDecisions: Bool { false }

    init(_ change: Int) { self.change = change }

    /// The slots that are visited at a time.
    private static let slotsAtOnce = 16

    func advance(_ machine: inout HubStateMachine) -> Bool {
        guard change == machine.permissionChanges else { return true }
        while machine.hasStepsLeft {
            switch stage {
            case .operations: if !reviewOperations(&machine) { begin(.leases) }
            case .leases:
                guard endLeases(&machine) else { return false }
                if !reviewLeases(&machine), found.isEmpty { begin(.ends) }
            case .ends: if !reviewEnds(&machine) { return true }
            }
        }
        return false
    }

    private func begin(_ next: Stage) {
        stage = next
        slot = 0
    }

    /// - Returns: whether there are slots left to visit. The same holds for the other stages.
    private func reviewOperations(_ machine: inout HubStateMachine) -> Bool {
        var denied: [(id: OperationID, error: WireError)] = []
        var arms = 0
        let hasMore = machine.operations.visit(from: &slot, count: Self.slotsAtOnce) { id, operation in
            guard let permissions = operation.client.grant.permissions else { return }
            arms += operation.wait.armCount
            if let error = permissions.refusal(of: operation.wait) { denied.append((id, error)) }
        }
        machine.steps += 2 + arms
        for (id, error) in denied { machine.deny(id, error) }
        return hasMore
    }

    private func reviewLeases(_ machine: inout HubStateMachine) -> Bool {
        var checked = 0
        let hasMore = machine.visitLeases(from: &slot, count: Self.slotsAtOnce) { id, lease, permissions in
            checked += 1
            if !permissions.allows(.receive, on: lease.channel.name) { found.append(id) }
        }
        machine.steps += 2 + checked
        return hasMore
    }

    /// - Returns: false if the slice has ended before.
    private func endLeases(_ machine: inout HubStateMachine) -> Bool {
        while let id = found.last {
            guard machine.hasStepsLeft, machine.isReady(forEndOf: id) else { return false }
            machine.steps += 2
            found.removeLast()
            machine.returnLease(id, after: nil)
        }
        return true
    }

    private func reviewEnds(_ machine: inout HubStateMachine) -> Bool {
        var denied: [(connection: ConnectionID, end: DeclaredEnd)] = []
        var ends = 0
        let hasMore = machine.clients.visit(from: &slot, count: 1) { id, client in
            guard let permissions = client.grant.permissions else { return }
            ends += client.ends.count
            for end in client.ends where !permissions.allows(.join, on: end.channel.name) { denied.append((id, end)) }
        }
        machine.steps += 1 + ends / 4
        for (connection, end) in denied {
            machine.steps += 1
            machine.clients[connection]?.ends.removeAll { $0.channel === end.channel && $0.side == end.side }
            machine.leave(end, connection, because: .retire)
        }
        return hasMore
    }
}

extension HubStateMachine {
    /// Ends a waiting operation that is no longer permitted.
    mutating func deny(_ id: OperationID, _ error: WireError) {
        guard let operation = operations[id], !endIfDecided(id) else { return }
        end(id, isInDoubt(operation.wait) ? .maybe("denied") : .error(error))
    }

    /// Visits the leases in the next slots whose holders have permissions.
    fileprivate func visitLeases(
        from slot: inout Int, count: Int, _ visit: (LeaseID, Lease, PermissionTrie) -> Void
    ) -> Bool {
        leases.visit(from: &slot, count: count) { id, lease in
            if let permissions = clients[lease.holder]?.grant.permissions { visit(id, lease, permissions) }
        }
    }
}

extension PermissionTrie {
    /// Returns the error for a waiting operation that is not permitted; nil if it is.
    fileprivate func refusal(of wait: OperationWait) -> WireError? {
        switch wait {
        case .send(let channel, let offer, let arm):
            refusal(of: offer.wantsAnswer ? .call : .send, .send, channel.name, arm)
        case .receive(let channel, _, _): refusal(of: .receive, .receive, channel.name)
        case .countedReceive(let counted): refusal(of: .receive, .receive, counted.channel.name)
        case .barrier(let barrier, _): refusal(of: .barrier, .barrier, barrier.name)
        case .redrive(let work): refusal(of: .redrive, .receive, work.channel.name)
        case .trace(let tracer):
            if mayAllow(.trace, onNamesFrom: tracer.prefix) {
                nil
            } else {
                tracer.prefix.map { .denied(.trace, $0) } ?? .denied(.trace)
            }
        case .select(let select): refusal(ofArms: select.arms)
        }
    }

    private func refusal(ofArms arms: [ParkedArm]) -> WireError? {
        for (number, arm) in arms.enumerated() {
            let refusal =
                switch arm {
                case .send(let channel, _): refusal(of: .send, .send, channel.name, Int32(number))
                case .receive(let channel, _, _): refusal(of: .receive, .receive, channel.name, Int32(number))
                case .barrier(let barrier, _): refusal(of: .barrier, .barrier, barrier.name, Int32(number))
                }
            if let refusal { return refusal }
        }
        return nil
    }

    private func refusal(
        of verb: Verb, _ commands: Permissions.CommandClass, _ name: ChannelName, _ arm: Int32? = nil
    ) -> WireError? {
        allows(commands, on: name) ? nil : .denied(verb, name, arm.map { ", arm \($0)" } ?? "")
    }
}
