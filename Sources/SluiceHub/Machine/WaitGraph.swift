import SluiceWire

/// Who waits for whom: finds the clients that none but each other can help.
///
/// A client that waits is helped by any member of the groups that it waits for: those who could be at the other side. So
/// it is stuck if all of them are. Beginning with everybody who waits, the graph strikes out whoever can be helped by
/// somebody who was struck out or does not wait; what is left waits in circles. (The OR model of deadlocks; see Knapp,
/// "Deadlock detection in distributed databases", 1987.) Linear in the operations and the members of the groups.
struct WaitGraph {
    /// Who is taken for the other side of a channel.
    enum Evidence {
        /// The connections that have joined it: whoever is found stuck then is.
        case onlyDeclaredEnds
        /// The connections that have joined it or, where none has, those that have used it.
        case whoeverUsedIt
    }

    /// One client of a cycle, which waits for the next one.
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
    /// The clients that are stuck, as far as is known.
    private var waits: [ConnectionID: Wait] = [:]
    /// For each client, the groups that it is a member of.
    private var memberships: [ConnectionID: [GroupKey]] = [:]

    init(of machine: borrowing HubStateMachine, counting evidence: Evidence) {
        self.evidence = evidence
        let sides = Sides(of: machine, counting: evidence)
        let holders = Self.holders(of: machine)
        machine.operations.forEach { id, operation in
            // Only an untagged command keeps its client from doing anything else; and what ends by itself is no proof.
            if case .onlyDeclaredEnds = evidence, operation.caller.tag != nil || operation.deadline != nil { return }
            add(operation, id, sides, holders)
        }
        strike()
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
                guard case .whoeverUsedIt = evidence else { return }
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

    // MARK: Striking out

    private mutating func strike() {
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

    /// Whether a group has somebody in it, and all of them wait themselves.
    private func canOnlyBeHelped(_ client: ConnectionID, by key: GroupKey) -> Bool {
        guard let members = groups[key]?.members, members.contains(where: { isSomebodyElse($0, to: client) }) else {
            return false
        }
        return members.allSatisfy { waits[$0] != nil }
    }

    /// A client that has declared both ends may wait for itself; one that only happened to use both is no evidence.
    private func isSomebodyElse(_ member: ConnectionID, to client: ConnectionID) -> Bool {
        switch evidence {
        case .onlyDeclaredEnds: true
        case .whoeverUsedIt: member != client
        }
    }

    // MARK: Cycles

    /// The cycles, each told from the client that has waited longest; those who wait for somebody in one are left out.
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
            // Somebody else, if there is one: that a client also waits for itself tells nobody what to do about it.
            let stuck = group.members.filter { waits[$0] != nil && isSomebodyElse($0, to: client) }
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

/// Who could be at the sides of the channels that somebody waits on.
private struct Sides {
    private var declared: [ChannelUsage.Place: [ConnectionID]] = [:]
    private var used: [ChannelUsage.Place: [ConnectionID]] = [:]

    init(of machine: borrowing HubStateMachine, counting evidence: WaitGraph.Evidence) {
        machine.clients.forEach { id, client in
            for end in client.ends {
                let use: NameUse = end.side == .send ? .send : .receive
                declared[ChannelUsage.Place(use: use, name: end.channel.name), default: []].append(id)
            }
            guard case .whoeverUsedIt = evidence else { return }
            for place in client.usage.entries { used[place, default: []].append(id) }
        }
    }

    func members(of place: ChannelUsage.Place) -> [ConnectionID] { declared[place] ?? used[place] ?? [] }
}

/// What could end a wait.
private enum WaitTarget {
    case side(WaitStep.Operation, ChannelUsage.Place)
    case holder(ConnectionID, ChannelName)
}

extension OperationWait {
    fileprivate func targets(_ id: OperationID, _ holders: [ObjectIdentifier: ConnectionID]) -> [WaitTarget] {
        switch self {
        case .send(let channel, let offer, _): [.send(channel, offer, holders)]
        case .receive(let channel, _, _): [.receive(channel)]
        case .stream(let stream): stream.isPaused ? [] : [.receive(stream.channel)]
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
