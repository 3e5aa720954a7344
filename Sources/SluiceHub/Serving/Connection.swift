import SluiceRuntime
import SluiceWire

/// One client: its socket, and the green task that reads from it. Belongs to the thread of its reactor.
///
/// The task reads when bytes are there and the session has room for them; everything else (replies that others cause,
/// lines that may run at last, writing) is done when the reactor calls, once a turn. So a parked command is no task, and
/// a turn costs one `read` and one `write` however many commands came with it.
///
/// Where the time of a `PING` goes, with 50 clients that send 16 at a time: three quarters of it are the kernel's, most of
/// that in `send`, which on loopback does the receiver's work of TCP as well; an eighth is the parser's; and what there is
/// of tasks, polling and bookkeeping for each read is the 16th part of a microsecond for each `PING`.
final class Connection: EndOfTurn, @unchecked Sendable {
    // Sendable: the constants are, and everything else belongs to the reactor's thread.

    private enum State {
        case open
        /// The last reply is written; what the client sends is thrown away until it closes its side, or time is up.
        case lingering(TimerHandle)
        case closed(ConnectionEnding?)
    }

    let share: ReactorShare
    /// The client's address, for reports.
    let client: String
    private let hub: Hub
    private let stream: Stream
    /// Nil until the hub has taken the connection in.
    @exclusivity(unchecked) private var session: Session?
    @exclusivity(unchecked) private var state = State.open
    /// Whether the reactor will call at the end of this turn.
    @exclusivity(unchecked) private var isScheduled = false
    /// Writes what the kernel did not take at once; nil when nothing is left of that.
    @exclusivity(unchecked) private var drain: GreenTask<Void>?
    /// Where the task waits while it must not read; made when it is first needed.
    private var gate: Gate?

    private var reactor: Reactor { share.reactor }

    init(_ stream: Stream, on share: ReactorShare, of hub: Hub) {
        self.stream = stream
        self.share = share
        self.hub = hub
        client = stream.peerAddress.description
    }

    // MARK: The task

    /// Serves the client until it is gone.
    func serve() async {
        guard let id = hub.enter(self) else { return turnAway() }
        let session = Session(id, on: share, of: hub)
        self.session = session
        var ending = ConnectionEnding.reset
        do throws(SluiceError) {
            while isOpen { try await takeInput(session) }
        } catch {
            if error.code == .cancelled { ending = .stopped }
        }
        close(because: nil)
        if case .closed(let reason?) = state { ending = reason } else { ending = session.ending ?? ending }
        self.session = nil
        hub.leave(id, client, on: share, because: ending)
    }

    /// Waits for something to read, and has the session run it.
    private func takeInput(_ session: Session) async throws(SluiceError) {
        guard session.inputRoom > 0 else {
            try await waitForRoom()
            return session.restartPatience()
        }
        do throws(SluiceError) {
            try await stream.waitReadable(timeout: patience(with: session))
        } catch  where error.code == .timedOut {
            session.endPatience(because: session.deadline?.ending ?? .slowLine)
            return schedule()
        }
        let room = min(session.inputRoom, share.scratch.count)
        guard room > 0 else { return }
        switch stream.tryRead(into: UnsafeMutableRawBufferPointer(rebasing: share.scratch[..<room])) {
        case .bytes(let count):
            session.receive(UnsafeRawBufferPointer(rebasing: share.scratch[..<count]))
            schedule()
        case .endOfStream:
            session.endInput()
            schedule()
        case .wouldBlock: break
        case .failed: close(because: nil)
        }
    }

    /// How long the client may still take for what it owes; nil when it owes nothing.
    private func patience(with session: Session) -> Duration? {
        session.deadline.map { deadline in
            let now = reactor.nowNanoseconds
            return .nanoseconds(deadline.nanoseconds > now ? Int64(clamping: deadline.nanoseconds - now) : 0)
        }
    }

    /// Waits until the client may be read from again, or the connection is closed.
    private func waitForRoom() async throws(SluiceError) {
        let gate = gate ?? Gate("room for the input of \(client)", on: reactor)
        self.gate = gate
        do throws(SluiceError) {
            try await gate.wait(timeout: hub.limits.probeInterval)
        } catch  where error.code == .timedOut {
            // Nothing else tells that a client has gone that is not read from.
            if stream.isBroken { close(because: nil) }
        }
    }

    private func turnAway() {
        var output: [UInt8] = []
        let limit = hub.limits.maxConnections
        Reply.error(WireError(.limit, "the server has \(limit) connections, and takes no more")).append(to: &output)
        _ = output.withUnsafeBytes { stream.tryWrite($0) }
        try? stream.shutdownWrite()
        // Closing with input unread would break the connection off, and the reply might not arrive.
        _ = stream.tryRead(into: share.scratch)
        stream.close()
        hub.turnedAway(client)
    }

    // MARK: The reactor's calls

    /// Hands on what an operation that was parked is told.
    func deliver(_ delivery: Delivery) {
        guard let session, isOpen else { return }
        session.take(delivery)
        if session.output.count > hub.limits.backlogBytes { close(because: .backlog) } else { schedule() }
    }

    private func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        reactor.atEndOfTurn(self)
    }

    func turnEnds() {
        isScheduled = false
        guard let session, isOpen else { return }
        if session.canRunHeld { session.runHeld() }
        flush(session)
        session.reportWritten()
        if session.canRunHeld { schedule() }
        if session.ending != nil, session.output.isEmpty { end(session) }
        if session.inputRoom > 0 || !isOpen { gate?.open() }
    }

    // MARK: Writing

    private func flush(_ session: Session) {
        guard drain == nil, !session.output.isEmpty else { return }
        write(session)
        guard !session.output.isEmpty, isOpen else { return }
        drain = reactor.spawn("output for \(client)") { [self] in await drainOutput() }
    }

    private func write(_ session: Session) {
        switch session.output.withUnsent({ stream.tryWrite($0) }) {
        case .bytes(let count): session.output.drop(count)
        case .wouldBlock: break
        case .failed: close(because: nil)
        }
    }

    /// Writes what the client has to make room for. No input is read beyond `HubLimits.outputBytes` meanwhile.
    private func drainOutput() async {
        do throws(SluiceError) {
            while isOpen, let session, !session.output.isEmpty {
                try await stream.waitWritable(timeout: hub.limits.stallTimeout)
                write(session)
            }
        } catch {
            if error.code == .timedOut { close(because: .stalled) }
        }
        drain = nil
        session?.reportWritten()
        schedule()
    }

    // MARK: Ending

    private var isOpen: Bool {
        if case .closed = state { false } else { true }
    }

    /// The last reply is written.
    private func end(_ session: Session) {
        if session.hasInputEnded { return close(because: nil) }
        guard case .open = state else { return }
        // Closing now, with input unread, would break the connection off, and the last reply might not arrive.
        try? stream.shutdownWrite()
        let call = reactor.call(after: hub.limits.lingerTimeout) { [weak self] in self?.close(because: nil) }
        state = .lingering(call)
    }

    /// - Parameter reason: why, where the session does not tell.
    private func close(because reason: ConnectionEnding?) {
        guard isOpen else { return }
        if case .lingering(let call) = state { reactor.cancelTimer(call) }
        state = .closed(reason)
        stream.close()
        gate?.open()
    }
}
