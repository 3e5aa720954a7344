import SluiceRuntime
import SluiceWire

/// One client: its socket, and the conversation with it. Belongs to the thread of its reactor.
///
/// No task: a parked one takes more memory than all the rest of an idle connection, and to wake one takes longer than
/// most commands. The reactor calls when there is something to read, or room to write, and once more at the end of each
/// turn in which something has happened. So a turn costs one `read` and one `write`, however many commands came with it.
///
/// Where the time of a handoff goes, with 50 pairs of clients that do nothing else: nine tenths are the kernel's, and
/// most of that in `send`, which on loopback does the receiver's work of TCP as well.
final class Connection: SegmentOwner, SocketObserver, @unchecked Sendable {
    // Sendable: the constants are, and everything else belongs to the reactor's thread.

    private enum State {
        case open
        /// The last reply is written; what the client sends is thrown away until it closes its side, or time is up.
        case lingering
        /// The hub is still to be told.
        case closed(ConnectionEnding)
        case forgotten
    }

    let share: ReactorShare
    /// The client's address, for reports.
    let client: String
    private let id: ConnectionID
    private let hub: Hub
    let segment: OutboxSegment
    private let conversation: Conversation
    @exclusivity(unchecked) private var socket = PolledSocket()
    @exclusivity(unchecked) private var state = State.open
    /// Whether the reactor will call at the end of this turn.
    @exclusivity(unchecked) private var isScheduled = false
    /// The next one in the list of those.
    @exclusivity(unchecked) var nextScheduled: Connection?
    /// Whether the last read took no more than it had room for: as a rule there is more.
    @exclusivity(unchecked) private var hasMoreToRead = false
    /// How often the connection is read from before it ends because the hub drains: a client that goes on talking would keep
    /// the hub from its end.
    @exclusivity(unchecked) private var drainingReads = UInt8.max
    /// What the connection waits for that may not happen; nil while that is nothing.
    @exclusivity(unchecked) private var deadlines: ConnectionDeadlines?

    private var reactor: Reactor { share.reactor }

    init(_ id: ConnectionID, at client: String, on share: ReactorShare, of hub: Hub) {
        self.id = id
        self.client = client
        self.share = share
        self.hub = hub
        segment = OutboxSegment(on: share)
        conversation = Conversation(id, in: segment, of: hub)
        segment.owner = self
    }

    /// Serves the client from now on.
    func begin(_ descriptor: consuming Descriptor) {
        socket.open(descriptor, on: reactor, tells: self)
        begin()
    }

    /// Serves a client that is simulated.
    func begin(_ virtual: VirtualSocket) {
        socket.open(virtual, tells: self)
        begin()
    }

    private func begin() {
        socket.watch(reading: true, writing: false)
        setAlarm()
    }

    /// What the connection makes the hub keep.
    var use: ConnectionUse { conversation.use }

    private var isOpen: Bool {
        switch state {
        case .open, .lingering: true
        case .closed, .forgotten: false
        }
    }

    // MARK: The reactor's calls

    func socketIsReadable() {
        guard isOpen else { return }
        let room = min(conversation.inputRoom, share.scratch.count)
        guard room > 0 else { return schedule() }
        switch socket.tryRead(into: UnsafeMutableRawBufferPointer(rebasing: share.scratch[..<room])) {
        case .bytes(let count):
            let hasMore = count == room
            let writesEarly = writesEarly(hasMore)
            conversation.receive(UnsafeRawBufferPointer(rebasing: share.scratch[..<count])) {
                if writesEarly { sliceEnds() }
            }
            hasMoreToRead = hasMore
        case .endOfStream: conversation.endInput()
        case .wouldBlock: return
        case .failed(let errno): return close(because: ConnectionEnding(errno: errno))
        }
        schedule()
    }

    func socketIsWritable() {
        guard isOpen else { return }
        write()
        schedule()
    }

    func socketIsUnwatchable() {
        close(because: .reset)
    }

    /// Replies to parked operations wait in the segment.
    func repliesArrived() {
        guard isOpen else { return }
        conversation.repliesArrived()
        if segment.output.count > hub.limits.backlogBytes { close(because: .backlog) } else { schedule() }
    }

    private func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        share.schedule(self)
    }

    // MARK: Early writes

    /// Whether replies are written between the slices of a long input, so that the client works on them while the rest
    /// runs: a client with some hundred messages on their way that waits for answers before it sends more, and the
    /// daemon, would each be idle half of the time otherwise. A client that sends without waiting fills two reads in a
    /// row; its replies are written once a turn, which costs less.
    private func writesEarly(_ hasMore: Bool) -> Bool { !(hasMore && hasMoreToRead) }

    /// Writes what this connection and the others that are scheduled have to write.
    private func sliceEnds() {
        share.flushEarly(with: self)
    }

    /// Writes what there is, in the middle of a turn.
    func flushEarly() {
        guard isOpen, !socket.watchesWriting, !segment.output.isEmpty else { return }
        // The end of the turn learns of a failure: the conversation may be running.
        if case .bytes(let count) = segment.output.write(to: socket) { wrote(count) }
    }

    func turnEnds() {
        isScheduled = false
        guard isOpen else { return forget() }
        if conversation.canRunHeld { conversation.runHeld {} }
        // While the kernel takes nothing more, it will say when it does.
        if !socket.watchesWriting { write() }
        conversation.reportWritten()
        if conversation.canRunHeld { schedule() }
        if share.isDraining { endIfDrained() }
        if conversation.ending != nil, segment.output.isEmpty { end() }
        guard isOpen else { return }
        watch()
        setAlarm()
    }

    /// Has the kernel tell what matters now. It is not asked about a client that must not be read from: what such a one
    /// sends, its end included, would be told in every turn.
    private func watch() {
        let (reading, writing) = (conversation.inputRoom > 0, !segment.output.isEmpty)
        if reading, !socket.watchesReading { conversation.restartPatience() }
        socket.watch(reading: reading, writing: writing)
    }

    // MARK: Writing

    /// Writes what the kernel takes. No input is read beyond `HubLimits.outputBytes` of what it does not take.
    private func write() {
        guard !segment.output.isEmpty else { return }
        switch segment.output.write(to: socket) {
        case .bytes(let count): wrote(count)
        case .wouldBlock: break
        case .failed(let errno): close(because: ConnectionEnding(errno: errno))
        }
    }

    private func wrote(_ count: Int) {
        segment.output.drop(count)
        // It counts anew from the last bytes that the client has taken.
        deadlines?.stall = nil
    }

    // MARK: Deadlines

    /// Sees to it that the connection is called when it has waited too long.
    private func setAlarm() {
        let isReading = socket.watchesReading
        let isWriting = socket.watchesWriting
        if deadlines == nil {
            // Nearly always: a client that owes nothing, and takes what it is sent.
            if isReading, !isWriting, conversation.deadline == nil, case .open = state { return }
            deadlines = ConnectionDeadlines()
        }
        guard let deadlines else { return }
        let now = reactor.nowNanoseconds
        deadlines.patience = isReading && !isLingering ? conversation.deadline?.nanoseconds : nil
        deadlines.keep(\.probe, if: !isReading, now, hub.limits.probeInterval)
        deadlines.keep(\.stall, if: isWriting, now, hub.limits.stallTimeout)
        deadlines.keep(\.linger, if: isLingering, now, hub.limits.lingerTimeout)
        deadlines.setAlarm(on: reactor, now) { [self] in alarmRings() }
    }

    private func alarmRings() {
        guard isOpen, let deadlines else { return }
        let now = reactor.nowNanoseconds
        deadlines.alarmHasRung()
        if deadlines.takeDue(\.stall, now) { return close(because: .stalled) }
        if deadlines.takeDue(\.linger, now) { return close(because: .reset) }
        // Nothing else tells that a client has gone, or has finished sending, that is not read from.
        if deadlines.takeDue(\.probe, now) {
            if let errno = socket.failure { return close(because: ConnectionEnding(errno: errno)) }
            if socket.hasInputEnded { conversation.expectEnd() }
        }
        if deadlines.takeDue(\.patience, now) {
            conversation.endPatience(because: conversation.deadline?.ending ?? .slowLine)
        }
        schedule()
    }

    private var isLingering: Bool { if case .lingering = state { true } else { false } }

    // MARK: Draining

    /// The hub is about to stop. One that has not begun does so soon, and is told again then.
    func drain() {
        if isOpen, socket.isOpen { schedule() }
    }

    /// Ends the conversation if the client has nothing left to be told and holds nothing. What it has sent up to now is
    /// answered before, as far as that comes to an end.
    private func endIfDrained() {
        guard case .open = state, conversation.ending == nil, conversation.isIdle, segment.output.isEmpty,
            !hub.holdsLeases(id)
        else { return }
        let room = min(conversation.inputRoom, share.scratch.count)
        guard room > 0, drainingReads > 0 else { return conversation.endDrained() }
        drainingReads -= 1
        switch socket.tryRead(into: UnsafeMutableRawBufferPointer(rebasing: share.scratch[..<room])) {
        case .bytes(let count):
            conversation.receive(UnsafeRawBufferPointer(rebasing: share.scratch[..<count]), betweenSlices: sliceEnds)
            schedule()
        case .endOfStream: conversation.endInput()
        case .wouldBlock: conversation.endDrained()
        case .failed(let errno): close(because: ConnectionEnding(errno: errno))
        }
    }

    /// Says what is still to be said as far as the kernel takes it now, and closes.
    func endAtOnce() {
        guard isOpen, socket.isOpen else { return }
        if case .open = state {
            write()
            guard isOpen else { return }
            socket.finishWriting()
            // Closing with input unread would break the connection off, and the last replies might not arrive.
            _ = socket.tryRead(into: share.scratch)
        }
        close(because: .stopped)
    }

    // MARK: Ending

    /// The last reply is written.
    private func end() {
        if conversation.hasInputEnded { return close(because: .reset) }
        guard case .open = state else { return }
        // Closing now, with input unread, would break the connection off, and the last reply might not arrive.
        socket.finishWriting()
        state = .lingering
    }

    /// - Parameter reason: why, where the session does not tell.
    private func close(because reason: ConnectionEnding) {
        guard isOpen else { return }
        close(for: conversation.ending ?? reason)
    }

    private func close(for ending: ConnectionEnding) {
        state = .closed(ending)
        socket.close()
        deadlines?.cancelAlarm(on: reactor)
        // Not now: others may be told of it, of whom one may be in the middle of something.
        schedule()
    }

    /// The reactor stops. One that has not begun does so soon, and is stopped then.
    func stop() {
        if isOpen, socket.isOpen { close(for: .stopped) }
    }

    private func forget() {
        guard case .closed(let ending) = state else { return }
        state = .forgotten
        segment.isClosed = true
        hub.leave(id, client, on: share, because: ending)
    }
}
