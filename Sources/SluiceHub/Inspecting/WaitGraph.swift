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
        var waiting = IndexList()
        /// Whether a client that does not wait is a member.
        var includesHelper = false
        var isEmpty: Bool { waiting.isEmpty && !includesHelper }
    }

    private struct Group {
        let operation: WaitStep.Operation
        let name: ChannelName
        var declared = Members()
        var used = Members()
        /// The clients that wait for the group. Empty once they are known to be helped.
        var waiters = IndexList()
        /// Whether `firstStuck` is set.
        var isSearched = false
        /// The place in the list of members before which all are known not to be stuck.
        var firstStuck: Int32 = IndexList.end

        var members: Members { declared.isEmpty ? used : declared }
    }

    private struct Wait {
        let client: ConnectionID
        /// The operations that the client waits in, in `operations`.
        var operations: Range<Int>
        let since: UInt64
        var groups = IndexList()
        /// The groups that the client is a member of: those whose channel it has joined, and those that it has used.
        var joined = IndexList()
        var used = IndexList()
        var isStuck = true
        /// The number of the walk that has visited the client, and the client's place in its path. 0 for none.
        var walk: Int32 = 0
        var place: Int32 = 0
    }

    let evidence: Evidence
    private var groups = ChunkedArray<Group>()
    /// The entries of the lists of groups and waits. With arrays of their own, thousands of clients would take three times
    /// as long, and freeing those alone would take milliseconds.
    private var lists = IndexLists()
    private var operations = ChunkedArray<OperationID>()
    private var groupOfPlace = ShardedDictionary<ChannelUsage.Place, Int32>()
    private var waits = ChunkedArray<Wait>()
    private var waitOfClient = ShardedDictionary<ConnectionID, Int32>()
    /// The next client whose groups are to be checked.
    private var nextUnchecked = 0
    /// The clients that were found not to be stuck and whose groups have not been updated yet.
    private var helped: [Int32] = []
    /// The stuck clients in the order of their waits, from which the search for cycles starts.
    private var starts: [Int32]?
    private var nextStart = 0
    /// The walk that looks for the next cycle: the clients that it has visited, and the next one.
    private var walk: (path: [Step], next: Int32)?
    private(set) var cycles: [[Step]] = []
    /// The clients on all paths.
    private var stepCount = 0

    init(_ evidence: Evidence) {
        self.evidence = evidence
    }

    /// The memory that the graph uses, estimated.
    var memoryBytes: Int {
        // Arrays may have twice the space that they need, and so may tables. Steps are in a path and in a cycle.
        2
            * (groups.count * (MemoryLayout<Group>.stride + 32) + waits.count * (MemoryLayout<Wait>.stride + 24)
                + operations.count * MemoryLayout<OperationID>.stride + lists.memoryBytes
                + stepCount * 2 * MemoryLayout<Step>.stride)
    }

    // MARK: Building

    /// Adds a client that waits in no operation and for nothing yet.
    mutating func addWait(of client: ConnectionID, since: UInt64) -> Int32 {
        let index = Int32(waits.count)
        waits.append(Wait(client: client, operations: operations.count..<operations.count, since: since))
        waitOfClient[client] = index
        return index
    }

    /// Adds an operation to the wait that was added last.
    mutating func add(_ id: OperationID) {
        operations.append(id)
        waits[waits.count - 1].operations = waits[waits.count - 1].operations.lowerBound..<operations.count
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
        lists.append(group, to: &waits[Int(wait)].groups)
        lists.append(wait, to: &groups[Int(group)].waiters)
    }

    /// Notes that a client has joined, or has only used, a side of a channel.
    mutating func addMember(_ client: ConnectionID, at place: ChannelUsage.Place, isDeclared: Bool) {
        guard let group = groupOfPlace[place] else { return }
        addMember(client, to: group, isDeclared: isDeclared)
    }

    private mutating func addMember(_ client: ConnectionID, to group: Int32, isDeclared: Bool) {
        guard let wait = waitOfClient[client] else {
            if isDeclared {
                groups[Int(group)].declared.includesHelper = true
            } else {
                groups[Int(group)].used.includesHelper = true
            }
            return
        }
        if isDeclared {
            lists.append(wait, to: &groups[Int(group)].declared.waiting)
            lists.append(group, to: &waits[Int(wait)].joined)
        } else {
            lists.append(wait, to: &groups[Int(group)].used.waiting)
            lists.append(group, to: &waits[Int(wait)].used)
        }
    }

    // MARK: Solving

    /// Continues to solve the graph for about `steps` steps.
    ///
    /// - Returns: whether it is known which clients are stuck.
    mutating func removeHelped(steps: inout Int) -> Bool {
        while steps > 0, nextUnchecked < waits.count {
            let client = Int32(nextUnchecked)
            nextUnchecked += 1
            steps -= 1
            for group in lists.elements(of: waits[Int(client)].groups) {
                steps -= 1
                guard !mayBlock(client, group) else { continue }
                remove(client)
                break
            }
        }
        while steps > 0, let client = helped.popLast() {
            steps -= 1
            removeWaiters(ofGroupsIn: waits[Int(client)].joined, areDeclared: true, &steps)
            removeWaiters(ofGroupsIn: waits[Int(client)].used, areDeclared: false, &steps)
        }
        return nextUnchecked == waits.count && helped.isEmpty
    }

    private mutating func removeWaiters(ofGroupsIn list: IndexList, areDeclared: Bool, _ steps: inout Int) {
        for group in lists.elements(of: list) {
            steps -= 1
            // Use of a channel does not count if clients have joined it.
            guard areDeclared || groups[Int(group)].declared.isEmpty else { continue }
            let waiters = groups[Int(group)].waiters
            groups[Int(group)].waiters = IndexList()
            for waiter in lists.elements(of: waiters) {
                steps -= 1
                remove(waiter)
            }
        }
    }

    private mutating func remove(_ client: Int32) {
        guard waits[Int(client)].isStuck else { return }
        waits[Int(client)].isStuck = false
        helped.append(client)
    }

    /// Whether a group has members and all of them wait as well.
    private func mayBlock(_ client: Int32, _ group: Int32) -> Bool {
        let members = groups[Int(group)].members
        guard !members.includesHelper, let first = lists.first(of: members.waiting) else { return false }
        return first != client || !members.waiting.hasOneElement || isOwnHelper
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
        for place in wait.operations {
            guard let operation = machine.operations[operations[place]], operation.client.departure == nil else {
                return false
            }
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
        let starts = starts ?? startsInOrder(&steps)
        self.starts = starts
        while steps > 0 {
            if walk != nil {
                continueWalk(&steps)
            } else if nextStart < starts.count {
                walk = ([], starts[nextStart])
                nextStart += 1
                steps -= 1
            } else {
                return true
            }
        }
        return false
    }

    private func startsInOrder(_ steps: inout Int) -> [Int32] {
        steps -= waits.count / 4
        return waits.indices.filter { waits[$0].isStuck }
            .sorted { (waits[$0].since, waits[$0].client.slot) < (waits[$1].since, waits[$1].client.slot) }
            .map(Int32.init)
    }

    /// Follows the waits from one client to the next, up to a client that a walk has visited. If it was this walk, it has
    /// found a cycle.
    private mutating func continueWalk(_ steps: inout Int) {
        guard var (path, client) = walk.take() else { return }
        // Each start has a walk of its own.
        let number = Int32(nextStart)
        while waits[Int(client)].walk == 0 {
            guard steps > 0 else {
                walk = (path, client)
                return
            }
            waits[Int(client)].walk = number
            waits[Int(client)].place = Int32(path.count)
            guard let (step, next) = step(from: client, &steps) else { return }
            path.append(step)
            stepCount += 1
            client = next
        }
        guard waits[Int(client)].walk == number else { return }
        let cycle = path[Int(waits[Int(client)].place)...]
        let oldest = cycle.indices.min { cycle[$0].since < cycle[$1].since } ?? cycle.startIndex
        cycles.append(Array(cycle[oldest...] + cycle[..<oldest]))
    }

    private mutating func step(from client: Int32, _ steps: inout Int) -> (Step, next: Int32)? {
        let wait = waits[Int(client)]
        for group in lists.elements(of: wait.groups) {
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
        if !groups[Int(group)].isSearched {
            groups[Int(group)].isSearched = true
            groups[Int(group)].firstStuck = groups[Int(group)].members.waiting.head
        }
        var place = groups[Int(group)].firstStuck
        while let member = lists[place], !waits[Int(member)].isStuck {
            place = lists.next(place)
            steps -= 1
        }
        groups[Int(group)].firstStuck = place
        var own: Int32?
        while let member = lists[place] {
            place = lists.next(place)
            steps -= 1
            guard waits[Int(member)].isStuck else { continue }
            if member != client { return member }
            own = member
        }
        return isOwnHelper ? own : nil
    }
}
