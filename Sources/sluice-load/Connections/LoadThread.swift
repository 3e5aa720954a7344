/// The connections of one thread, and how far their run is.
///
/// Belongs to its thread.
final class Crew {
    enum Phase {
        /// Connections are being made.
        case opening
        /// Operations begin, one after the other.
        case running
        /// None begins any more, and those that are on their way end.
        case draining
        case over
    }

    /// Between two slices of what is recorded.
    static let sliceNanoseconds = 250_000_000
    /// How far senders that are answered early may be ahead of the receivers, for each place of a message.
    private static let lead = 64

    let plan: Plan
    let thread: Int
    let loop: EventLoop
    let pattern: MessagePattern
    private let shared: RunState
    private let length: Plan.Length
    private var members: [LoadConnection] = []
    private var senders: [any Sending] = []
    private var receivers: [any Receiving] = []

    // Each operation touches these, on one thread.
    @exclusivity(unchecked) private(set) var phase = Phase.opening
    @exclusivity(unchecked) var recorder = Recorder()
    @exclusivity(unchecked) private(set) var sent = 0
    @exclusivity(unchecked) private(set) var received = 0
    @exclusivity(unchecked) private var isOnItsWay = 0
    /// How many operations may begin still.
    @exclusivity(unchecked) private var budget = Int.max
    /// How often parties are to come to a barrier, and how often they have met there.
    private var lastRound = 0
    private var meetings = 0
    @exclusivity(unchecked) private var stalled: [any Sending] = []
    @exclusivity(unchecked) private var schedule: Schedule?
    let countsReceipts: Bool
    private let mostAhead: Int

    private var ready = 0
    private var disconnects = 0
    private var startedAt = 0
    private var measuredFrom = Int.max
    private var endsAt = Int.max
    private var sliceBegan = 0
    private var sliceIndex = 0
    private var lastSign = (at: 0, count: -1)

    init(_ plan: Plan, thread: Int, _ pattern: MessagePattern, _ shared: RunState) throws(LoadFailure) {
        self.plan = plan
        self.thread = thread
        self.pattern = pattern
        self.shared = shared
        length = plan.length
        loop = try EventLoop()
        countsReceipts = plan.contestant.isAnsweredEarly(plan.workload)
        // Between threads one cannot know what another one's receivers have had.
        let isBounded = countsReceipts && (plan.threads == 1 || plan.channels >= plan.senders)
        mostAhead = isBounded ? Self.lead * plan.depth * plan.share(of: plan.senders, for: thread) : .max
    }

    func add(_ member: some LoadConnection & Sending) {
        members.append(member)
        senders.append(member)
    }

    /// Takes in somebody whose operations are not counted.
    func add(bystander: some LoadConnection & Sending) {
        members.append(bystander)
        stalled.append(bystander)
    }

    func add(_ member: some LoadConnection & Receiving) {
        members.append(member)
        receivers.append(member)
    }

    // MARK: What members say

    func isReady() { ready += 1 }

    /// A bystander has failed, as it was to.
    func disconnected() { disconnects += 1 }

    /// Whether another operation may begin; then it counts as begun.
    @inline(__always)
    func mayBegin() -> Bool {
        guard phase == .running, budget > 0 else { return false }
        budget -= 1
        sent += 1
        isOnItsWay += 1
        return true
    }

    /// Whether a party may come to a barrier: as long as operations begin, and then as often as some other one has come.
    func mayMeet(_ round: Int) -> Bool {
        if mayBegin() {
            lastRound = max(lastRound, round + 1)
            return true
        }
        guard round < lastRound else { return false }
        sent += 1
        isOnItsWay += 1
        return true
    }

    /// A party has met the others so often; none may be two meetings ahead of another.
    func meet(_ count: Int) throws(LoadFailure) {
        meetings += 1
        guard meetings > (count - 1) * plan.share(of: plan.senders, for: thread) else {
            throw LoadFailure("a barrier has opened before all were there")
        }
    }

    /// Whether a sender that is answered early has to wait for receivers.
    @inline(__always)
    var isTooFarAhead: Bool { sent - received >= mostAhead }

    /// Has the sender go on when receivers have caught up.
    func stall(_ sender: any Sending) { stalled.append(sender) }

    @inline(__always)
    func done(begun: Int) {
        isOnItsWay -= 1
        if begun != 0 { recorder.time(from: begun, to: loop.now) }
        if !countsReceipts { recorder.count() }
    }

    @inline(__always)
    func receivedOne() {
        received += 1
        if countsReceipts { recorder.count() }
    }

    // MARK: The run

    func run() throws(LoadFailure) -> Account {
        try gather()
        try loop.run { () throws(LoadFailure) in try self.turn() }
        var account = Account()
        for sender in senders { sender.report(&account) }
        for receiver in receivers { receiver.report(&account) }
        return account
    }

    /// Has all members connect, and waits until they are ready.
    func gather() throws(LoadFailure) {
        for member in members { try member.enter(plan.address) }
        loop.readClock()
        lastSign.at = loop.now
        try loop.run { () throws(LoadFailure) in
            try self.lookForSigns()
            return self.ready == self.members.count
        }
    }

    /// Ends all connections, with what is to be said before.
    func dismiss() {
        for sender in senders { sender.part() }
        loop.flush()
        for member in members { member.close() }
    }

    /// What is to be done at the begin of each turn; true at the end.
    private func turn() throws(LoadFailure) -> Bool {
        switch phase {
        case .opening:
            if shared.isEverybodyReady(thread) { begin() }
        case .running:
            if loop.now >= measuredFrom, sliceBegan == 0 { measure() }
            resumeStalled()
            follow()
            if loop.now >= endsAt || budget == 0 { drain() }
        case .draining:
            if shared.isEverythingDone(thread, sent: sent, received: received, isOnItsWay: isOnItsWay) { end() }
        case .over: break
        }
        if sliceBegan != 0, loop.now - sliceBegan >= Self.sliceNanoseconds, phase != .over { handIn() }
        try lookForSigns()
        return phase == .over
    }

    private func begin() {
        phase = .running
        startedAt = loop.now
        switch length {
        case .time(let seconds, let warmUp):
            measuredFrom = startedAt + Int(warmUp * 1e9)
            endsAt = measuredFrom + Int(seconds * 1e9)
        case .operations(let count):
            let begins = min(plan.threads, plan.senders)
            budget = thread < begins ? (count + begins - 1 - thread) / begins : 0
            measuredFrom = startedAt
        }
        if measuredFrom == startedAt { measure() }
        if let rate = plan.rate {
            schedule = Schedule(rate: rate / Double(plan.threads), from: startedAt, offset: thread)
        } else {
            for sender in senders { sender.fill() }
        }
    }

    private func measure() {
        _ = recorder.take()
        sliceBegan = loop.now
        shared.begins(thread)
    }

    private func drain() {
        phase = .draining
        if case .time = length { endMeasuring() }
    }

    private func end() {
        endMeasuring()
        phase = .over
    }

    private func endMeasuring() {
        guard sliceBegan != 0 else { return }
        handIn()
        sliceBegan = 0
        measuredFrom = .max
        shared.ends(thread, waiting: senders.reduce(0) { $0 + $1.waitingCount }, disconnects: disconnects)
    }

    private func handIn() {
        let seconds = Double(loop.now - sliceBegan) / 1e9
        let begin = shared.secondsSinceBegin(loop.now)
        shared.collector.add(recorder.take(), index: sliceIndex, end: begin, seconds: seconds)
        sliceIndex += 1
        sliceBegan = loop.now
    }

    private func resumeStalled() {
        guard !stalled.isEmpty, !isTooFarAhead else { return }
        let waiting = stalled
        stalled.removeAll(keepingCapacity: true)
        for sender in waiting { sender.fill() }
    }

    /// Begins what the schedule has due.
    private func follow() {
        guard schedule != nil else { return }
        while let due = schedule?.next(until: loop.now) {
            senders[due.index % senders.count].begin(intended: due.time)
        }
        if let next = schedule?.nextTime { loop.wake(at: next) }
    }

    private func lookForSigns() throws(LoadFailure) {
        let count = sent + received + ready + isOnItsWay
        if count != lastSign.count { lastSign = (loop.now, count) }
        guard Double(loop.now - lastSign.at) > plan.patienceSeconds * 1e9,
            phase == .opening || isOnItsWay > 0 || phase == .draining
        else { return }
        let seconds = plan.patienceSeconds
        switch phase {
        case .opening: throw LoadFailure("for \(seconds) s, only \(ready) of \(members.count) connections are ready")
        case .running, .draining, .over:
            throw LoadFailure(
                "for \(seconds) s nothing has come: \(sent) messages were sent, \(received) have arrived, and \(isOnItsWay) are not answered"
            )
        }
    }
}
