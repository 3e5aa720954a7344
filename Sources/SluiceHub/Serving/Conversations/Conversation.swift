import SluiceRuntime
import SluiceWire

/// Called between the slices of long input. A protocol, because the context of a closure took a hundredth of a handoff.
protocol SliceObserver: AnyObject {
    func sliceEnds()
}

/// The protocol state of one connection, without its socket. It parses input, runs the commands, and keeps the replies
/// in order.
///
/// Untagged commands run one at a time; while one is parked, the input behind it is held. Used only on the thread of
/// the connection's reactor.
final class Conversation {
    enum Phase {
        case open
        /// The client has sent `QUIT` with this tag. Its reply follows all others, and nothing behind it runs.
        case quitting(Tag?)
        /// The conversation ends with this error, which follows the replies to all pending commands.
        indirect case refusing(WireError, Tag?, ConnectionEnding)
        /// The last reply has been appended.
        case over(ConnectionEnding)
    }

    /// The most commands that run under one acquisition of the hub's lock.
    private static let largestBatch = 64
    /// The size of the slices in which input runs. A slice takes about as long as a write.
    static let sliceBytes = 4096
    let hub: Hub
    let id: ConnectionID
    /// Identifies the holder that the connection counts for. Stored here too, because many turns ask each connection for
    /// it, and the hub's lock may be taken.
    @exclusivity(unchecked) var holder: HolderID
    /// The output and the pending operations.
    let segment: OutboxSegment
    @exclusivity(unchecked) var parser: RequestParser
    /// Input that was read and has not run: the beginning of a line, or lines that must wait.
    @exclusivity(unchecked) var held: [UInt8] = []
    /// The time at which the unfinished line or piece of a body began. Nil if there is none.
    @exclusivity(unchecked) var incompleteSince: UInt64?
    /// Whether the parser has seen all held input and needs more.
    @exclusivity(unchecked) private var isParserHungry = true
    /// Whether a command or a refusal was complete in the input that is running. The time for an unfinished line starts
    /// anew then, and not with each piece of a line that is too long.
    @exclusivity(unchecked) private var hasCompleted = false
    @exclusivity(unchecked) private(set) var hasInputEnded = false
    /// The limits until the client has authenticated. Nil if it has, or need not.
    @exclusivity(unchecked) var admission: Admission?
    /// The steps that the client's commands may still take in this turn; see `Budget`.
    @exclusivity(unchecked) var stepsLeft: Int
    /// The memory of encrypted input and output, in bytes.
    @exclusivity(unchecked) var transportBytes = 0
    /// The report that is being taken, or the command that waits for its next slice. Later input waits for it.
    @exclusivity(unchecked) var job: PendingJob?
    @exclusivity(unchecked) var phase = Phase.open
    /// The reports that the client has got since the hub began to drain.
    @exclusivity(unchecked) var drainReports: UInt8 = 0
    /// The verb of the last command, for the log.
    @exclusivity(unchecked) var lastVerb: Verb?
    /// The number of the line whose repetitions may use the machine's hint. 0 if there is none.
    @exclusivity(unchecked) var hintedLine: UInt32 = 0

    /// Stored here too, because that saves a reference count for each batch, and the object is no larger for it.
    let share: ReactorShare

    init(_ id: ConnectionID, of holder: HolderID, in segment: OutboxSegment, of hub: Hub) {
        self.hub = hub
        self.id = id
        self.holder = holder
        self.segment = segment
        share = segment.share
        parser = RequestParser(hub.parserLimits)
        stepsLeft = hub.limits.turnSteps
        if let principals = hub.principals, principals.anonymous == nil {
            admission = Admission(hub.limits, at: share.reactor.nowNanoseconds)
        }
    }

    // MARK: State

    /// How the conversation has ended. Nil while more replies may follow. After the end, `segment` holds the last
    /// output.
    @inline(__always)
    var ending: ConnectionEnding? {
        switch phase {
        case .over(let ending): ending
        case .open: hasInputEnded && isIdle ? .endOfInput : nil
        case .quitting, .refusing: nil
        }
    }

    /// How the conversation ends if the connection closes now. Nil if only the connection knows.
    var endingOfClose: ConnectionEnding? {
        if case .refusing(_, _, let ending) = phase { ending } else { ending }
    }

    /// The number of bytes that may be read now. 0 while the client does not read its replies, or has sent too much in
    /// advance.
    @inline(__always)
    var readableBytes: Int {
        if hasInputEnded || !hasOutputCredit { return 0 }
        if share.isCrowded { return readableBytesWhenCrowded }
        let free = hub.inputCapacity - held.count
        // The bytes of a body are not held, because they are stored in the body at once.
        return incompleteSince != nil && held.isEmpty ? free + parser.awaitedBodyBytes : free
    }

    /// The bytes of input and output that the hub has charged to the client.
    @exclusivity(unchecked) var chargedBytes = 0

    /// The memory of the input that has not run.
    @inline(__always)
    var inputBytes: Int {
        // Only an unfinished request has memory in the parser. After the end of the input, its time does not count.
        held.count + (incompleteSince == nil && !hasInputEnded ? 0 : parser.bufferedBytes)
    }
    /// The time by which the client must send what it owes, and the ending if it does not. Nil if it owes nothing.
    @inline(__always)
    var deadline: (nanoseconds: UInt64, ending: ConnectionEnding)? {
        if case .refusing = phase { return nil }
        if let admission { return isAuthenticating ? nil : (admission.deadline, .denied) }
        // Input that waits for its turn is not late.
        if canRunHeld { return nil }
        return incompleteSince.map { ($0 &+ hub.limits.lineTimeout.wholeNanoseconds, .slowLine) }
    }

    /// Whether held input, or a command that waits for its next slice, can run now.
    @inline(__always)
    var canRunHeld: Bool {
        if stepsLeft <= 0 { return false }
        return job == nil ? !held.isEmpty && !isParserHungry && canRun : canRunPostponed
    }

    /// Whether a new command may begin: no command without a tag is pending, nothing waits for its next slice, and the
    /// client takes its replies.
    @inline(__always)
    var canRun: Bool {
        if case .open = phase {
            !segment.hasParkedUntagged && job == nil && hasOutputCredit
        } else {
            false
        }
    }

    @inline(__always)
    private var hasOutputCredit: Bool { segment.output.count < hub.limits.outputBytes }
    var hasParked: Bool { segment.hasParkedUntagged || !segment.parkedTags.isEmpty }

    /// Whether the conversation goes on, and no input, charge or credit is left to handle at the end of a turn.
    @inline(__always)
    var isAtRest: Bool {
        if case .open = phase {
            held.isEmpty && job == nil && incompleteSince == nil && chargedBytes == 0 && segment.unreportedBytes == 0
                && admission == nil && !hasInputEnded
        } else {
            false
        }
    }

    /// Whether no operation, and no report, of the client is pending. Held input may be left, unlike in `isIdle`.
    var hasNoPendingWork: Bool { !hasParked && job == nil }

    /// Whether the client has no pending operation, and no held command is still to run.
    var isIdle: Bool {
        if case .open = phase { !hasParked && job == nil && (held.isEmpty || isParserHungry) } else { false }
    }

    // MARK: Input

    /// Takes input from the client, and runs the complete commands in it. `input` need not outlive the call.
    ///
    /// - Parameter observer: called between the slices of input longer than one slice.
    func receive(_ input: UnsafeRawBufferPointer, between observer: (any SliceObserver)?) {
        guard case .open = phase else { return }
        if share.isCrowded, mustWait(withInput: input.count) {
            // Runs later: see `ReactorShare.enqueueInput`.
            held.append(contentsOf: input)
            isParserHungry = false
        } else if held.isEmpty, canRun {
            let consumed = runCommands(in: input, observer)
            if consumed < input.count { hold(input, from: consumed) }
        } else {
            held.append(contentsOf: input)
            if canRun, stepsLeft > 0 { runHeld(between: observer) }
        }
        if let admission, case .open = phase, !isAuthenticating, !admission.allows(held.count) {
            refuse(.tooMuchUnproven(hub.limits), because: .denied)
        }
    }

    /// Runs a command that waits for its next slice, and held input.
    func runHeld(between observer: (any SliceObserver)?) {
        if job != nil {
            runPostponed()
            guard !held.isEmpty, !isParserHungry, canRun, stepsLeft > 0 else { return }
        }
        var input: [UInt8] = []
        swap(&input, &held)
        input.withUnsafeBytes { hold($0, from: runCommands(in: $0, observer)) }
    }

    private func hold(_ input: UnsafeRawBufferPointer, from offset: Int) {
        guard case .open = phase, offset < input.count else { return }
        held = [UInt8](input[offset...])
    }

    /// Handles the client's half-close, after all its input was read.
    func endInput() {
        hasInputEnded = true
        incompleteSince = nil
        withdrawWithInput()
    }

    /// Handles the client's half-close while some of its input is still unread. Its remaining commands still run, but
    /// do not park without `eof=wait`.
    func expectEnd() {
        guard case .open = phase else { return }
        withdrawWithInput()
    }

    /// Runs complete commands while they may run, slice by slice.
    ///
    /// - Returns: the number of bytes of `input` that were consumed.
    @inline(__always)
    private func runCommands(in input: UnsafeRawBufferPointer, _ observer: (any SliceObserver)?) -> Int {
        var offset = 0
        let sliceBytes = min(Self.sliceBytes, share.commandBytesOfWaitingTurn)
        var sliceEnd = sliceBytes
        isParserHungry = false
        hasCompleted = false
        share.begin(id, lastVerb)
        defer { share.end() }
        let steps = stepsLeft
        let awaited = incompleteSince == nil ? 0 : parser.awaitedBodyBytes
        while canRun, !isParserHungry, stepsLeft > 0 {
            guard offset < input.count else {
                isParserHungry = true
                break
            }
            if offset > 0,
                share.stepsLeft <= offset / Budget.inputBytesPerStep || offset >= share.commandBytesOfWaitingTurn
            {
                break
            }
            if offset >= sliceEnd {
                observer?.sliceEnds()
                sliceEnd = offset + sliceBytes
            }
            runBatch(of: input, &offset, upTo: sliceEnd)
        }
        let spent = steps - stepsLeft + Budget.stepsOfInput + offset / Budget.inputBytesPerStep
        share.spend(awaited == 0 && offset <= Self.sliceBytes ? spent : spent - excessSteps(of: offset, awaited))
        noteIncomplete(isNew: hasCompleted)
        return offset
    }

    private func noteIncomplete(isNew: Bool) {
        if !isParserHungry || parser.isBetweenRequests {
            incompleteSince = nil
        } else if isNew || incompleteSince == nil || parser.isInsideBody {
            incompleteSince = share.reactor.nowNanoseconds
        }
    }

    /// Restarts the client's time for its unfinished line after a period in which its input was not read.
    func restartDeadline() {
        if incompleteSince != nil { incompleteSince = share.reactor.nowNanoseconds }
    }

    // MARK: Commands

    /// Runs the commands of a batch, up to the end of a slice.
    ///
    /// Parsing happens under the hub's lock as well, because storing parsed commands until they are applied costs more
    /// than the lock.
    private func runBatch(of input: UnsafeRawBufferPointer, _ offset: inout Int, upTo sliceEnd: Int) {
        if admission != nil {
            let start = offset
            let step = parser.next(input, offset: &offset)
            // Input after a successful `AUTH` does not count against the client's limits.
            let isWithinLimit = admission?.count(offset - start) != false
            return isWithinLimit ? perform(step) : refuse(.tooMuchUnproven(hub.limits), because: .denied)
        }
        var end = BatchEnd.usual
        hub.transactOnState(share) { state in
            state.machine.sliceEnd = state.machine.steps + stepsLeft
            end = runUnderLock(&state.machine, input, &offset, upTo: sliceEnd)
            stepsLeft = state.machine.sliceEnd - state.machine.steps
        }
        switch end {
        case .usual: break
        case .needsMore: isParserHungry = true
        case .refused:
            let refusal = share.found.takeRefusal()
            perform(.refused(refusal.tag, refusal.error))
        case .request: perform(.request(share.found.takeRequest()))
        case .postponed: job = .command(share.found.takeRequest())
        }
        if !share.events.isEmpty { hub.reportEvents(of: share) }
    }

    /// What is left to do outside of the lock at the end of a batch. The values are in `ReactorShare.found`.
    private enum BatchEnd {
        case usual, needsMore, refused, request, postponed
    }

    /// Runs commands that need the hub's lock.
    @inline(__always)
    private func runUnderLock(
        _ machine: inout HubStateMachine, _ input: UnsafeRawBufferPointer, _ offset: inout Int, upTo sliceEnd: Int
    ) -> BatchEnd {
        machine.cause = .client(id)
        segment.isRunning = true
        defer { segment.isRunning = false }
        for _ in 1...Self.largestBatch {
            switch share.withFound({ parser.find(input, offset: &offset, into: $0) }) {
            case .needsMore: return .needsMore
            case .refused: return .refused
            case .request:
                let request = share.found.takeRequest()
                guard request.command.runsUnderLock else {
                    share.found.putBack(request)
                    return .request
                }
                guard machine.isReady(for: request.command) else {
                    share.found.putBack(request.owned)
                    return .postponed
                }
                run(request, &machine)
            case .repeatedSend:
                guard runRepeatedSend(&machine) else { return .postponed }
            case .repeatedReceive:
                guard runRepeatedReceive(&machine) else { return .postponed }
            case .repeatedPing:
                let tag = parser.repeatedLine.tag
                if isFree(tag) || mayAnswer(tag.value) { segment.output.appendOK(tag: tag) }
            }
            hasCompleted = true
            // The answer to a command comes before the command's decisions for other operations of the same client.
            if segment.isListed { segment.collect() }
            guard offset < sliceEnd, offset < input.count, canRun, !machine.isAtEndOfSlice else { return .usual }
        }
        return .usual
    }

    private func perform(_ step: RequestParser.Step) {
        switch step {
        case .needsMore: isParserHungry = true
        case .refused(let tag, let error):
            hasCompleted = true
            share.spend(Budget.stepsOfRefusal)
            if admission?.count(nil) == false { return refuse(.tooManyUnproven(hub.limits), tag, because: .denied) }
            refused(error, tag)
        case .request(let request):
            hasCompleted = true
            note(request.command.verb)
            if admission?.count(request.command) == false {
                refuse(.tooManyUnproven(hub.limits), request.tag, because: .denied)
            } else if admission != nil, !request.command.isForStrangers {
                answer(.error(.authenticationRequired), request.tag)
            } else {
                runUnlocked(request)
            }
        }
    }

    private func refused(_ error: WireError, _ tag: Tag?) {
        if error.isFatal { refuse(error, tag, because: .refused) } else { answer(.error(error), tag) }
    }

    // MARK: Replies

    /// Called when parked operations may have ended.
    func repliesArrived() {
        // Nearly always false: the reply to a command without a tag has ended its wait.
        if segment.hasParkedUntagged { decideDelayedAuthentication() }
        if case .open = phase { return }
        finishQuitting()
        finishRefusing()
    }
}
