import DequeModule
import SluiceRuntime
import SluiceWire

/// The rest of a decision's work: telling many operations that they have ended. It is done in slices, between which the
/// hub serves other clients.
///
/// A decision takes effect at once: a channel has ended for all later commands, a barrier is open. An operation that
/// has not been told yet is still parked. If something else happens to it first, such as its timeout, it is told then;
/// see `HubStateMachine.endIfDecided`.
protocol UnfinishedWork: AnyObject {
    /// Continues as long as the machine has steps left.
    ///
    /// - Returns: whether the work is done.
    func advance(_ machine: inout HubStateMachine) -> Bool

    /// Whether the work may end operations that are not marked as ended. `WithdrawnSelects` does not: its selects are
    /// marked with `isWithdrawn`.
    var tellsDecisions: Bool { get }
}

extension UnfinishedWork {
    var tellsDecisions: Bool { true }
}

extension HubStateMachine {
    /// Whether the steps of the current slice have been used up. Between commands, which look at the clock themselves.
    var isAtEndOfSlice: Bool { steps >= sliceEnd }

    /// Whether the current slice has steps left, and time.
    var hasStepsLeft: Bool {
        @inline(__always) mutating get { steps < stepsToCheck || hasTimeLeft() }
    }

    /// Looks at the clock, and ends the slice if its time is over. Work may take longer than its steps say, because the
    /// processor's cache does not hold what it needs.
    @inline(never)
    private mutating func hasTimeLeft() -> Bool {
        if steps >= sliceEnd { return false }
        stepsAtNextLook = steps + Self.stepsBetweenLooks
        guard let clock, clock.nowNanoseconds &- now > Self.timeOfSlice else { return true }
        isSliceOver = true
        sliceEnd = steps
        return false
    }

    private static let stepsBetweenLooks = 64
    /// In nanoseconds.
    private static let timeOfSlice: UInt64 = 500_000

    /// Whether a decision may have ended operations that have not been told yet.
    var hasUntold: Bool { worksInProgress > 0 || !unfinished.isEmpty }

    /// Whether a decision that is not noted in the operations themselves may have ended some of them.
    var hasDecisions: Bool { worksInProgress > 0 || unfinishedDecisions > 0 }

    /// Does as much of the work as the current slice permits, and leaves the rest for later ones.
    mutating func perform(_ work: some UnfinishedWork) {
        if !advance(work) { postpone(work) }
    }

    /// Postpones work to a later slice. It belongs to the client whose command or end has caused it.
    mutating func postpone(_ work: some UnfinishedWork) {
        switch cause {
        case .client(let connection): postpone(work, for: clients[connection])
        case .holder(let holder): append(work, of: holder)
        case .none: append(work, of: nil)
        }
    }

    /// Postpones work of a client to a later slice.
    mutating func postpone(_ work: some UnfinishedWork, for client: ClientRecord?) {
        append(work, of: client.map { $0.holder.id })
    }

    private mutating func append(_ work: some UnfinishedWork, of holder: HolderID?) {
        unfinished.append(work, of: holder)
        if work.tellsDecisions { unfinishedDecisions += 1 }
    }

    /// Continues unfinished work for a slice. Holders take turns, and so do the pieces of work of each. If many holders have
    /// some, each has a shorter turn, so that the others have theirs soon.
    mutating func continueUnfinished() {
        let end = sliceEnd
        let share = max(Self.leastStepsOfWork, (end &- steps) / max(1, unfinished.holderCount))
        while hasStepsLeft, let (work, holder) = unfinished.popFirst() {
            if work.tellsDecisions { unfinishedDecisions -= 1 }
            cause = .holder(holder)
            sliceEnd = min(end, steps + share)
            if !advance(work) { append(work, of: holder) }
            // Nothing is left if the time of the slice is over.
            sliceEnd = isSliceOver ? steps : end
        }
    }

    private static let leastStepsOfWork = 4

    /// Continues a piece of work that is not in the queue meanwhile.
    private mutating func advance(_ work: some UnfinishedWork) -> Bool {
        worksInProgress += 1
        defer { worksInProgress -= 1 }
        return work.advance(&self)
    }

    // MARK: Operations that are not told yet

    /// How an operation has ended, and the arm of a select that was taken or has ended it.
    private typealias Decision = (verdict: OfferVerdict, arm: Int32?)

    mutating func end(_ id: OperationID, _ verdict: OfferVerdict, arm: Int32?) {
        switch verdict.end {
        case .taken(let attributes): end(id, ok: attributes.taking(arm), arm: arm)
        case .answered(let answer, let attributes): end(id, answer: answer, attributes)
        case .refused(let reply): end(id, reply, arm: reply.namesFailedArm ? arm : nil)
        }
    }

    /// Ends a parked operation, with its reply, if a decision about it has been made. Must be called before anything
    /// else happens to the operation.
    ///
    /// - Returns: whether the operation has ended.
    mutating func endIfDecided(_ id: OperationID) -> Bool {
        guard hasUntold, let operation = operations[id] else { return false }
        if case .select(let select) = operation.wait, select.isWithdrawn {
            end(id, nil)
            return true
        }
        if operation.client.departure != .gone, let decision = decision(on: operation.wait) {
            end(id, decision.verdict, arm: decision.arm)
            return true
        }
        return endIfDeparted(operation, id)
    }

    /// Ends the operation of a receiver that waits in a queue, if a decision has ended it. Such an operation is a select,
    /// or its client departs: operations of other kinds are in no queue once another decision has ended them.
    mutating func endIfDecided(_ receiver: WireReceiver) -> Bool {
        (receiver.arm != nil || departures > 0) && endIfDecided(receiver.operation)
    }

    /// Ends the first of an offer's senders, if a decision has ended it.
    ///
    /// - Returns: whether it has ended. Another sender may have taken its place.
    mutating func endFirstSenderIfDecided(of offer: Offer) -> Bool {
        guard let sender = offer.sender, sender.arm != nil || departures > 0 else { return false }
        return endIfDecided(sender.operation)
    }

    /// Ends the senders of an offer that decisions have ended, up to one that still waits.
    ///
    /// - Returns: whether such senders were the last that needed the offer.
    mutating func endIfUnwanted(_ offer: Offer) -> Bool {
        var hasEnded = false
        while endFirstSenderIfDecided(of: offer) { hasEnded = true }
        return hasEnded && !offer.isWanted
    }

    func isDecided(_ operation: ParkedOperation) -> Bool {
        operation.client.departure != nil || decision(on: operation.wait) != nil
    }

    private func decision(on wait: OperationWait) -> Decision? {
        switch wait {
        case .send(let channel, let offer, let arm): return decision(on: offer, channel, arm)
        case .receive(let channel, _, _): return decision(onReceiverOf: channel)
        case .countedReceive(let counted): return decision(onReceiverOf: counted.channel)
        case .barrier(let barrier, let ticket): return barrier.isReleased(ticket) ? (.opened, nil) : nil
        case .trace, .redrive: return nil
        case .select(let select):
            // A message that was taken and a barrier that has opened count even if a channel has ended since then.
            return decision(on: select) { decision(on: $0, $1) } ?? decision(on: select) { end(of: $0, $1) }
        }
    }

    private func decision(on select: ParkedSelect, _ decide: (ParkedArm, Int32) -> Decision?) -> Decision? {
        for (number, arm) in select.arms.enumerated() {
            if let decision = decide(arm, Int32(number)) { return decision }
        }
        return nil
    }

    private func decision(on arm: ParkedArm, _ number: Int32) -> Decision? {
        switch arm {
        case .send(_, let offer): offer.verdict.map { ($0, number) }
        case .receive: nil
        case .barrier(let barrier, let ticket): barrier.isReleased(ticket) ? (.opened, number) : nil
        }
    }

    private func end(of arm: ParkedArm, _ number: Int32) -> Decision? {
        switch arm {
        case .send(let channel, let offer): decision(on: offer, channel, number)
        case .receive(let channel, _, _): decision(onReceiverOf: channel).map { ($0.verdict, number) }
        case .barrier: nil
        }
    }

    private func decision(onReceiverOf channel: NamedChannel) -> Decision? {
        channel.unfinishedReceiverEnds > 0 ? (OfferVerdict(channel.endingReply), nil) : nil
    }

    private func decision(
        on offer: Offer, _ channel: NamedChannel, _ arm: Int32?
    ) -> Decision? {
        if let verdict = offer.verdict { return (verdict, arm) }
        guard channel.unfinishedSenderEnds > 0 else { return nil }
        switch offer.place {
        case .queued, .buffered, .returned, .delayed, .held: return (OfferVerdict(channel.endingReply), arm)
        case .leased, .distributing, .gone: return nil
        }
    }

    // MARK: Senders

    /// Answers all senders of an offer.
    mutating func endSenders(of offer: Offer, _ verdict: OfferVerdict) {
        while let sender = offer.sender {
            guard hasStepsLeft else {
                offer.verdict = verdict
                return postpone(EndedSenders(offer))
            }
            // Ending the operation removes the sender from the offer.
            end(sender.operation, verdict, arm: sender.arm)
        }
    }
}

/// The client or holder on whose behalf the state machine works. `FairQueue` needs it for work that is postponed.
enum Cause {
    /// A command of the client runs, or the client's input or connection ends.
    case client(ConnectionID)
    /// Unfinished work of the holder continues. Nil for work that belongs to no client.
    case holder(HolderID?)
    /// No client is known, for example because a deadline has passed.
    case none
}

/// How operations that have not been told yet have ended.
final class OfferVerdict: Sendable {
    enum End: Sendable {
        case taken(CommonAttributes)
        /// A receiver has taken and answered the message of a call.
        case answered(MessageBytes, CommonAttributes)
        case refused(Reply)
    }

    let end: End

    /// All parties of a barrier have arrived.
    static let opened = OfferVerdict(taken: CommonAttributes())

    init(taken attributes: CommonAttributes) {
        end = .taken(attributes)
    }

    init(answer: MessageBytes, _ attributes: CommonAttributes) {
        end = .answered(answer, attributes)
    }

    init(_ reply: Reply) {
        end = .refused(reply)
    }
}

/// Answers the remaining senders of an offer.
final class EndedSenders: UnfinishedWork {
    private let offer: Offer

    init(_ offer: Offer) {
        self.offer = offer
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while let sender = offer.sender {
            guard machine.hasStepsLeft, let verdict = offer.verdict else { return false }
            machine.end(sender.operation, verdict, arm: sender.arm)
        }
        offer.verdict = nil
        return true
    }
}

/// Tells the parties of a barrier that it is open.
final class OpenedBarrier: UnfinishedWork {
    private let barrier: Barrier

    init(_ barrier: Barrier) {
        self.barrier = barrier
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while let party = barrier.firstReleased {
            guard machine.hasStepsLeft else { return false }
            // Ending the operation removes the party from the barrier.
            machine.end(party.operation, ok: .taking(party.arm), arm: party.arm)
        }
        return true
    }
}

/// Sends the value of a once channel to the receivers that have waited for it.
final class Publication: UnfinishedWork {
    private let channel: NamedChannel
    private let body: Body
    private let extras: OfferExtras?
    private let origin: ConnectionID
    private var receivers: WaitQueue<WireReceiver>

    init(
        _ body: Body, _ extras: OfferExtras?, of channel: NamedChannel, from origin: ConnectionID,
        to receivers: consuming WaitQueue<WireReceiver>
    ) {
        self.channel = channel
        self.body = body
        self.extras = extras
        self.origin = origin
        self.receivers = receivers
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while machine.hasStepsLeft, let receiver = receivers.popFirst() {
            machine.steps += 1
            machine.deliver(.shared(body), extras, of: channel, from: origin, to: receiver)
        }
        return receivers.isEmpty
    }
}

/// Removes the arms of selects that were withdrawn and answered from their queues.
final class WithdrawnSelects: UnfinishedWork {
    private let selects: [OperationID]
    private var next = 0
    var tellsDecisions: Bool { false }

    init(_ selects: [OperationID]) {
        self.selects = selects
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while next < selects.count {
            guard machine.hasStepsLeft else { return false }
            next += 1
            machine.end(selects[next - 1], nil)
        }
        return true
    }
}

/// Forgets ids and names of ended channels beyond limits that have become smaller.
final class Pruning: UnfinishedWork {
    func advance(_ machine: inout HubStateMachine) -> Bool {
        while machine.hasStepsLeft {
            let pruned =
                machine.memory.prune(at: machine.now, atMost: 16) + machine.channels.prune(at: machine.now, atMost: 16)
            if pruned == 0 { return true }
            machine.steps += pruned
        }
        return false
    }
}
