import SluiceRuntime
import Synchronization
import SluiceWire

/// The buffers that the connections of one reactor share: one that all of them read into, and blocks for their output.
/// So an idle connection owns no buffer, and a busy one allocates none. Used only on the reactor's thread.
final class ReactorShare: EndOfTurn, @unchecked Sendable {
    // Sendable: `reactor` and `number` are constant, and everything else is used only on the reactor's thread.

    /// A larger block is not kept, because most replies are short and a large one came from a burst.
    private static let largestBlockKept = 64 << 10
    private static let maxBlocks = 64
    /// Large enough for most bodies.
    private static let scratchBytes = 128 << 10
    /// Replies are written in the middle of a turn only while at most this many connections are scheduled.
    private static let mostFlushedEarly = 2

    let reactor: Reactor
    /// What the parsers of the connections find.
    let found = RequestParser.FoundValues()
    /// The connections that another thread has accepted, and that this reactor admits.
    let newcomers = Newcomers()
    /// The client whose command runs, for other threads: its slot in the lower half, and 1 plus the code of the verb in
    /// the upper half. See `ClientActivity`.
    let running = Atomic<UInt64>(noClient)

    /// Passes `found` to `body` without a reference count, which each batch would otherwise take.
    @inline(__always)
    func withFound<Result>(_ body: (RequestParser.FoundValues) -> Result) -> Result {
        Unmanaged.passUnretained(found)._withUnsafeGuaranteedRef(body)
    }

    /// The index of the reactor among those of the hub.
    let number: Int
    /// The buffer that connections read into. A connection leaves nothing in it when it returns to the reactor.
    let scratch: UnsafeMutableRawBufferPointer
    /// The list of segments with new replies whose owners have not been notified. Not retained, nor are the links: a
    /// segment that is not closed belongs to a connection of the hub.
    @exclusivity(unchecked) private var firstArrived: Unmanaged<OutboxSegment>?
    @exclusivity(unchecked) private var lastArrived: Unmanaged<OutboxSegment>?
    @exclusivity(unchecked) private var isNotifying = false
    /// The connections to call at the end of this turn.
    @exclusivity(unchecked) private(set) var scheduled = ConnectionList()
    /// The connections to call at the end of the next turn, because this one has used up a budget.
    @exclusivity(unchecked) private var postponed = ConnectionList()
    /// The connections that were scheduled in a turn whose time was over. Each has its turn when those of the other
    /// holders have theirs.
    @exclusivity(unchecked) private var late = FairQueue<Connection, HolderID>()
    /// The time of this turn.
    @exclusivity(unchecked) var time = TurnTime()
    /// When the reactor must stop calling connections at the end of this turn. Nil while it has called few.
    @exclusivity(unchecked) private var endOfCalls: UInt64?
    /// The conversations with a report to continue.
    @exclusivity(unchecked) var reporting = FairQueue<Conversation, HolderID>()
    /// The steps that the input of the connections may still take in this turn.
    @exclusivity(unchecked) private(set) var stepsLeft: Int
    /// Whether input that is not short has to wait for its turn.
    @exclusivity(unchecked) private(set) var isCrowded = false
    private let stepsOfTurn: Int
    /// What `stepsLeft` was when it was renewed, and the steps that were taken before that, for simulations.
    @exclusivity(unchecked) private var renewedSteps: Int
    @exclusivity(unchecked) private var earlierSteps = 0
    /// The steps that the input of the connections has taken so far.
    var inputStepsTaken: Int { earlierSteps + renewedSteps - stepsLeft }
    /// The number of steps that are left when the share next looks at the clock. Not negative before `stepsLeft` is.
    @exclusivity(unchecked) private var stepsAtNextLook: Int
    /// When the reactor must stop reading input in this turn. Nil before the clock was read for it.
    @exclusivity(unchecked) private var endOfInput: UInt64?
    @exclusivity(unchecked) private var timeOfInput = Budget.timeOfInput
    /// The bytes of commands after which the turn of a connection ends whose input has waited.
    @exclusivity(unchecked) private(set) var commandBytesOfWaitingTurn = Int.max
    /// The steps of the commands of a connection whose input has waited, in a turn.
    @exclusivity(unchecked) private(set) var stepsOfWaitingTurn = Int.max
    /// The bytes of input that need not wait for that of other connections.
    @exclusivity(unchecked) private(set) var shortInput = Budget.shortInput
    /// The bytes that the connections may still write in this turn.
    @exclusivity(unchecked) var bytesLeft = Budget.bytesWritten
    /// The writes in this turn of which the kernel took nothing although it had reported the socket as writable.
    @exclusivity(unchecked) var emptyWrites = 0
    /// The connections whose input waits for its turn.
    @exclusivity(unchecked) private var waiting = FairQueue<Connection, HolderID>()
    /// The connections of doors that wait for their turn, and the time that doors have used of this turn.
    @exclusivity(unchecked) var doors = DoorTurns()
    /// The steps that are left in this turn for clients that disconnect.
    @exclusivity(unchecked) var stepsForDisconnecting = Budget.stepsForDisconnecting
    /// Whether the reactor will call `turnEnds` at the end of this turn.
    @exclusivity(unchecked) private var awaitsEndOfTurn = false
    /// Whether the hub is draining, as far as the reactor knows.
    @exclusivity(unchecked) var isDraining = false
    /// The reports that the hub has given to the connections of each holder since it began to drain.
    @exclusivity(unchecked) var drainReports: [HolderID: Int] = [:]
    /// The events of the running batch that the hub has not reported yet.
    @exclusivity(unchecked) var events: [(kind: ClientEvent.Kind, id: ConnectionID, command: Verb?)] = []
    /// The `AUTH` commands that wait for their decision, by connection.
    @exclusivity(unchecked) var delayedAuthentications: [ConnectionID: DelayedAuthentication] = [:]
    /// Opened when the last connection has ended. Nil while there are no connections.
    @exclusivity(unchecked) var warden: Gate?
    @exclusivity(unchecked) private var connectionCount = 0
    /// The list of the blocks of written buffers, kept for reuse, and their number.
    @exclusivity(unchecked) private var firstBlock: ByteBuffer.Block?
    @exclusivity(unchecked) private var blockCount = 0

    init(of reactor: Reactor, number: Int, limits: HubLimits) {
        self.reactor = reactor
        self.number = number
        stepsOfTurn = limits.turnSteps * Budget.connectionsOfTurn
        stepsLeft = stepsOfTurn
        renewedSteps = stepsOfTurn
        stepsAtNextLook = stepsOfTurn - Budget.stepsBetweenLooks
        scratch = .allocate(byteCount: max(limits.inputCapacity, Self.scratchBytes), alignment: 64)
    }

    deinit {
        scratch.deallocate()
        while let block = firstBlock {
            firstBlock = block.next
            block.free()
        }
    }

    func connectionBegins() {
        connectionCount += 1
    }

    func connectionEnds() {
        connectionCount -= 1
        if connectionCount > 0 { return }
        warden?.open()
        warden = nil
    }

    // MARK: Replies

    /// Lists a segment with new replies. Called under the hub's lock.
    func noteArrival(in segment: OutboxSegment) {
        if segment.isArrived || segment.isClosed { return }
        segment.isArrived = true
        let link = Unmanaged.passUnretained(segment)
        if firstArrived == nil {
            firstArrived = link
        } else {
            lastArrived?._withUnsafeGuaranteedRef { $0.nextArrived = link }
        }
        lastArrived = link
    }

    /// Moves the replies that wait in a segment to its connection's half, and lists the segment as one with new
    /// replies. Called under the hub's lock.
    func collect(_ segment: OutboxSegment) {
        segment.isListed = false
        segment.collect()
        noteArrival(in: segment)
    }

    /// Notifies the owners of the segments with new replies.
    @inline(__always)
    func notifyOwners() {
        if firstArrived != nil, !isNotifying { notifyArrivedOwners() }
    }

    private func notifyArrivedOwners() {
        isNotifying = true
        while let first = firstArrived {
            first._withUnsafeGuaranteedRef { segment in
                firstArrived = segment.nextArrived.take()
                segment.isArrived = false
                if !segment.isClosed { segment.owner?._withUnsafeGuaranteedRef { $0.repliesArrived() } }
            }
        }
        isNotifying = false
    }

    // MARK: Turns

    /// Schedules a connection to be called at the end of this turn.
    func schedule(_ connection: Connection) {
        if scheduled.isEmpty { awaitEndOfTurn() }
        scheduled.append(connection)
    }

    /// Schedules a connection to be called at the end of the next turn.
    func postpone(_ connection: Connection) {
        postponed.append(connection)
    }

    func awaitEndOfTurn() {
        if awaitsEndOfTurn { return }
        awaitsEndOfTurn = true
        reactor.atEndOfTurn(self)
    }

    func turnEnds() {
        awaitsEndOfTurn = false
        let waitingCount = waiting.count
        callScheduled()
        renewSteps(waiting.isEmpty ? stepsOfTurn : stepsLeftByWaiting(atMost: waitingCount))
        // After the input and output of the other connections, which do not wait for them.
        if doors.hasWorked {
            continueDoors()
            // Commands of doors may have set it. The time for input begins in the next turn.
            endOfInput = nil
        }
        if !late.isEmpty { callLate() }
        if !reporting.isEmpty { continueReports() }
        endOfCalls = nil
        time.renew()
        isCrowded = !waiting.isEmpty
        timeOfInput = isCrowded ? Budget.timeOfCrowdedInput : Budget.timeOfInput
        shortInput = isCrowded ? min(Budget.shortInput, shareOfCommandBytes) : Budget.shortInput
        bytesLeft = Budget.bytesWritten
        emptyWrites = 0
        stepsForDisconnecting = Budget.stepsForDisconnecting
        guard !postponed.isEmpty else { return }
        scheduled.append(&postponed)
        awaitEndOfTurn()
    }

    /// Calls the scheduled connections, so that they need no memory for their output until the turn ends. The budgets
    /// are those of the whole turn, so they are not renewed.
    func turnContinues() {
        awaitsEndOfTurn = false
        callScheduled()
        awaitEndOfTurn()
    }

    func callScheduled() {
        var next = scheduled.takeAll()
        var count = 0
        while let connection = next {
            connection._withUnsafeGuaranteedRef {
                next = $0.nextScheduled.take()
                $0.turnEnds()
            }
            count &+= 1
            // Most turns end with less, and do not read the clock.
            if count & (Budget.connectionsBetweenLooks - 1) == 0, next != nil, isTimeOfCallsOver {
                return keepLate(next)
            }
        }
    }

    /// Whether the time for connections at the end of a turn is over.
    private var isTimeOfCallsOver: Bool {
        let now = reactor.nowNanoseconds
        guard let endOfCalls else {
            endOfCalls = time.end(of: Budget.timeOfCalls, from: now)
            return false
        }
        return now > endOfCalls
    }

    /// Keeps connections for the end of the next turn.
    private func keepLate(_ first: Unmanaged<Connection>?) {
        var next = first
        while let connection = next {
            connection._withUnsafeGuaranteedRef {
                next = $0.nextScheduled.take()
                late.append($0, of: $0.conversation.holder)
            }
        }
    }

    /// Calls some of the connections that earlier turns have kept, however long those of this turn have taken.
    private func callLate() {
        var left = late.count
        endOfCalls = nil
        while left > 0, let (connection, _) = late.popFirst() {
            left -= 1
            connection.turnEnds()
            if left & (Budget.connectionsBetweenLooks - 1) == 0, isTimeOfCallsOver { break }
        }
        if !late.isEmpty { awaitEndOfTurn() }
    }

    // MARK: Input that waits

    /// Subtracts steps from those that are left for the input of the connections in this turn.
    @inline(__always)
    func spend(_ steps: Int) {
        stepsLeft &-= steps
        if stepsLeft <= stepsAtNextLook { look() }
    }

    private func renewSteps(_ steps: Int) {
        earlierSteps = inputStepsTaken
        stepsLeft = steps
        renewedSteps = steps
        stepsAtNextLook = max(0, steps - Budget.stepsBetweenLooks)
        endOfInput = nil
    }

    /// Looks at the clock. If the time for input is over, the steps of the turn have been used up.
    @inline(never)
    private func look() {
        let now = reactor.nowNanoseconds
        let end = endOfInput ?? time.end(of: timeOfInput, from: reactor.socketsBegan ?? now)
        endOfInput = end
        if now > end { stepsLeft = min(stepsLeft, -Budget.stepsBeyondTurn) }
        if stepsLeft <= 0 { isCrowded = true }
        let next = stepsLeft - Budget.stepsBetweenLooks
        stepsAtNextLook = stepsLeft > 0 ? max(0, next) : next
    }

    /// Queues a connection to run its input when it has its turn.
    func enqueueInput(of connection: Connection, for holder: HolderID) {
        waiting.append(connection, of: holder)
        isCrowded = true
        awaitEndOfTurn()
    }

    /// Whether short input, which need not wait, has exceeded the steps of this turn as well.
    var isOverspent: Bool { stepsLeft <= -Budget.stepsBeyondTurn }

    /// The bytes of commands for each holder whose input waits. If many holders wait, each has a shorter turn, so that
    /// the others have theirs soon.
    private var shareOfCommandBytes: Int {
        max(Budget.shortestInput, stepsOfTurn * Budget.inputBytesPerStep / max(1, waiting.holderCount))
    }

    /// Whether so many holders wait that a write takes longer than the turn of one.
    var turnsAreShort: Bool { commandBytesOfWaitingTurn < Budget.shortInput }

    /// Runs waiting input as long as steps are left, and takes some of the next turn in advance. So input that waits
    /// has its turn, however much other input arrives.
    ///
    /// - Returns: the steps that other input may take in the next turn.
    @inline(never)
    private func stepsLeftByWaiting(atMost count: Int) -> Int {
        let advance = stepsOfTurn / Budget.divisorInAdvance
        renewSteps(min(max(stepsLeft, 0) + advance, stepsOfTurn))
        timeOfInput = Budget.timeOfCrowdedInput
        commandBytesOfWaitingTurn = shareOfCommandBytes
        stepsOfWaitingTurn = max(Budget.leastStepsOfTurn, stepsOfTurn / max(1, waiting.holderCount))
        defer {
            commandBytesOfWaitingTurn = .max
            stepsOfWaitingTurn = .max
        }
        var left = count
        while stepsLeft > 0, left > 0, let (connection, _) = waiting.popFirst() {
            left -= 1
            connection.inputHasTurn()
        }
        if waiting.isEmpty { return stepsOfTurn - max(0, advance - stepsLeft) }
        awaitEndOfTurn()
        return max(0, stepsOfTurn / Budget.divisorBesideWaiting - Budget.stepsBeyondTurn)
    }

    /// Writes the pending output of the scheduled connections and of `busy`, unless many are scheduled. With many,
    /// there is enough work for the others, and one write a turn serves all best.
    ///
    /// - Parameter busy: the connection whose input is running. It is written last.
    func flushEarly(with busy: Connection) {
        guard scheduled.count <= Self.mostFlushedEarly else { return }
        var next = scheduled.first
        while let scheduled = next {
            scheduled._withUnsafeGuaranteedRef { connection in
                if connection !== busy { connection.flushEarly() }
                next = connection.nextScheduled
            }
        }
        busy.flushEarly()
    }

    // MARK: Buffers

    /// Returns an empty buffer that reuses a kept block if there is one.
    func takeBuffer() -> ByteBuffer {
        guard let block = firstBlock else { return ByteBuffer() }
        firstBlock = block.next
        blockCount -= 1
        return ByteBuffer(block)
    }

    /// Empties a buffer, and keeps its block for reuse.
    func recycle(_ buffer: inout ByteBuffer) {
        guard let block = buffer.takeBlock() else { return }
        guard blockCount < Self.maxBlocks, block.capacity <= Self.largestBlockKept else { return block.free() }
        block.next = firstBlock
        firstBlock = block
        blockCount += 1
    }
}
