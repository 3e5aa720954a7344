import SluiceRuntime
import SluiceWire

/// The commands that run under the hub's lock.
extension Conversation {
    func run(_ request: Request, _ machine: inout HubStateMachine) {
        hintedLine = 0
        let tag = request.tag
        note(request.command.verb)
        switch request.command {
        case .ping(let body): answer(.pong(body), tag)
        case .poison(let name, let reason):
            guard mayAnswer(tag) else { return }
            let outcome = machine.apply(request.command, by: Caller(connection: id, tag: tag))
            conclude(outcome, tag)
            if case .done(.error) = outcome { return }
            note(.poisoned(channel: name.description, reason: reason))
        case .cancel(let target):
            if isInUse(tag) { return emit(.error(.tagInUse), tag) }
            if let id = segment.parkedTags[target] { machine.cancel(id) }
            emit(.ok(Attributes()), tag)
        case let command:
            guard command.mayPark ? mayBegin(tag) : mayAnswer(tag) else { return }
            conclude(machine.apply(command, by: Caller(connection: id, tag: tag)), tag)
        }
    }

    /// - Returns: false if the command must wait for its next slice. Then it is in `ReactorShare.found`.
    @inline(__always)
    func runRepeatedSend(_ machine: inout HubStateMachine) -> Bool {
        note(.send)
        let repeated = parser.repeatedLine
        if machine.hint != nil, hintedLine == repeated.serial, isFree(repeated.tag),
            machine.forwardByHint(.borrowed(repeated.text))
        {
            segment.output.appendOK(tag: repeated.tag)
            return true
        }
        let caller = Caller(connection: id, tag: repeated.tag.value)
        guard mayBegin(caller.tag), let command = parser.takeRepeatedSend() else { return true }
        guard machine.isReady(forUseOf: command.channel) else {
            share.found.putBack(Request(tag: caller.tag, command: .send(command)).owned)
            parser.putBack(command)
            return false
        }
        conclude(machine.apply(command, by: caller), caller.tag)
        parser.putBack(command)
        hintedLine = repeated.serial
        return true
    }

    /// - Returns: false if the command must wait for its next slice. Then it is in `ReactorShare.found`.
    @inline(__always)
    func runRepeatedReceive(_ machine: inout HubStateMachine) -> Bool {
        hintedLine = 0
        note(.receive)
        let caller = Caller(connection: id, tag: parser.repeatedLine.tag.value)
        guard mayBegin(caller.tag), let command = parser.takeRepeatedReceive() else { return true }
        guard machine.isReady(forUseOf: command.channel) else {
            share.found.putBack(Request(tag: caller.tag, command: .receive(command)))
            parser.putBack(command)
            return false
        }
        conclude(machine.apply(command, by: caller), caller.tag)
        parser.putBack(command)
        return true
    }

    // MARK: Commands that wait for their next slice

    /// Whether work waits for its next slice, which it may have now.
    var canRunPostponed: Bool {
        switch job {
        case .command: ending == nil
        case .withdrawal: true
        case .report, nil: false
        }
    }

    /// Continues the pending withdrawal, or runs the pending command unless it has to wait for another slice.
    func runPostponed() {
        if case .withdrawal(let next) = job { return withdraw(then: next) }
        guard canRunPostponed, case .command(let request) = job else { return }
        hub.transactOnState(share) { state in
            state.machine.sliceEnd = state.machine.steps + stepsLeft
            defer {
                let before = stepsLeft
                stepsLeft = state.machine.sliceEnd - state.machine.steps
                share.spend(before - stepsLeft)
            }
            state.machine.cause = .client(id)
            guard state.machine.isReady(for: request.command) else { return }
            job = nil
            segment.isRunning = true
            run(request, &state.machine)
            if segment.isListed { segment.collect() }
            segment.isRunning = false
        }
        if !share.events.isEmpty { hub.reportEvents(of: share) }
    }
}
