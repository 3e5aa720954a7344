import SluiceWire

/// Finds the clients that wait for each other and that no other client can help.
///
/// A client waits for one or more groups: the clients that could be at the other side of a channel. Any member of a
/// group can end the wait, so a client is stuck if all members of all its groups are stuck. Starting from all waiting
/// clients, the graph removes each client that a removed client, or one that does not wait, can help. The remaining
/// clients wait in cycles. This is the OR model of deadlocks; see Knapp, "Deadlock detection in distributed databases",
/// 1987.
///
/// Groups are nodes of the graph like clients, so the cost is linear in the arms of the operations and the ends of the
/// channels. `StuckScan` adds the nodes and edges, and then the graph solves itself, all in slices.
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

    private struct Members {
        /// The waiting clients.
        var waiting: [Int32] = []
        /// Whether a client that does not wait is a member.
        var includesHelper = false
        var isEmpty: Bool { waiting.isEmpty && !includesHelper }

        /// Adds a client, which waits unless `wait` is nil.
        mutating func add(_ wait: Int32?) {
            if let wait { waiting.append(wait) } else { includesHelper = true }
        }
    }

    private struct Group {
        let operation: WaitStep.Operation
        let name: ChannelName
        var declared = Members()
        var used = Members()
        /// The clients that wait for the group. Empty once they are known to be helped.
        var waiters: [Int32] = []
        /// The number of members at the beginning of the list that are known not to be stuck.
        var passed = 0

        var members: Members { declared.isEmpty ? used : declared }
    }

    private struct Wait {
        let client: ConnectionID
        let operations: [OperationID]
        let since: UInt64
        var groups: [Int32] = []
        /// The groups that the client is a member of, and whether it has joined the channel.
        var memberships: [(group: Int32, isDeclared: Bool)] = []
        var isStuck = true
        /// Whether the search for cycles has seen the client.
        var isSeen = false
    }

    let evidence: Evidence
    private var groups: [Group] = []
    private var groupOfPlace: [ChannelUsage.Place: Int32] = [:]
    private var waits: [Wait] = []
    private var waitOfClient: [ConnectionID: Int32] = [:]
    /// The next client whose groups are to be checked.
    private var nextUnchecked = 0
    /// The clients that were found not to be stuck and whose groups have not been updated yet.
    private var helped: [Int32] = []
    /// The stuck clients in the order of their waits, from which the search for cycles starts.
    private var starts: [Int32]?
    private var nextStart = 0
    private(set) var cycles: [[Step]] = []

    init(_ evidence: Evidence) {
        self.evidence = evidence
    }

    // MARK: Building

    /// Adds a client that waits in the operations, for nothing yet.
    mutating func addWait(of client: ConnectionID, for operations: [OperationID], since: UInt64) -> Int32 {
        let index = Int32(waits.count)
        waits.append(Wait(client: client, operations: operations, since: since))
        waitOfClient[client] = index
        return index
    }

    /// Records that a client waits for the clients at a side of a channel.
    mutating func add(_ operation: WaitStep.Operation, at place: ChannelUsage.Place, to wait: Int32) {
        let group: Int32
        if let known = groupOfPlace[place] {
            group = known
        } else {
            group = addGroup(operation, place.name)
            groupOfPlace[place] = group
        }
        connect(wait, to: group)
    }

    /// Records that a client waits for the holder of a lease.
    mutating func add(holder: ConnectionID, of name: ChannelName, to wait: Int32) {
        let group = addGroup(.lease, name)
        connect(wait, to: group)
        addMember(holder, to: group, isDeclared: true)
    }

    private mutating func addGroup(_ operation: WaitStep.Operation, _ name: ChannelName) -> Int32 {
        groups.append(Group(operation: operation, name: name))
        return Int32(groups.count - 1)
    }

    private mutating func connect(_ wait: Int32, to group: Int32) {
        waits[Int(wait)].groups.append(group)
        groups[Int(group)].waiters.append(wait)
    }

    /// Notes that a client has joined, or has only used, a side of a channel.
    mutating func addMember(_ client: ConnectionID, at place: ChannelUsage.Place, isDeclared: Bool) {
        guard let group = groupOfPlace[place] else { return }
        addMember(client, to: group, isDeclared: isDeclared)
    }

    private mutating func addMember(_ client: ConnectionID, to group: Int32, isDeclared: Bool) {
        let wait = waitOfClient[client]
        if isDeclared { groups[Int(group)].declared.add(wait) } else { groups[Int(group)].used.add(wait) }
        if let wait { waits[Int(wait)].memberships.append((group, isDeclared)) }
    }

    // MARK: Solving

    /// Continues to solve the graph for about `steps` steps.
    ///
    /// - Returns: whether it is known which clients are stuck.
    mutating func removeHelped(steps: inout Int) -> Bool {
        while steps > 0, nextUnchecked < waits.count {
            let wait = waits[nextUnchecked]
            if wait.groups.contains(where: { !mayBlock(Int32(nextUnchecked), $0) }) { remove(Int32(nextUnchecked)) }
            steps -= 1 + wait.groups.count
            nextUnchecked += 1
        }
        while steps > 0, let client = helped.popLast() {
            let memberships = waits[Int(client)].memberships
            steps -= 1 + memberships.count
            // Use of a channel does not count if clients have joined it.
            for (group, isDeclared) in memberships where isDeclared || groups[Int(group)].declared.isEmpty {
                let waiters = groups[Int(group)].waiters
                groups[Int(group)].waiters = []
                steps -= waiters.count
                for waiter in waiters { remove(waiter) }
            }
        }
        return nextUnchecked == waits.count && helped.isEmpty
    }

    private mutating func remove(_ client: Int32) {
        guard waits[Int(client)].isStuck else { return }
        waits[Int(client)].isStuck = false
        helped.append(client)
    }

    /// Whether a group has members and all of them wait as well.
    private func mayBlock(_ client: Int32, _ group: Int32) -> Bool {
        let members = groups[Int(group)].members
        guard !members.includesHelper, let first = members.waiting.first else { return false }
        return members.waiting.count > 1 || first != client || isOwnHelper
    }

    /// Whether a client may wait for itself. A client that has declared both ends may. Use of both sides is no
    /// evidence.
    private var isOwnHelper: Bool { if case .onlyDeclaredEnds = evidence { true } else { false } }

    /// Removes the stuck clients that no longer wait in the same operations. If there are any, the graph must be solved
    /// again.
    mutating func removeFreed(_ machine: borrowing HubStateMachine) {
        for index in waits.indices where waits[index].isStuck && !isStillWaiting(waits[index], machine) {
            remove(Int32(index))
        }
    }

    private func isStillWaiting(_ wait: Wait, _ machine: borrowing HubStateMachine) -> Bool {
        for id in wait.operations {
            guard let operation = machine.operations[id] else { return false }
            if case .onlyDeclaredEnds = evidence, operation.mayEndAlone { return false }
        }
        guard case .onlyDeclaredEnds = evidence, let client = machine.clients[wait.client], client.waitEvidence == .all
        else { return true }
        return Int(client.pendingCount) == wait.operations.count
    }

    // MARK: Cycles

    /// Continues to look for the cycles of the solved graph for about `steps` steps. Each cycle begins with the client
    /// that has waited longest. Clients that wait for a cycle without being part of it are left out.
    ///
    /// - Returns: whether all cycles are found.
    mutating func findCycles(steps: inout Int) -> Bool {
        let starts = starts ?? startsInOrder
        self.starts = starts
        while steps > 0, nextStart < starts.count {
            follow(from: starts[nextStart], &steps)
            nextStart += 1
        }
        return nextStart == starts.count
    }

    private var startsInOrder: [Int32] {
        waits.indices.filter { waits[$0].isStuck }
            .sorted { (waits[$0].since, waits[$0].client.slot) < (waits[$1].since, waits[$1].client.slot) }
            .map(Int32.init)
    }

    private mutating func follow(from start: Int32, _ steps: inout Int) {
        var path: [Step] = []
        var places: [Int32: Int] = [:]
        var client = start
        while !waits[Int(client)].isSeen {
            waits[Int(client)].isSeen = true
            guard let (step, next) = step(from: client, &steps) else { break }
            places[client] = path.count
            path.append(step)
            client = next
        }
        guard let begin = places[client] else { return }
        let cycle = path[begin...]
        let oldest = cycle.indices.min { cycle[$0].since < cycle[$1].since } ?? begin
        cycles.append(Array(cycle[oldest...] + cycle[..<oldest]))
    }

    private mutating func step(from client: Int32, _ steps: inout Int) -> (Step, next: Int32)? {
        let wait = waits[Int(client)]
        for group in wait.groups {
            steps -= 1
            guard let next = stuckMember(of: group, otherThan: client, &steps) else { continue }
            let group = groups[Int(group)]
            return (Step(client: wait.client, operation: group.operation, name: group.name, since: wait.since), next)
        }
        return nil
    }

    /// Returns a stuck member, if possible another client than `client`: a client's wait for itself does not help to
    /// resolve the cycle.
    private mutating func stuckMember(of group: Int32, otherThan client: Int32, _ steps: inout Int) -> Int32? {
        let members = groups[Int(group)].members.waiting
        var place = groups[Int(group)].passed
        while place < members.count, !waits[Int(members[place])].isStuck {
            place += 1
            steps -= 1
        }
        groups[Int(group)].passed = place
        var own: Int32?
        for member in members[place...] {
            steps -= 1
            guard waits[Int(member)].isStuck else { continue }
            if member != client { return member }
            own = member
        }
        return isOwnHelper ? own : nil
    }
}
