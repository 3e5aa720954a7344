import SluiceRuntime
import SluiceWire

/// Finds the cycles of clients that wait for each other; see `WaitGraph`.
///
/// The scan visits operations, leases and clients in slices, between which they change. A cycle that is reported as
/// proved exists at the moment when the scan verifies it: all operations of the stuck clients are parked then, none may
/// end alone, and no client has joined or left an end of a channel, or changed its `waits=`, since the scan began. If a
/// client has, the scan starts again. The last attempt then reports the cycles as possible.
struct StuckScan: ReportScan {
    typealias Report = StuckReport

    private enum Stage {
        case operations, waits, leases, ends, solving, verifying, cycles, collecting, done
    }

    /// The operations of a client that it may be stuck in.
    private struct Candidates {
        /// The operations that prove together that the client waits, or nil if one of them may end alone.
        var proved: [AgeKey<ParkedOperation>]? = []
        /// The oldest operation that waits for others.
        var possible: AgeKey<ParkedOperation>?
    }

    private static var mostAttempts: Int { 3 }
    private static var stepsAfterVerifying: Int { 1000 }
    /// The most operations that are verified, and the most steps of solving the graph again without those that have ended.
    /// No other client is served meanwhile.
    private static var mostVerified: Int { 20_000 }
    private static var stepsToSolveAgain: Int { 4000 }

    let view: ReportView
    private let start: CycleKey?
    private let limit: Int
    private var stage = Stage.operations
    private var slot = 0
    private var attempts = 0
    private var isVerified = false
    /// The number of operations that prove that clients wait.
    private var proofCount = 0
    /// The index, among the proofs of the client in `slot`, of the next one to add.
    private var nextProof = 0
    /// The wait of that client in `proved`.
    private var waitOfProofs: Int32 = 0
    private var endsVersion: UInt64 = 0
    private var candidates: [ConnectionID: Int] = [:]
    private var clients: [(id: ConnectionID, candidates: Candidates)] = []
    private var proved = WaitGraph(.onlyDeclaredEnds)
    private var possible = WaitGraph(.declaredOrUsed)
    /// The leased messages that clients wait for, with the channel and the wait.
    private var leased = ShardedDictionary<ObjectIdentifier, [(name: ChannelName, wait: Int32)]>()
    private var result: [(key: CycleKey, steps: [WaitGraph.Step])] = []
    /// The clients of the proved cycles.
    private var provedClients: Set<ConnectionID> = []

    init(after: CycleKey?, limit: Int, _ view: ReportView = .complete) {
        self.view = view
        start = after
        self.limit = limit
    }

    var found: Int { result.count }

    var memoryBytes: Int {
        // An entry of a table takes up to 80 bytes, and so does a client with the list of its operations.
        160 * clients.count + 24 * proofCount + 120 * leased.count + proved.memoryBytes + possible.memoryBytes
    }

    mutating func advance(_ machine: borrowing HubStateMachine, steps: Int) -> Bool {
        var left = steps
        while left > 0 {
            switch stage {
            case .operations: visitOperations(machine, &left)
            case .waits: addWaits(machine, &left)
            case .leases: visitLeases(machine, &left)
            case .ends: visitEnds(machine, &left)
            case .solving:
                if proved.removeHelped(steps: &left), possible.removeHelped(steps: &left) {
                    stage = isVerified ? .cycles : .verifying
                }
            case .verifying: verify(machine, &left)
            case .cycles:
                if proved.findCycles(steps: &left), possible.findCycles(steps: &left) {
                    begin(.collecting)
                }
            case .collecting: collect(machine, &left)
            case .done: return true
            }
        }
        return false
    }

    private mutating func begin(_ next: Stage) {
        stage = next
        slot = 0
    }

    // MARK: Visiting

    private mutating func visitOperations(_ machine: borrowing HubStateMachine, _ steps: inout Int) {
        if slot == 0 { endsVersion = machine.endsVersion }
        var next = slot
        let hasMore = machine.operations.visit(from: &next, count: steps) { id, operation in
            if operation.client.departure != nil { return }
            let evidence = operation.client.waitEvidence
            guard operation.wait.isForOthers || evidence == .all else { return }
            let client = operation.caller.connection
            let place = candidates[client] ?? clients.count
            if place == clients.count {
                candidates[client] = place
                clients.append((client, Candidates()))
            }
            let key = AgeKey(since: operation.since, id: id)
            if operation.wait.isForOthers { Self.keep(key, in: &clients[place].candidates.possible) }
            if evidence == .none || evidence == .untagged && operation.caller.tag != nil { return }
            if operation.mayEndAlone || !operation.wait.isForJoinedEnds {
                clients[place].candidates.proved = nil
            } else {
                clients[place].candidates.proved?.append(key)
            }
        }
        slot = next
        steps = 0
        if !hasMore { begin(.waits) }
    }

    private static func keep(_ key: AgeKey<ParkedOperation>, in oldest: inout AgeKey<ParkedOperation>?) {
        if let known = oldest, known.since <= key.since { return }
        oldest = key
    }

    private mutating func addWaits(_ machine: borrowing HubStateMachine, _ steps: inout Int) {
        while slot < clients.count, steps > 0 {
            guard addProofs(machine, &steps) else { return }
            let (client, candidates) = clients[slot]
            slot += 1
            steps -= 2
            guard let key = candidates.possible, let operation = machine.operations[key.id] else { continue }
            let wait = possible.addWait(of: client, since: key.since)
            possible.add(key.id)
            for target in operation.wait.targets {
                if let offer = target.leased {
                    leased.change(ObjectIdentifier(offer), default: []) { $0.append((target.place.name, wait)) }
                } else {
                    possible.add(target.operation, at: target.place, to: wait)
                }
            }
            steps -= 2 * operation.wait.armCount
        }
        if slot == clients.count { begin(leased.isEmpty ? .ends : .leases) }
    }

    /// Adds the operations that prove that the next client waits, or as many as the steps permit.
    ///
    /// - Returns: whether all are added.
    private mutating func addProofs(_ machine: borrowing HubStateMachine, _ steps: inout Int) -> Bool {
        guard let proof = clients[slot].candidates.proved, !proof.isEmpty else { return true }
        if nextProof == 0 {
            proofCount += proof.count
            // Too many to verify, so cycles are reported only as possible.
            if proofCount > Self.mostVerified { proved = WaitGraph(.onlyDeclaredEnds) }
        }
        guard proofCount <= Self.mostVerified else { return true }
        if nextProof == 0 {
            steps -= proof.count / 4
            let oldest = proof.reduce(proof[0].since) { min($0, $1.since) }
            waitOfProofs = proved.addWait(of: clients[slot].id, since: oldest)
        }
        while nextProof < proof.count {
            guard steps > 0 else { return false }
            let id = proof[nextProof].id
            nextProof += 1
            proved.add(id)
            guard let operation = machine.operations[id] else { continue }
            for target in operation.wait.targets { proved.add(target.operation, at: target.place, to: waitOfProofs) }
            steps -= 2 * operation.wait.armCount
        }
        nextProof = 0
        return true
    }

    private mutating func visitLeases(_ machine: borrowing HubStateMachine, _ steps: inout Int) {
        var next = slot
        let hasMore = machine.leases.visit(from: &next, count: steps) { _, lease in
            guard let waits = leased[ObjectIdentifier(lease.offer)] else { return }
            leased[ObjectIdentifier(lease.offer)] = nil
            for (name, wait) in waits { possible.add(holder: lease.holder, of: name, to: wait) }
        }
        slot = next
        steps = 0
        if !hasMore { begin(.ends) }
    }

    private mutating func visitEnds(_ machine: borrowing HubStateMachine, _ steps: inout Int) {
        var hasMore = true
        while hasMore, steps > 0 {
            var places = 1
            var next = slot
            hasMore = machine.clients.visit(from: &next, count: 1) { id, client in
                for end in client.ends {
                    let use: NameUse = end.side == .send ? .send : .receive
                    let place = ChannelUsage.Place(use: use, name: end.channel.name)
                    proved.addMember(id, at: place, isDeclared: true)
                    possible.addMember(id, at: place, isDeclared: true)
                }
                for place in client.usage.entries { possible.addMember(id, at: place, isDeclared: false) }
                places += client.ends.count + client.usage.entries.count
            }
            slot = next
            steps -= 2 * places
        }
        if !hasMore { begin(.solving) }
    }

    // MARK: Verifying

    private mutating func verify(_ machine: borrowing HubStateMachine, _ steps: inout Int) {
        if machine.endsVersion != endsVersion, attempts + 1 < Self.mostAttempts {
            var next = StuckScan(after: start, limit: limit, view)
            next.attempts = attempts + 1
            self = next
            steps = 0
            return
        }
        if machine.endsVersion != endsVersion || proofCount > Self.mostVerified { dropProofs() }
        proved.removeFreed(machine)
        possible.removeFreed(machine)
        var stepsLeft = Self.stepsToSolveAgain
        let isSolved = proved.removeHelped(steps: &stepsLeft)
        attempts += 1
        if isSolved || attempts == Self.mostAttempts {
            if !isSolved { dropProofs() }
            isVerified = true
        }
        // Cycles of a few clients are complete in the slice that verified them.
        steps = proofCount + clients.count > Self.stepsAfterVerifying ? 0 : Self.stepsAfterVerifying
        begin(.solving)
    }

    private mutating func dropProofs() {
        proved = WaitGraph(.onlyDeclaredEnds)
        proofCount = 0
    }

    /// Collects the cycles of the page. A possible cycle is left out if its clients are already proved to be stuck.
    private mutating func collect(_ machine: borrowing HubStateMachine, _ steps: inout Int) {
        let count = proved.cycles.count
        while slot < count + possible.cycles.count, steps > 0 {
            let isPossible = slot >= count
            let cycle = isPossible ? possible.cycles[slot - count] : proved.cycles[slot]
            slot += 1
            steps -= 1 + cycle.count
            if isPossible, cycle.allSatisfy({ provedClients.contains($0.client) }) { continue }
            if !isPossible { for step in cycle { provedClients.insert(step.client) } }
            guard let first = cycle.first else { continue }
            let key = CycleKey(isPossible: isPossible, since: first.since, client: first.client)
            if let start, key <= start { continue }
            guard isShown(cycle, machine) else { continue }
            result.append((key, cycle))
        }
        guard slot == count + possible.cycles.count else { return }
        result.sort { $0.key < $1.key }
        steps -= result.count
        stage = .done
    }

    /// Whether the report may name all channels and clients of a cycle. A part of a cycle would tell nothing.
    private func isShown(_ steps: [WaitGraph.Step], _ machine: borrowing HubStateMachine) -> Bool {
        for step in steps {
            guard view.shows(step.name, takesPart: true), let client = machine.clients[step.client],
                view.showsOperations(of: step.client, client)
            else { return false }
        }
        return true
    }

    func rows(_ machine: borrowing HubStateMachine) -> [PageRow<WaitCycle>] {
        read(Array(result.prefix(limit))) { found in
            let cycle = machine.report(of: found.steps, found.key.isPossible ? .possible : .proved)
            return (cycle, 128 * cycle.steps.count)
        } name: {
            $0.key.name
        }
    }
}

/// The place of a cycle among all: the proved ones come first, and then those that have lasted longest.
struct CycleKey: Comparable {
    let isPossible: Bool
    let since: UInt64
    let client: UInt32

    init(isPossible: Bool, since: UInt64, client: ConnectionID) {
        (self.isPossible, self.since, self.client) = (isPossible, since, client.serial)
    }

    /// Returns nil if the key is malformed.
    init?(_ key: ChannelName) {
        let parts = key.description.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let since = UInt64(parts[1]), let client = UInt32(parts[2]),
            parts[0] == "possible" || parts[0] == "proved"
        else { return nil }
        (isPossible, self.since, self.client) = (parts[0] == "possible", since, client)
    }

    var name: String { "\(isPossible ? "possible" : "proved")-\(since)-\(client)" }

    static func < (left: CycleKey, right: CycleKey) -> Bool {
        left.isPossible == right.isPossible
            ? (left.since, left.client) < (right.since, right.client) : !left.isPossible
    }
}

/// What can end a wait: a client at the other side of a channel, or the holder of the message's lease.
private struct WaitTarget {
    let operation: WaitStep.Operation
    let place: ChannelUsage.Place
    var leased: Offer?
}

extension OperationWait {
    /// Whether the operation waits for other clients.
    fileprivate var isForOthers: Bool {
        switch self {
        case .send, .receive, .barrier, .select: true
        case .countedReceive(let receive): !receive.isPaused
        case .redrive, .trace: false
        }
    }

    /// Whether clients have joined the other side of each channel. Otherwise, a client that has not joined may end the wait.
    fileprivate var isForJoinedEnds: Bool {
        switch self {
        case .send(let channel, _, _): channel.extras?.receivingEnds.isEmpty == false
        case .receive(let channel, _, _): channel.extras?.sendingEnds.isEmpty == false
        case .countedReceive(let receive):
            receive.isPaused || receive.channel.extras?.sendingEnds.isEmpty == false
        case .redrive, .trace: true
        case .barrier: false
        case .select(let select):
            select.arms.allSatisfy { arm in
                switch arm {
                case .send(let channel, _): channel.extras?.receivingEnds.isEmpty == false
                case .receive(let channel, _, _): channel.extras?.sendingEnds.isEmpty == false
                case .barrier: false
                }
            }
        }
    }

    fileprivate var targets: [WaitTarget] {
        switch self {
        case .send(let channel, let offer, _): [.send(channel, offer)]
        case .receive(let channel, _, _): [.receive(channel)]
        case .countedReceive(let receive): receive.isPaused ? [] : [.receive(receive.channel)]
        case .barrier(let barrier, _): [.barrier(barrier)]
        case .redrive, .trace: []
        case .select(let select):
            select.arms.map { arm in
                switch arm {
                case .send(let channel, let offer): .send(channel, offer)
                case .receive(let channel, _, _): .receive(channel)
                case .barrier(let barrier, _): .barrier(barrier)
                }
            }
        }
    }
}

extension WaitTarget {
    fileprivate static func send(_ channel: NamedChannel, _ offer: Offer) -> WaitTarget {
        WaitTarget(
            operation: .send, place: ChannelUsage.Place(use: .receive, name: channel.name),
            leased: offer.isLeased ? offer : nil)
    }

    fileprivate static func receive(_ channel: NamedChannel) -> WaitTarget {
        WaitTarget(operation: .receive, place: ChannelUsage.Place(use: .send, name: channel.name))
    }

    fileprivate static func barrier(_ barrier: Barrier) -> WaitTarget {
        WaitTarget(operation: .barrier, place: ChannelUsage.Place(use: .meet, name: barrier.name))
    }
}
