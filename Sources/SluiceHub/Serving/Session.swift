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

    private let hub: Hub
    private let share: ReactorShare
    private let id: ConnectionID
    @exclusivity(unchecked) private var parser: RequestParser
    /// What was read and has not run: the beginning of a line, or lines that must wait.
    @exclusivity(unchecked) private var held: [UInt8] = []
    /// Whether the parser has seen all that is held, and waits for more.
    @exclusivity(unchecked) private var isParserHungry = true
    /// When the line, or the piece of a body, began that the client has not finished; nil when there is none.
    private(set) var incompleteSince: UInt64?
    private var parkedTags: [Tag: OperationID] = [:]
    /// Whether an untagged command is parked.
    @exclusivity(unchecked) private var isHeldUp = false
    private(set) var hasInputEnded = false
    /// What the client has still to prove, and by when; nil when nothing.
    private var admission: Admission?
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
        return hub.limits.inputRoom - held.count
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

    // MARK: Input

    /// Takes in what the client has sent, and runs the commands that are complete. `input` need not outlive the call.
    func receive(_ input: UnsafeRawBufferPointer) {
        guard case .open = phase else { return }
        if admission?.count(input.count) == false { return deny(.tooMuchUnproven(hub.limits)) }
        if held.isEmpty, canRun {
            keep(input, from: run(input))
        } else {
            held.append(contentsOf: input)
            if canRun { runHeld() }
        }
    }

    /// Runs lines that had to wait.
    func runHeld() {
        var input: [UInt8] = []
        swap(&input, &held)
        input.withUnsafeBytes { keep($0, from: run($0)) }
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
    private func run(_ input: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        isParserHungry = false
        var hasRun = false
        while canRun, !isParserHungry {
            switch parser.next(input, offset: &offset) {
            case .request(let request): accept(request)
            case .refused(let tag, let error): refused(error, tag)
            case .needsMore: isParserHungry = true
            }
            hasRun = hasRun || !isParserHungry
        }
        applyBatch()
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

    private func accept(_ request: Request) {
        guard admission == nil || request.command.isForStrangers else {
            return answerInTurn(.error(.authenticationRequired), request.tag)
        }
        switch request.command {
        case .hello: answerInTurn(hub.greeting, request.tag)
        case .ping(let body): answerInTurn(.pong(body), request.tag)
        case .help(let verb): answerInTurn(.data(hub.help.body(for: verb)), request.tag)
        case .inspect(let inspection): inspect(inspection, request.tag)
        case .cancel(let tag): step(.cancel(tag), request.tag)
        case .quit: quit(request.tag)
        case .authenticate(let credentials): authenticate(credentials, request.tag)
        case .send, .receive, .select, .barrier, .acknowledge, .refuse, .touch, .open, .close, .poison, .join, .leave,
            .name, .trace:
            if let operation = request.command.operation { step(.operate(operation), request.tag) }
        }
    }

    /// Answers what is seen of the hub when every earlier command has run. The text is made after the lock is released.
    private func inspect(_ inspection: Inspection, _ tag: Tag?) {
        applyBatch()
        answer(.data(hub.body(of: hub.report(on: inspection.subject), inspection.format)), tag)
    }

    private func authenticate(_ credentials: Credentials, _ tag: Tag?) {
        guard let users = hub.users else { return answerInTurn(.error(.noUsers), tag) }
        guard users.accept(credentials) else { return deny(.denied, tag) }
        admission = nil
        applyBatch()
        hub.transact(share) { [id] (machine: inout HubStateMachine) in
            machine.clients[id]?.principal = credentials.principal
        }
        answer(.ok([]), tag)
    }

    private func deny(_ error: WireError, _ tag: Tag? = nil) {
        applyBatch()
        refuse(error, tag, because: .denied)
    }

    /// The client's time is over: ends the conversation.
    func endPatience(because ending: ConnectionEnding) {
        refuse(ending == .denied ? .tooLateUnproven(hub.limits) : .slowLine(hub.limits), because: ending)
    }

    private func refused(_ error: WireError, _ tag: Tag?) {
        guard error.isFatal else { return answerInTurn(.error(error), tag) }
        applyBatch()
        refuse(error, tag, because: .refused)
    }

    /// Answers without the hub: at once, or behind the commands that wait for the lock.
    private func answerInTurn(_ reply: Reply, _ tag: Tag?) {
        if share.batch.isEmpty { answer(reply, tag) } else { step(.answer(reply), tag) }
    }

    /// Puts a step to those that are taken together.
    private func step(_ action: SessionStep.Action, _ tag: Tag?) {
        share.batch.append(SessionStep(tag: tag, action: action))
        // What is behind an untagged operation may run only if that does not wait.
        if tag == nil || share.batch.count == Self.largestBatch { applyBatch() }
    }

    private func applyBatch() {
        guard !share.batch.isEmpty else { return }
        hub.transact(share) { (machine: inout HubStateMachine) in
            // By index: an iterator would copy each step.
            for index in share.batch.indices { take(share.batch[index], &machine) }
            share.batch.removeAll(keepingCapacity: true)
        }
    }

    private func take(_ step: SessionStep, _ machine: inout HubStateMachine) {
        switch step.action {
        case .answer(let reply): answer(reply, step.tag)
        case .operate(let operation):
            if let refusal = refusal(of: operation, step.tag) { return emit(.error(refusal), step.tag) }
            switch machine.apply(operation, by: Caller(connection: id, tag: step.tag)) {
            case .done(let reply): emit(reply, step.tag)
            case .parked(let id): park(id, step.tag)
            }
        case .cancel(let tag):
            if isInUse(step.tag) { return emit(.error(.tagInUse), step.tag) }
            if let id = parkedTags[tag] { machine.cancel(id) }
            emit(.ok([]), step.tag)
        }
    }

    private func park(_ id: OperationID, _ tag: Tag?) {
        if let tag { parkedTags[tag] = id } else { isHeldUp = !Mutant.isOn(.orderIgnored) }
    }

    private func quit(_ tag: Tag?) {
        applyBatch()
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
            machine.conclude(id, isOrderly: ending == .quit)
        }
    }

    /// Why an operation is refused whatever it is about: for its tag.
    private func refusal(of operation: HubOperation, _ tag: Tag?) -> WireError? {
        guard let tag else { return nil }
        if isInUse(tag) { return .tagInUse }
        guard operation.mayPark else { return nil }
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
        }
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

    private func answer(_ reply: Reply, _ tag: Tag?) {
        if isInUse(tag) { return emit(.error(.tagInUse), tag) }
        emit(reply, tag)
    }

    private func isInUse(_ tag: Tag?) -> Bool {
        guard let tag else { return false }
        return parkedTags[tag] != nil
    }

    private func emit(_ reply: Reply, _ tag: Tag?) {
        output.append { reply.append(to: &$0, tag: tag) }
    }
}

extension WireError {
    fileprivate static let tagInUse = WireError(.tagInUse, "a command with this tag is pending still")
    fileprivate static let noUsers = WireError(.denied, "this server knows no users, and takes everybody")
    fileprivate static let denied = WireError(.denied, "no such user, or not that token")
    fileprivate static let authenticationRequired = WireError(
        .authRequired, "say who you are first: AUTH principal token")

    fileprivate static func tooMuchUnproven(_ limits: HubLimits) -> WireError {
        WireError(.denied, "before AUTH a client sends at most \(limits.authenticationBytes) bytes")
    }

    fileprivate static func tooLateUnproven(_ limits: HubLimits) -> WireError {
        WireError(.denied, "AUTH must come within \(limits.authenticationTimeout.components.seconds) s")
    }

    fileprivate static func slowLine(_ limits: HubLimits) -> WireError {
        WireError(.limit, "a line must be finished within \(limits.lineTimeout.components.seconds) s")
    }
}
