import SluiceRuntime
import SluiceWire

/// The end of a conversation, and of its client's input.
extension Conversation {
    // MARK: QUIT

    func quit(_ tag: Tag?) {
        if isInUse(tag) { return emit(.error(.tagInUse), tag) }
        phase = .quitting(tag)
        finishQuitting()
    }

    func finishQuitting() {
        guard case .quitting(let tag) = phase, !hasParked else { return }
        emit(.ok(Attributes()), tag)
        finish(.quit)
    }

    // MARK: Errors

    /// Ends the conversation with an error, as the last reply.
    func refuse(_ error: WireError, _ tag: Tag? = nil, because ending: ConnectionEnding) {
        switch phase {
        case .refusing, .over: return
        case .open, .quitting: phase = .refusing(error, tag, ending)
        }
        discardInput()
        if isAuthenticating {
            share.delayedAuthentications[id] = nil
            segment.hasParkedUntagged = false
        }
        // At once, and not when the connection closes: no operation may match a client that cannot be answered.
        transactCountingSteps { [id] in $0.withdrawAll(of: id) }
        finishRefusing()
    }

    /// Ends the conversation if all pending commands are answered.
    func finishRefusing() {
        guard case .refusing(let error, let tag, let ending) = phase, !hasParked else { return }
        segment.output.append(.error(error), tag: tag)
        finish(ending)
    }

    // MARK: The end of the input

    /// Withdraws the pending commands that do not outlast the client's input. Many of them are withdrawn in later turns.
    func withdrawWithInput() {
        if case .refusing = phase { return }
        if case .withdrawal? = job { return }
        let mostAtOnce = share.isCrowded ? Budget.fewPending : Budget.withdrawnAtOnce
        guard segment.parkedTags.count <= mostAtOnce, !share.isOverspent else { return job = .withdrawal(then: job) }
        var isDone = true
        transactCountingSteps { [id] in isDone = $0.endInput(of: id, atMost: Budget.withdrawnAtOnce) }
        if !isDone { job = .withdrawal(then: job) }
    }

    /// Withdraws as many pending commands as the turn permits, and the others in later turns.
    ///
    /// - Parameter next: the job that waits for the withdrawal.
    func withdraw(then next: PendingJob?) {
        var isDone = true
        let most = min(share.stepsOfWaitingTurn, Budget.withdrawnInTurn)
        transactCountingSteps { [id] in isDone = $0.endInput(of: id, atMost: most) }
        guard isDone else { return }
        job = next
        if case .report = next { share.enqueue(self) }
    }

    // MARK: The end of the conversation

    /// Ends the conversation because the hub has drained.
    func endDrained() { finish(.drained) }

    private func finish(_ ending: ConnectionEnding) {
        phase = .over(ending)
        segment.isClosed = true
        discardInput()
        // At once, and not when the client closes its side: another client may get the messages that this one holds.
        hub.transact(share) { [id] in $0.conclude(id, isOrderly: ending.isOrderly) }
    }

    private func discardInput() {
        held = []
        job = nil
        incompleteSince = nil
    }
}
