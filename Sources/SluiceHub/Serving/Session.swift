import SluiceRuntime
import SluiceWire

/// The conversation with one client, without its socket: bytes come in, replies go out, and order is kept.
///
/// Untagged commands run one at a time; while one is parked, what follows is held as the bytes that came. Belongs to the
/// thread of the connection's reactor.
final class Session {
    private enum Phase {
        case open
        /// `QUIT` came, with this tag: its reply comes after all others, and nothing behind it runs.
        case quitting(Tag?)
        /// There will be no further reply.
        case over(ConnectionEnding)
    }

    /// How many commands are applied under one acquisition of the hub's lock.
    private static let largestBatch = 64

    /// What comes of so many bytes of commands is told before those behind them run: that takes about as long as a write.
    private static let longInput = 4096

    let hub: Hub
    let share: ReactorShare
    let id: ConnectionID
    @exclusivity(unchecked) private var parser: RequestParser
    /// What was read and has not run: the beginning of a line, or lines that must wait.
    @exclusivity(unchecked) private var held: [UInt8] = []
    /// Whether the parser has seen all that is held, and waits for more.
    @exclusivity(unchecked) private var isParserHungry = true
    /// When the line, or the piece of a body, began that the client has not finished; nil when there is none.
    @exclusivity(unchecked) private(set) var incompleteSince: UInt64?
    @exclusivity(unchecked) private var parkedTags: [Tag: OperationID] = [:]
    /// Whether an untagged command is parked.
    @exclusivity(unchecked) private var isHeldUp = false
    @exclusivity(unchecked) private(set) var hasInputEnded = false
    /// What the client has still to prove, and by when; nil when nothing.
    @exclusivity(unchecked) var admission: Admission?
    @exclusivity(unchecked) private var phase = Phase.open
    /// The bytes of counted receives and traces that the hub does not know to be written.
    @exclusivity(unchecked) private var unreportedBytes = 0
    /// What waits to be written.
    @exclusivity(unchecked) var output: OutputBuffer

    init(_ id: ConnectionID, on share: ReactorShare, of hub: Hub) {
        self.hub = hub
        self.share = share
        self.id = id
        parser = RequestParser(limits: hub.limits.wire)
        if hub.users != nil { admission = Admission(hub.limits, at: share.reactor.nowNanoseconds) }
        output = OutputBuffer(of: share)
    }

    // MARK: State

    /// How the conversation has ended; nil while something may still be said. What is in `output` then is the last.
    var ending: ConnectionEnding? {
        switch phase {
        case .over(let ending): ending
        case .open: hasInputEnded && !hasParked && (held.isEmpty || isParserHungry) ? .endOfInput : nil
        case .quitting: nil
        }
    }

    /// How many more bytes may be read: none while the client does not take its replies, or has sent too much in advance.
    var inputRoom: Int {
        if hasInputEnded || !hasOutputRoom { return 0 }
        let room = hub.limits.inputRoom - held.count
        // The bytes of a body are not held: they become a part of it.
        return incompleteSince != nil && held.isEmpty ? room + parser.awaitedBodyBytes : room
    }

    /// What the conversation has in memory.
    var use: ConnectionUse { ConnectionUse(heldInput: held.count + parser.bufferedBytes, output: output.count) }

    /// When the client's time for what it owes is over, and how it ends then; nil when it owes nothing.
    var deadline: (nanoseconds: UInt64, ending: ConnectionEnding)? {
        if let admission { return (admission.deadline, .denied) }
        return incompleteSince.map { ($0 &+ hub.limits.lineTimeout.wholeNanoseconds, .slowLine) }
    }

    /// Whether held lines can run now.
    var canRunHeld: Bool { !held.isEmpty && !isParserHungry && canRun }

    private var canRun: Bool {
        if case .open = phase { !isHeldUp && hasOutputRoom } else { false }
    }

    private var hasOutputRoom: Bool { output.count < hub.limits.outputBytes }
    private var hasParked: Bool { isHeldUp || !parkedTags.isEmpty }

    /// Whether the client waits for nothing, and has sent nothing that is still to run.
    var isIdle: Bool {
        if case .open = phase { !hasParked && (held.isEmpty || isParserHungry) } else { false }
    }

    // MARK: Input

    /// Takes in what the client has sent, and runs the commands that are complete. `input` need not outlive the call.
    ///
    /// - Parameter connection: is told where there is much to run; see `Connection.turnGoesOn`.
    func receive(_ input: UnsafeRawBufferPointer, for connection: Connection?) {
        guard case .open = phase else { return }
        if admission?.count(input.count) == false { return refuse(.tooMuchUnproven(hub.limits), because: .denied) }
        if held.isEmpty, canRun {
            keep(input, from: run(input, for: connection))
        } else {
            held.append(contentsOf: input)
            if canRun { runHeld(for: connection) }
        }
    }

    /// Runs lines that had to wait.
    func runHeld(for connection: Connection? = nil) {
        var input: [UInt8] = []
        swap(&input, &held)
        input.withUnsafeBytes { keep($0, from: run($0, for: connection)) }
    }

    private func keep(_ input: UnsafeRawBufferPointer, from offset: Int) {
        guard case .open = phase, offset < input.count else { return }
        held = [UInt8](input[offset...])
    }

    /// The client's FIN has come.
    func endInput() {
        hasInputEnded = true
        incompleteSince = nil
        hub.transact(share) { [id] (machine: inout HubStateMachine) in machine.endInput(of: id) }
    }

    /// The client's FIN has come, behind input that was not read yet: what it has sent still runs, and waits for nobody.
    func expectEnd() {
        guard case .open = phase else { return }
        hub.transact(share) { [id] (machine: inout HubStateMachine) in machine.endInput(of: id) }
    }

    /// The hub is about to stop, and there is nothing left to say.
    func endDrained() { finish(.drained) }

    /// Ends the conversation with an error, as the last reply.
    func refuse(_ error: WireError, _ tag: Tag? = nil, because ending: ConnectionEnding) {
        // At once, and not with the end of the connection: nobody may be matched with a client who cannot be told.
        hub.transact(share) { [id] (machine: inout HubStateMachine) in machine.withdrawAll(of: id, .closing) }
        emit(.error(error), tag)
        finish(ending)
    }

    /// Runs complete commands as long as they may.
    ///
    /// - Returns: how many bytes of `input` are done with.
    private func run(_ input: UnsafeRawBufferPointer, for connection: Connection?) -> Int {
        var offset = 0
        isParserHungry = false
        var hasRun = false
        var told = 0
        while canRun, !isParserHungry {
            if let connection, offset - told >= Self.longInput, offset < input.count {
                share.reactor.turnGoesOn(for: connection)
                told = offset
            }
            if admission == nil, case let pings = parser.takeBarePings(in: input, offset: &offset), pings > 0 {
                output.appendOK(times: pings)
            } else if admission == nil, let send = parser.plainSend(in: input, at: offset) {
                runTogether(nil, send, input, &offset)
            } else {
                take(parser.next(input, offset: &offset), input, &offset)
            }
            hasRun = hasRun || !isParserHungry
        }
        noteIncomplete(isNew: hasRun)
        return offset
    }

    private func noteIncomplete(isNew: Bool) {
        if !isParserHungry || parser.isBetweenRequests {
            incompleteSince = nil
        } else if isNew || incompleteSince == nil || parser.isInsideBody {
            incompleteSince = share.reactor.nowNanoseconds
        }
    }

    /// Gives the client its time anew, after it could not be read from.
    func restartPatience() {
        if incompleteSince != nil { incompleteSince = share.reactor.nowNanoseconds }
    }

    // MARK: Commands

    private func take(_ step: RequestParser.Step, _ input: UnsafeRawBufferPointer, _ offset: inout Int) {
        switch step {
        case .needsMore: isParserHungry = true
        case .refused(let tag, let error):
            if admission?.count(nil) == false { return refuse(.tooManyUnproven(hub.limits), tag, because: .denied) }
            refused(error, tag)
        case .request(let request):
            if admission?.count(request.command) == false {
                refuse(.tooManyUnproven(hub.limits), request.tag, because: .denied)
            } else if admission != nil, !request.command.isForStrangers {
                answer(.error(.authenticationRequired), request.tag)
            } else if request.command.needsHub {
                runTogether(request, nil, input, &offset)
            } else {
                runAlone(request)
            }
        }
    }

    /// Runs a command that needs the hub, and those behind it that do, under one acquisition of the hub's lock.
    ///
    /// They are parsed under the lock, too: to keep parsed commands until they are applied costs more than the lock. Of
    /// commands that come one by one, none is.
    ///
    /// - Parameter first: what was parsed already, or `plain`, which is a part of the input still.
    private func runTogether(
        _ first: Request?, _ plain: PlainSend?, _ input: UnsafeRawBufferPointer, _ offset: inout Int
    ) {
        var next: RequestParser.Step?
        hub.transact(share) { (state: inout HubState) in next = run(first, plain, &state, input, &offset) }
        if let next { take(next, input, &offset) }
    }

    /// - Returns: what the parser has found and must not run under the lock; nil when it was not asked.
    private func run(
        _ first: Request?, _ plain: PlainSend?, _ state: inout HubState, _ input: UnsafeRawBufferPointer,
        _ offset: inout Int
    ) -> RequestParser.Step? {
        var plain = plain
        if let first { run(first, &state.machine) }
        var plainRun = PlainRun()
        defer { plainRun.end(&state.machine) }
        var seenEffects = 0
        for _ in 1...Self.largestBatch {
            // What the client is told of a parked command comes before what it has sent since: it may use that one's tag.
            guard canRun, !state.machine.tells(id, from: seenEffects) else { return nil }
            seenEffects = state.machine.effects.count
            if let send = plain.take() ?? parser.plainSend(in: input, at: offset, like: plainRun.last) {
                if send.tag.isEmpty || parkedTags.isEmpty, plainRun.handOver(send, from: id, by: share, in: &state) {
                    parser.pass(send, offset: &offset)
                    output.appendOK(to: send)
                    continue
                }
                // It may be, once everybody knows what was decided before.
                if seenEffects > 0 { return nil }
            }
            plainRun.end(&state.machine)
            let step = parser.next(input, offset: &offset)
            guard case .request(let request) = step, request.command.needsHub else { return step }
            run(request, &state.machine)
        }
        return nil
    }

    /// The client's time is over: ends the conversation.
    func endPatience(because ending: ConnectionEnding) {
        refuse(ending == .denied ? .tooLateUnproven(hub.limits) : .slowLine(hub.limits), because: ending)
    }

    private func refused(_ error: WireError, _ tag: Tag?) {
        if error.isFatal { refuse(error, tag, because: .refused) } else { answer(.error(error), tag) }
    }

    private func run(_ request: Request, _ machine: inout HubStateMachine) {
        let tag = request.tag
        if case .cancel(let target) = request.command { return cancel(target, tag, &machine) }
        if let tag, let refusal = refusal(of: request.command, tag) { return emit(.error(refusal), tag) }
        switch machine.apply(request.command, by: Caller(connection: id, tag: tag)) {
        case .done(let reply): emit(reply, tag)
        case .parked(let id): park(id, tag)
        }
    }

    private func cancel(_ target: Tag, _ tag: Tag?, _ machine: inout HubStateMachine) {
        if isInUse(tag) { return emit(.error(.tagInUse), tag) }
        if let id = parkedTags[target] { machine.cancel(id) }
        emit(.ok([]), tag)
    }

    private func park(_ id: OperationID, _ tag: Tag?) {
        if let tag { parkedTags[tag] = id } else { isHeldUp = true }
    }

    func quit(_ tag: Tag?) {
        if isInUse(tag) { return emit(.error(.tagInUse), tag) }
        phase = .quitting(tag)
        finishQuitting()
    }

    private func finishQuitting() {
        guard case .quitting(let tag) = phase, !hasParked else { return }
        emit(.ok([]), tag)
        finish(.quit)
    }

    private func finish(_ ending: ConnectionEnding) {
        phase = .over(ending)
        held = []
        incompleteSince = nil
        // Now, and not when the client closes its side: somebody else may have what it holds.
        hub.transact(share) { [id] (machine: inout HubStateMachine) in
            machine.conclude(id, isOrderly: ending.isOrderly)
        }
    }

    /// Why a command is refused whatever it is about: for its tag.
    private func refusal(of command: Command, _ tag: Tag) -> WireError? {
        if isInUse(tag) { return .tagInUse }
        guard command.mayPark else { return nil }
        let limit = hub.limits.wire.maxPendingTags
        return parkedTags.count < limit
            ? nil : WireError(.limit, "a connection has at most \(limit) tagged commands pending")
    }

    // MARK: Replies

    /// Hands on what an operation that was parked is told.
    func take(_ delivery: Delivery) {
        // Another reactor has matched it while this one ended the conversation.
        if case .over = phase { return }
        switch delivery.content {
        case .final(let reply): complete(delivery.tag, reply)
        case .partial(let reply):
            unreportedBytes += HubStateMachine.outputBytes(of: reply)
            emit(reply, delivery.tag)
        case .handoff(let handoff):
            unreportedBytes += Handoff.outputBytes
            emit(.data(hub.body(of: hub.report(of: handoff), handoff.format)), delivery.tag)
        case .released: break
        }
    }

    /// Whether a message may be handed on while the hub is locked: nothing follows from it but that it is written.
    var takesMessages: Bool { if case .open = phase { true } else { false } }

    /// Hands on a message that a parked receive has got: its last one, or one of many.
    func take(_ message: UnsafeRawBufferPointer, from channel: ChannelName, _ tag: Tag?, isLast: Bool) {
        if !isLast {
            unreportedBytes += HubStateMachine.outputBytes(ofMessage: message.count)
        } else if let tag {
            parkedTags[tag] = nil
        } else {
            isHeldUp = false
        }
        output.append(message, from: channel, tag: tag)
    }

    /// Hands on a message of a counted receive behind what stands before its length.
    func take(_ message: UnsafeRawBufferPointer, behind head: [UInt8], _ outputBytes: Int) {
        unreportedBytes += outputBytes
        output.append(message, behind: head)
    }

    private func complete(_ tag: Tag?, _ reply: Reply) {
        if let tag { parkedTags[tag] = nil } else { isHeldUp = false }
        emit(reply, tag)
        finishQuitting()
    }

    /// Has the hub know that the client takes what it is sent unasked, once it has taken enough of it to matter.
    func reportWritten() {
        guard unreportedBytes >= hub.limits.outputBytes / 2, output.count < hub.limits.outputBytes / 2 else { return }
        let bytes = unreportedBytes
        unreportedBytes = 0
        hub.transact(share) { [id] (machine: inout HubStateMachine) in machine.outputWritten(bytes, of: id) }
    }

    func answer(_ reply: Reply, _ tag: Tag?) {
        if isInUse(tag) { return emit(.error(.tagInUse), tag) }
        emit(reply, tag)
    }

    private func isInUse(_ tag: Tag?) -> Bool {
        tag.map { parkedTags[$0] != nil } ?? false
    }

    private func emit(_ reply: Reply, _ tag: Tag?) {
        output.append(reply, tag: tag)
    }
}
