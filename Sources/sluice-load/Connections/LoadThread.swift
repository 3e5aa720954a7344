/// The connections of one thread, and the progress of their run.
///
/// Used only on its thread.
final class LoadThread {
    enum RunPhase {
        /// Connections are being opened.
        case opening
        /// Operations begin.
        case running
        /// No operation begins any more; those in flight finish.
        case draining
        case over
    }

    /// The length of the slices in which results are recorded.
    static let sliceNanoseconds = 250_000_000
    /// How many messages, for each one in flight, a sender that is answered early may be ahead of the receivers.
    private static let leadFactor = 64
    /// How many connections with TLS are opened at a time. A handshake takes a server up to a millisecond, and servers break
    /// off those that wait for seconds.
    private static let mostHandshakes = 64

    let plan: RunPlan
    /// Which of the run's threads this is, from 0.
    let index: Int
    let loop: EventLoop
    let pattern: MessagePattern
    private let shared: RunState
    private let length: RunPlan.Length
    private var connections: [LoadConnection] = []
    private var sources: [any LoadSource] = []
    private var sinks: [any LoadSink] = []

    // Every operation touches these, on one thread.
    @exclusivity(unchecked) private(set) var phase = RunPhase.opening
    @exclusivity(unchecked) var recorder = OperationRecorder()
    @exclusivity(unchecked) private(set) var sent = 0
    @exclusivity(unchecked) private(set) var received = 0
    @exclusivity(unchecked) private var inFlight = 0
    /// How many operations may still begin.
    @exclusivity(unchecked) private var budget = Int.max
    /// How many rounds the barrier's parties have to meet.
    private var lastRound = 0
    /// How many times any party has passed the barrier.
    private var meetings = 0
    @exclusivity(unchecked) private var stalled: [any LoadSource] = []
    @exclusivity(unchecked) private var schedule: Schedule?
    let countsReceipts: Bool
    private let mostAhead: Int

    private var readyCount = 0
    private var disconnects = 0
    private var startedAt = 0
    private var measuredFrom = Int.max
    private var endsAt = Int.max
    private var sliceBegan = 0
    private var sliceIndex = 0
    /// When the counters last changed, and their sum then.
    private var lastProgress = (at: 0, count: -1)

    init(_ plan: RunPlan, index: Int, _ pattern: MessagePattern, _ shared: RunState) throws(LoadFailure) {
        self.plan = plan
        self.index = index
        self.pattern = pattern
        self.shared = shared
        length = plan.length
        loop = try EventLoop()
        countsReceipts = plan.contestant.isAnsweredEarly(plan.workload)
        // A thread does not know what the receivers of other threads have received.
        let isBounded = countsReceipts && (plan.threads == 1 || plan.channels >= plan.senders)
        mostAhead = isBounded ? Self.leadFactor * plan.depth * plan.share(of: plan.senders, for: index) : .max
    }

    func add(source: some LoadConnection & LoadSource) {
        connections.append(source)
        sources.append(source)
    }

    /// Adds a connection whose operations are not counted.
    func add(bystander: some LoadConnection & LoadSource) {
        connections.append(bystander)
        stalled.append(bystander)
    }

    func add(sink: some LoadConnection & LoadSink) {
        connections.append(sink)
        sinks.append(sink)
    }

    // MARK: Calls by connections

    func countReady() { readyCount += 1 }

    /// Counts a bystander's intended disconnect.
    func countDisconnect() { disconnects += 1 }

    /// Returns whether another operation may begin, and counts it as begun if so.
    @inline(__always)
    func mayBegin() -> Bool {
        guard phase == .running, budget > 0 else { return false }
        budget -= 1
        sent += 1
        inFlight += 1
        return true
    }

    /// Returns whether a party may enter the barrier for a round: while operations begin, and after that until it has
    /// entered as often as every other party.
    func mayMeet(inRound round: Int) -> Bool {
        if mayBegin() {
            lastRound = max(lastRound, round + 1)
            return true
        }
        guard round < lastRound else { return false }
        sent += 1
        inFlight += 1
        return true
    }

    /// Counts a party that has passed the barrier `count` times.
    ///
    /// - Throws: when it is two meetings ahead of another party.
    func countMeeting(_ count: Int) throws(LoadFailure) {
        meetings += 1
        guard meetings > (count - 1) * plan.share(of: plan.senders, for: index) else {
            throw LoadFailure("a barrier opened before all parties were there")
        }
    }

    /// Whether a sender that is answered early has to wait for the receivers.
    @inline(__always)
    var isTooFarAhead: Bool { sent - received >= mostAhead }

    /// Resumes the source when the receivers have caught up.
    func stall(_ source: any LoadSource) { stalled.append(source) }

    /// Counts a finished operation, and times it unless `begun` is 0.
    @inline(__always)
    func finishOperation(begun: Int) {
        inFlight -= 1
        if begun != 0 { recorder.time(from: begun, to: loop.now) }
        if !countsReceipts { recorder.count() }
    }

    @inline(__always)
    func countReceipt() {
        received += 1
        if countsReceipts { recorder.count() }
    }

    // MARK: The run

    func run() throws(LoadFailure) -> DeliveryLedger {
        try connect()
        try loop.run { () throws(LoadFailure) in try self.turn() }
        var ledger = DeliveryLedger()
        for source in sources { source.report(to: &ledger) }
        for sink in sinks { sink.report(to: &ledger) }
        return ledger
    }

    /// Connects all connections, and returns when they are ready.
    func connect() throws(LoadFailure) {
        let mostAtOnce = plan.address.tls == nil ? connections.count : Self.mostHandshakes
        var opened = 0
        loop.readClock()
        lastProgress.at = loop.now
        try loop.run { () throws(LoadFailure) in
            while opened < self.connections.count, opened - self.readyCount < mostAtOnce {
                try self.connections[opened].enter(self.plan.address)
                opened += 1
            }
            try self.checkProgress()
            return self.readyCount == self.connections.count
        }
    }

    /// Sends the farewells, and closes all connections.
    func disconnect() {
        for source in sources { source.sendFarewell() }
        loop.flush()
        for connection in connections { connection.close() }
    }

    /// Does what is due at the start of a turn of the loop; returns true when the run is over.
    private func turn() throws(LoadFailure) -> Bool {
        switch phase {
        case .opening:
            if shared.markReady(index) { begin() }
        case .running:
            if loop.now >= measuredFrom, sliceBegan == 0 { startMeasuring() }
            resumeStalled()
            beginDue()
            if loop.now >= endsAt || budget == 0 { drain() }
        case .draining:
            if shared.isEverythingDone(index, sent: sent, received: received, inFlight: inFlight) { end() }
        case .over: break
        }
        if sliceBegan != 0, loop.now - sliceBegan >= Self.sliceNanoseconds, phase != .over { submitSlice() }
        try checkProgress()
        return phase == .over
    }

    private func begin() {
        phase = .running
        startedAt = loop.now
        switch length {
        case .time(let seconds, let warmUpSeconds):
            measuredFrom = startedAt + Int(warmUpSeconds * 1e9)
            endsAt = measuredFrom + Int(seconds * 1e9)
        case .operations(let count):
            let active = min(plan.threads, plan.senders)
            budget = index < active ? (count + active - 1 - index) / active : 0
            measuredFrom = startedAt
        }
        if measuredFrom == startedAt { startMeasuring() }
        if let rate = plan.rate {
            schedule = Schedule(rate: rate / Double(plan.threads), from: startedAt, offset: index)
        } else {
            for source in sources { source.fill() }
        }
    }

    private func startMeasuring() {
        _ = recorder.takeSlice()
        sliceBegan = loop.now
        shared.markBegin(index)
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
        submitSlice()
        sliceBegan = 0
        measuredFrom = .max
        shared.markEnd(index, waiting: sources.reduce(0) { $0 + $1.waitingCount }, disconnects: disconnects)
    }

    private func submitSlice() {
        let seconds = Double(loop.now - sliceBegan) / 1e9
        let end = shared.secondsSinceBegin(loop.now)
        shared.collector.add(recorder.takeSlice(), index: sliceIndex, end: end, seconds: seconds)
        sliceIndex += 1
        sliceBegan = loop.now
    }

    private func resumeStalled() {
        guard !stalled.isEmpty, !isTooFarAhead else { return }
        let waiting = stalled
        stalled.removeAll(keepingCapacity: true)
        for source in waiting { source.fill() }
    }

    /// Begins the operations that the schedule has due.
    private func beginDue() {
        guard schedule != nil else { return }
        while let due = schedule?.next(until: loop.now) {
            sources[due.index % sources.count].begin(intended: due.time)
        }
        if let next = schedule?.nextTime { loop.wake(at: next) }
    }

    /// Throws when operations or connections are pending and no counter has changed for as long as the run's patience.
    private func checkProgress() throws(LoadFailure) {
        let count = sent + received + readyCount + inFlight
        if count != lastProgress.count { lastProgress = (loop.now, count) }
        guard Double(loop.now - lastProgress.at) > plan.patienceSeconds * 1e9,
            phase == .opening || inFlight > 0 || phase == .draining
        else { return }
        let seconds = plan.patienceSeconds
        switch phase {
        case .opening:
            throw LoadFailure("only \(readyCount) of \(connections.count) connections are ready after \(seconds) s")
        case .running, .draining, .over:
            throw LoadFailure(
                "no progress for \(seconds) s: \(sent) messages were sent, \(received) have arrived, and \(inFlight) are not answered"
            )
        }
    }
}
