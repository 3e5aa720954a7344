import SluiceWire

/// Finds the clients that wait for each other and that no other client can help.
///
/// A client waits for one or more groups. A group holds the clients that could be at the other side of a channel, and
/// any of its members can end the wait. So a client is stuck if all members are stuck. Starting from all waiting
/// clients, the graph removes each client that a removed client, or one that does not wait, can help. The remaining
/// clients wait in cycles. This is the OR model of deadlocks; see Knapp, "Deadlock detection in distributed databases",
/// 1987. The cost is linear in the operations and the members of the groups.
struct WaitGraph {
    /// Which connections count as the other side of a channel.
    enum Evidence {
        /// The connections that have joined the channel. A client that is found stuck is proved to be stuck.
        case onlyDeclaredEnds
        /// The connections that have joined the channel or, if none has, those that have used it.
        case declaredOrUsed
    }

    /// A client of a cycle, which waits for the next one.
    struct Step {
        let client: ConnectionID
        let operation: WaitStep.Operation
        let name: ChannelName
        let since: UInt64
    }

    private enum GroupKey: Hashable {
        case side(ChannelUsage.Place)
        case holder(OperationID)
    }

    private struct Group {
        let operation: WaitStep.Operation
        let name: ChannelName
        let members: [ConnectionID]
        var waiters: [ConnectionID] = []
    }

    private struct Wait {
        let since: UInt64
        let groups: [GroupKey]
    }

    private let evidence: Evidence
    private var groups: [GroupKey: Group] = [:]
    /// The waiting clients that may be stuck. ``removeHelped()`` removes those that are not.
    private var waits: [ConnectionID: Wait] = [:]
    /// The groups that each client is a member of.
    private var memberships: [ConnectionID: [GroupKey]] = [:]

    init(of machine: borrowing HubStateMachine, counting evidence: Evidence) {
        self.evidence = evidence
        let sides = Sides(of: machine, counting: evidence)
        let holders = Self.holders(of: machine)
        machine.operations.forEach { id, operation in
            // Only an untagged command keeps its client from helping others, and a wait with a timeout ends by itself.
            if case .onlyDeclaredEnds = evidence, operation.caller.tag != nil || operation.deadline != nil { return }
            add(operation, id, sides, holders)
        }
        removeHelped()
    }

    // MARK: Building

    private mutating func add(
        _ operation: ParkedOperation, _ id: OperationID, _ sides: Sides, _ holders: [ObjectIdentifier: ConnectionID]
    ) {
        let client = operation.caller.connection
        // A client with several operations waits for the oldest one.
        if let known = waits[client], known.since <= operation.since { return }
        let targets = operation.wait.targets(id, holders)
        guard !targets.isEmpty else { return }
        var keys: [GroupKey] = []
        for target in targets {
            switch target {
            case .side(let operation, let place):
                let key = GroupKey.side(place)
                keys.append(key)
                if groups[key] == nil {
                    groups[key] = Group(operation: operation, name: place.name, members: sides.members(of: place))
                }
            case .holder(let holder, let name):
                guard case .declaredOrUsed = evidence else { return }
                keys.append(.holder(id))
                groups[.holder(id)] = Group(operation: .lease, name: name, members: [holder])
            }
        }
        waits[client] = Wait(since: operation.since, groups: keys)
    }

    private static func holders(of machine: borrowing HubStateMachine) -> [ObjectIdentifier: ConnectionID] {
        var holders: [ObjectIdentifier: ConnectionID] = [:]
        machine.leases.forEach { holders[ObjectIdentifier($1.offer)] = $1.holder }
        return holders
    }

    // MARK: Removing clients that can be helped

    private mutating func removeHelped() {
        var helped: [ConnectionID] = []
        for (client, wait) in waits {
            for key in wait.groups { groups[key]?.waiters.append(client) }
            if wait.groups.contains(where: { !canOnlyBeHelped(client, by: $0) }) { helped.append(client) }
        }
        for (key, group) in groups {
            for member in group.members { memberships[member, default: []].append(key) }
        }
        while let client = helped.popLast() {
            guard waits.removeValue(forKey: client) != nil else { continue }
            for key in memberships[client] ?? [] {
                guard let waiters = groups[key]?.waiters else { continue }
                groups[key]?.waiters = []
                helped += waiters
            }
        }
    }

    /// Whether a group has members and all of them wait as well.
    private func canOnlyBeHelped(_ client: ConnectionID, by key: GroupKey) -> Bool {
        guard let members = groups[key]?.members, members.contains(where: { isHelper($0, of: client) }) else {
            return false
        }
        return members.allSatisfy { waits[$0] != nil }
    }

    /// Whether a member of a group counts as a helper of a client. A client that has declared both ends may wait for
    /// itself. That a client has used both sides is no evidence.
    private func isHelper(_ member: ConnectionID, of client: ConnectionID) -> Bool {
        switch evidence {
        case .onlyDeclaredEnds: true
        case .declaredOrUsed: member != client
        }
    }

    // MARK: Cycles

    /// The cycles, each beginning with the client that has waited longest. Clients that wait for a cycle without being
    /// part of it are left out.
    var cycles: [[Step]] {
        var seen: Set<ConnectionID> = []
        var cycles: [[Step]] = []
        let inOrder = waits.sorted { ($0.value.since, $0.key.slot) < ($1.value.since, $1.key.slot) }.map(\.key)
        for start in inOrder where !seen.contains(start) {
            var path: [Step] = []
            var places: [ConnectionID: Int] = [:]
            var client = start
            while seen.insert(client).inserted, let (step, next) = step(from: client) {
                places[client] = path.count
                path.append(step)
                client = next
            }
            guard let begin = places[client] else { continue }
            cycles.append(rotated(Array(path[begin...])))
        }
        return cycles
    }

    private func step(from client: ConnectionID) -> (Step, next: ConnectionID)? {
        guard let wait = waits[client] else { return nil }
        for key in wait.groups {
            guard let group = groups[key] else { continue }
            // Prefer another client: that a client also waits for itself does not help to resolve the cycle.
            let stuck = group.members.filter { waits[$0] != nil && isHelper($0, of: client) }
            guard let next = stuck.first(where: { $0 != client }) ?? stuck.first else { continue }
            return (Step(client: client, operation: group.operation, name: group.name, since: wait.since), next)
        }
        return nil
    }

    private func rotated(_ steps: [Step]) -> [Step] {
        let first = steps.indices.min { steps[$0].since < steps[$1].since } ?? 0
        return Array(steps[first...] + steps[..<first])
    }
}

/// The clients that could be at the sides of channels and barriers.
private struct Sides {
    private var declared: [ChannelUsage.Place: [ConnectionID]] = [:]
    private var used: [ChannelUsage.Place: [ConnectionID]] = [:]

    init(of machine: borrowing HubStateMachine, counting evidence: WaitGraph.Evidence) {
        machine.clients.forEach { id, client in
            for end in client.ends {
                let use: NameUse = end.side == .send ? .send : .receive
                declared[ChannelUsage.Place(use: use, name: end.channel.name), default: []].append(id)
            }
            guard case .declaredOrUsed = evidence else { return }
            for place in client.usage.entries { used[place, default: []].append(id) }
        }
    }

    func members(of place: ChannelUsage.Place) -> [ConnectionID] { declared[place] ?? used[place] ?? [] }
}

/// What can end a wait: a client at the other side, or the holder of a lease.
private enum WaitTarget {
    case side(WaitStep.Operation, ChannelUsage.Place)
    case holder(ConnectionID, ChannelName)
}

extension OperationWait {
    fileprivate func targets(_ id: OperationID, _ holders: [ObjectIdentifier: ConnectionID]) -> [WaitTarget] {
        switch self {
        case .send(let channel, let offer, _): [.send(channel, offer, holders)]
        case .receive(let channel, _, _): [.receive(channel)]
        case .countedReceive(let counted): counted.isPaused ? [] : [.receive(counted.channel)]
        case .barrier(let barrier, _): [.barrier(barrier)]
        case .trace: []
        case .select(let select):
            select.arms.map { arm in
                switch arm {
                case .send(let channel, let offer): .send(channel, offer, holders)
                case .receive(let channel, _, _): .receive(channel)
                case .barrier(let barrier, _): .barrier(barrier)
                }
            }
        }
    }
}

extension WaitTarget {
    fileprivate static func send(
        _ channel: NamedChannel, _ offer: Offer, _ holders: [ObjectIdentifier: ConnectionID]
    ) -> WaitTarget {
        if let holder = holders[ObjectIdentifier(offer)] { return .holder(holder, channel.name) }
        return .side(.send, ChannelUsage.Place(use: .receive, name: channel.name))
    }

    fileprivate static func receive(_ channel: NamedChannel) -> WaitTarget {
        .side(.receive, ChannelUsage.Place(use: .send, name: channel.name))
    }

    fileprivate static func barrier(_ barrier: Barrier) -> WaitTarget {
        .side(.barrier, ChannelUsage.Place(use: .meet, name: barrier.name))
    }
}
