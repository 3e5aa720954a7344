import SluiceRuntime
import SluiceWire

/// One client: its socket, and the conversation with it. Used only on its reactor's thread.
///
/// A connection has no task: a parked task takes more memory than the rest of an idle connection, and waking one takes
/// longer than most commands. The reactor calls the connection when its socket is readable or writable, and once more
/// at the end of each turn in which something happened. So a turn costs one `read` and one `write`, however many
/// commands arrive with it.
///
/// With 50 pairs of clients that do nothing but hand off messages, nine tenths of the time are spent in the kernel.
/// Most of that is in `send`, which on loopback also does the receiver's work of TCP.
final class Connection: SocketOwner, SliceObserver, @unchecked Sendable {
    // Sendable: the constants are, and everything else is used only on the reactor's thread.

    enum State {
        case open
        /// The last reply is written. Further input is discarded until the client closes its side or the linger time is
        /// over.
        case lingering
        /// The connection has ended, and the hub does not know yet.
        case closed(ConnectionEnding)
        case forgotten
    }

    let conversation: Conversation
    let share: ReactorShare
    let segment: OutboxSegment
    @exclusivity(unchecked) var socket = PolledSocket()
    @exclusivity(unchecked) var state = State.open
    /// Whether the reactor will call `turnEnds` at the end of this turn.
    @exclusivity(unchecked) private var isScheduled = false
    /// Whether input of this connection waits for its turn, because others have used up this one.
    @exclusivity(unchecked) private var isInputQueued = false
    /// Whether the connection waits for its turn to read.
    @exclusivity(unchecked) var hasReadWaiting = false
    /// Whether output of this connection waits for the next turn, because others have written much in this one.
    @exclusivity(unchecked) private var hasOutputWaiting = false
    /// Whether the connection has ended because a later one needs its place.
    @exclusivity(unchecked) var hasGivenWay = false
    /// The next connection in the list of those that are scheduled.
    @exclusivity(unchecked) var nextScheduled: Unmanaged<Connection>?
    /// Whether the last read filled its buffer, which suggests that more input is waiting.
    @exclusivity(unchecked) private var hasMoreToRead = false
    /// How many more reads a draining hub allows this connection, so that a client that keeps sending cannot hold up
    /// the end of the hub.
    @exclusivity(unchecked) var drainingReads = UInt8.max
    /// The deadlines of the connection. Nil while it has needed none.
    @exclusivity(unchecked) var deadlines: ConnectionDeadlines?

    // These are not stored twice, because an idle connection must be small.
    var id: ConnectionID { conversation.id }
    var hub: Hub { conversation.hub }
    var reactor: Reactor { share.reactor }

    init(_ id: ConnectionID, of holder: HolderID, on share: ReactorShare, of hub: Hub) {
        self.share = share
        segment = OutboxSegment(on: share)
        conversation = Conversation(id, of: holder, in: segment, of: hub)
        super.init()
        segment.owner = .passUnretained(self)
    }

    /// Starts to serve the client.
    func begin(_ accepted: consuming DetachedSocket) {
        socket.open(accepted, on: reactor, ownedBy: self)
        begin()
    }

    /// Starts to serve a client over a virtual socket.
    func begin(_ virtual: VirtualSocket) {
        socket.open(virtual, ownedBy: self)
        begin()
    }

    private func begin() {
        socket.watch(reading: true, writing: false)
        // So `isAtRest` is never true for a connection with TLS, which may hold output that the kernel has not taken.
        if socket.hasTLS { deadlines = ConnectionDeadlines() }
        queueBufferedInput()
        setAlarm()
    }

    /// Whether the connection is encrypted. Then it always has deadlines. To check these first saves 15 instructions
    /// for each read of a connection without TLS.
    @inline(__always)
    private var hasTLS: Bool { deadlines != nil && socket.hasTLS }

    /// The memory that the connection uses in the hub.
    var use: ConnectionUse { conversation.use }

    var isOpen: Bool {
        switch state {
        case .open, .lingering: true
        case .closed, .forgotten: false
        }
    }

    // MARK: The reactor's calls

    override func socketIsReadable() {
        guard isOpen else { return }
        // What bodies leave of a turn is for short input.
        if share.stepsLeft > 0 || !share.isOverspent && !conversation.isReadingBody {
            readInput()
            if share.isCrowded, segment.output.count <= Budget.shortOutput { flushEarly() }
            return schedule()
        }
        // Reading takes time as well, so some input stays in the kernel until the connection has its turn. The kernel
        // does not report it until then: with 10 000 such connections, each poll would take 10 ms.
        hasReadWaiting = true
        socket.watch(reading: false, writing: socket.watchesWriting)
        queueInput()
    }

    @inline(__always)
    private func readInput() {
        hasReadWaiting = false
        let capacity = min(conversation.readableBytes, share.scratch.count)
        guard capacity > 0 else { return }
        switch socket.tryRead(into: UnsafeMutableRawBufferPointer(rebasing: share.scratch[..<capacity])) {
        case .bytes(let count):
            let hasMore = count == capacity
            let writesEarly = writesEarly(hasMore)
            conversation.receive(
                UnsafeRawBufferPointer(rebasing: share.scratch[..<count]), between: writesEarly ? self : nil)
            hasMoreToRead = hasMore
            if hasTLS { noteRecords() }
        case .endOfStream:
            conversation.endInput()
            if hasTLS { share.spend(Budget.stepsOfTLSEnd) }
        case .wouldBlock:
            guard hasTLS else { return }
            // TLS may have processed records without data, and has answers for them.
            noteRecords()
        case .failed(let errno):
            if hasTLS { share.spend(Budget.stepsOfTLSEnd) }
            return close(because: ConnectionEnding(errno: errno))
        }
        chargeBuffers(ifChangedBy: Self.leastChargedInTurn, countingBodies: false)
    }

    override func socketIsWritable() {
        guard isOpen else { return }
        schedule()
        // With the kernel short of memory, thousands of sockets take nothing although they are writable, in each turn.
        guard share.emptyWrites < Budget.emptyWrites else { return pauseWriting() }
        let (unsent, pending) = (socket.unsentBytes, segment.output.count)
        guard socket.sendRest() else { return close(because: .reset) }
        if socket.unsentBytes < unsent { deadlines?.outputWasTaken() }
        write()
        guard socket.unsentBytes >= unsent, segment.output.count >= pending, !hasOutputWaiting else { return }
        share.emptyWrites += 1
        pauseWriting()
    }

    private func pauseWriting() { deadlines?.pauseWriting(at: reactor.nowNanoseconds) }

    override var socketGroup: Int? { conversation.holder.number }

    override func socketIsUnwatchable() { close(because: .reset) }

    /// Called when replies to parked operations have arrived in the segment.
    func repliesArrived() {
        guard isOpen else { return }
        conversation.repliesArrived()
        if segment.output.count > hub.limits.backlogBytes { return close(because: .backlog, discardingOutput: true) }
        chargeBuffers(ifChangedBy: Self.leastChargedInTurn, countingBodies: false)
        schedule()
    }

    func schedule(inNextTurn: Bool = false) {
        guard !isScheduled else { return }
        isScheduled = true
        if inNextTurn { share.postpone(self) } else { share.schedule(self) }
    }

    func queueInput() {
        guard !isInputQueued else { return }
        isInputQueued = true
        share.enqueueInput(of: self, for: conversation.holder)
    }

    // MARK: Early writes

    /// Whether replies are written between the slices of a long input, so that the client works on them while the rest
    /// runs. Without this, a client that waits for the answers to a few hundred pipelined messages before it sends more
    /// would be idle half of the time, and so would the daemon. A client that sends without waiting fills two reads in
    /// a row. Its replies are written once a turn, which costs less.
    private func writesEarly(_ hasMore: Bool) -> Bool { !(hasMore && hasMoreToRead) }

    /// Writes the pending output of this connection and the other scheduled ones.
    func sliceEnds() { share.flushEarly(with: self) }

    /// Writes pending output in the middle of a turn.
    @inline(never)
    func flushEarly() {
        guard isOpen, !socket.watchesWriting, !segment.output.isEmpty else { return }
        // The write at the end of the turn handles a failure. It must not be handled here, because the conversation may
        // be running.
        if case .bytes(let count) = segment.output.write(to: socket) { wrote(count) }
    }

    func turnEnds() {
        isScheduled = false
        guard isOpen else {
            // If many clients with much state in the hub disconnect at the same time, some wait for the next turn.
            if share.stepsForDisconnecting > 0 {
                withExtendedLifetime(self) { forget() }
            } else {
                schedule(inNextTurn: true)
            }
            return
        }
        if let deadlines, deadlines.hasFired {
            endOverdue(deadlines)
            guard isOpen else { return }
        }
        if conversation.canRunHeld, !isInputQueued, share.stepsLeft > 0 { conversation.runHeld(between: nil) }
        finishTurn()
    }

    /// Runs input that has waited for its turn.
    @inline(never)
    func inputHasTurn() {
        isInputQueued = false
        conversation.limitSteps(to: share.stepsOfWaitingTurn)
        if isOpen, hasReadWaiting {
            socket.watch(reading: true, writing: socket.watchesWriting)
            readInput()
        }
        guard isOpen else { return }
        if conversation.canRunHeld { conversation.runHeld(between: nil) }
        if share.turnsAreShort, segment.output.count < Budget.outputOfShortTurns, case .open = state {
            conversation.turnEnds()
            if conversation.canRunHeld { return queueInput() }
        }
        finishTurn()
    }

    @inline(__always)
    private func finishTurn() {
        // If the kernel accepts no more output, it will report when it does.
        if !socket.watchesWriting { write() }
        conversation.turnEnds()
        if isAtRest { return }
        conversation.reportWritten()
        conversation.transportBytes = socket.heldBytes
        chargeBuffers(ifChangedBy: Self.leastCharged, countingBodies: true)
        if conversation.canRunHeld { queueInput() }
        if share.isDraining { endIfDrained() }
        if conversation.ending != nil, segment.output.isEmpty { end() }
        guard isOpen else { return }
        watch()
        setAlarm()
    }

    /// Whether the end of a turn changes nothing more, as is nearly always the case.
    @inline(__always)
    private var isAtRest: Bool {
        conversation.isAtRest && segment.output.isEmpty && deadlines == nil && !share.isDraining
            && socket.watchesReading && !socket.watchesWriting
    }

    /// Watches the socket for the events that matter now. A client from which nothing may be read is not watched for
    /// input, because the kernel would report its input, or its end, in every turn.
    private func watch() {
        let reading = conversation.readableBytes > 0 && !hasReadWaiting && !socket.isClogged
        let writing = !segment.output.isEmpty && !hasOutputWaiting
        if hasOutputWaiting {
            hasOutputWaiting = false
            schedule(inNextTurn: true)
        }
        if reading, !socket.watchesReading { conversation.restartDeadline() }
        // The conversation may have had no room when the input was received.
        if reading { queueBufferedInput() }
        socket.watch(reading: reading, writing: writing, pausingWriting: deadlines?.isWritingPaused == true)
    }

    // MARK: Writing

    /// Writes as much as the kernel accepts. Beyond `HubLimits.outputBytes` of pending output, no input is read. If
    /// other connections have written much in this turn, long output waits for the next one.
    private func write() {
        guard !segment.output.isEmpty else { return }
        if share.bytesLeft <= 0, segment.output.count > Budget.shortOutput {
            hasOutputWaiting = true
        } else {
            writeNow()
        }
    }

    @inline(__always)
    func writeNow() {
        switch segment.output.write(to: socket) {
        case .bytes(let count): wrote(count)
        case .wouldBlock: break
        case .failed(let errno): close(because: ConnectionEnding(errno: errno))
        }
    }

    private func wrote(_ count: Int) {
        segment.output.drop(count)
        share.bytesLeft -= count
        deadlines?.outputWasTaken()
    }

    // MARK: Ending

    /// Ends the connection after the last reply is written.
    private func end() {
        if conversation.hasInputEnded {
            if socket.hasTLS { socket.finishWriting() }
            // The kernel reports when it takes the rest.
            return socket.hasUnsentOutput ? () : close(because: .reset)
        }
        guard case .open = state else { return }
        socket.finishWriting()
        state = .lingering
        // Closing with unread input would reset the connection, and the last reply might be lost. After a drain, a
        // client has usually sent nothing more, so the hub closes the connection without waiting for the client.
        if conversation.ending == .drained, !socket.hasUnsentOutput,
            case .wouldBlock = socket.tryRead(into: share.scratch)
        {
            close(because: .drained)
        }
    }

    /// Ends the conversation if the client may no longer use the hub.
    func revoke(_ revocation: Revocation) {
        guard case .open = state, socket.isOpen, conversation.ending == nil,
            let error = revocation.error(for: hub.identity(of: id), isAdmitted: conversation.admission == nil)
        else { return }
        conversation.refuse(error, because: .revoked)
        schedule()
    }

    /// Makes the client a principal that its listener has identified.
    func assume(_ identity: ProvenIdentity) {
        guard hub.principals != nil else { return }
        conversation.assume(identity)
        schedule()
    }

    /// Ends the conversation because a client has closed the connection with `KILL`.
    func kill(_ error: WireError) {
        guard case .open = state, socket.isOpen, conversation.ending == nil else { return }
        conversation.refuse(error, because: .killed)
        schedule()
    }

    /// Ends a connection that has not begun. Does nothing if it has ended.
    func endBeforeBeginning(because ending: ConnectionEnding) {
        guard isOpen else { return }
        share.connectionBegins()
        close(because: ending)
    }

    /// - Parameters:
    ///   - reason: how the connection ends, unless the conversation has an ending of its own.
    ///   - discardsOutput: whether the output that the client has not taken is lost.
    func close(because reason: ConnectionEnding, discardingOutput discardsOutput: Bool = false) {
        guard isOpen else { return }
        close(for: conversation.endingOfClose ?? reason, discardingOutput: discardsOutput)
    }

    private func close(for ending: ConnectionEnding, discardingOutput discardsOutput: Bool = false) {
        state = .closed(ending)
        socket.close(discardingOutput: discardsOutput)
        deadlines?.cancelAlarm(on: reactor)
        // `turnEnds` calls `forget` later, because `forget` may send replies to a connection that is running now.
        schedule()
    }

    /// Called when the reactor stops. A connection that has not begun is called again when it has.
    func stop() {
        if isOpen, socket.isOpen { close(for: .stopped) }
    }

    private func forget() {
        guard case .closed(let ending) = state else { return }
        state = .forgotten
        segment.isClosed = true
        // A report, or the delay of an `AUTH`, may end after the hub has released this connection.
        segment.owner = nil
        hub.disconnect(id, on: share, because: ending, conversation.lastVerb)
    }
}
