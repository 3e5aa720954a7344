import SluiceRuntime
import SluiceWire

/// Parking operations, and ending or withdrawing them.
extension HubStateMachine {
    /// Changes the charge for an operation that stays parked.
    func recharge(_ operation: ParkedOperation, by bytes: Int) {
        operation.charge += Int32(clamping: bytes)
        operation.client.charge(bytes)
    }

    /// The conditions under which an operation waits.
    struct WaitTerms {
        let timeout: Duration?
        let waitsAfterEOF: Bool
        /// The bytes of the messages that the operation would keep in memory.
        var bodyBytes = 0
        /// The bytes of memory that the operation's timeout needs.
        var deadlineBytes: Int { timeout == nil ? 0 : ObjectSize.deadline }
        /// Whether the operation has a timeout of zero.
        let triesOnce: Bool

        init(timeout: Duration?, waitsAfterEOF: Bool, bodyBytes: Int = 0) {
            self.timeout = timeout
            self.waitsAfterEOF = waitsAfterEOF
            self.bodyBytes = bodyBytes
            // Stored, because it is read often and comparing durations is a call.
            triesOnce = timeout.map { $0 == .zero } ?? false
        }

        init(_ stored: SendOptions.Stored?, bodyBytes: Int) {
            self.init(
                timeout: stored?.options.timeout, waitsAfterEOF: stored?.options.waitsAfterEOF ?? false,
                bodyBytes: bodyBytes)
        }

        init(_ options: ReceiveOptions?) {
            self.init(timeout: options?.timeout, waitsAfterEOF: options?.waitsAfterEOF ?? false)
        }
    }

    /// Returns the reply to an operation that found no match and must not park, or nil if it may.
    ///
    /// - Parameters:
    ///   - bytes: the memory that the operation and its offers would use.
    ///   - channel: the channel of a send.
    func refusalToPark(
        _ terms: WaitTerms, _ client: ClientRecord, charging bytes: Int, sendingOn channel: NamedChannel? = nil
    ) -> Reply? {
        if terms.triesOnce { return timeoutReply(to: client, sendingOn: channel) }
        if isWithdrawnByEOF(terms, client) { return Withdrawal.endOfInput.reply }
        return refusalToWait(terms.bodyBytes, client, charging: bytes).map { .error($0) }
    }

    /// Returns the reply to an operation whose time is over, and that did not happen.
    ///
    /// - Parameter channel: the channel of a send; nil for other operations, and for selects.
    func timeoutReply(to client: ClientRecord, sendingOn channel: NamedChannel?) -> Reply {
        guard client.understandsReceivers, let channel, !channel.hasReceivers else { return .timeout }
        return .timeoutWithoutReceivers
    }

    /// Returns the error for a connection that must not wait with messages of `bodyBytes` bytes, or nil if it may.
    ///
    /// - Parameter bytes: the memory that the operation and its offers would use.
    @inline(__always)
    func refusalToWait(_ bodyBytes: Int, _ client: ClientRecord, charging bytes: Int) -> WireError? {
        if bodyBytes > limits.parkedBytes - client.parkedBytes {
            return WireError(
                .limit, "a connection may wait to send at most \(limits.parkedBytes) bytes of messages")
        }
        return account.refusal(of: bytes, for: client)
    }

    /// Whether an operation that has to wait is withdrawn at once, because its client has half-closed.
    func isWithdrawnByEOF(_ terms: WaitTerms, _ client: ClientRecord) -> Bool {
        !terms.waitsAfterEOF && (client.hasInputEnded || !client.isConnected)
    }

    /// Records a parked operation. Its queues already know it as `operations.nextKey`.
    ///
    /// - Parameters:
    ///   - bytes: the memory that the operation uses, without its offers.
    ///   - setsDeadline: whether the operation's timeout starts now.
    @inline(__always)
    mutating func park(
        _ wait: OperationWait, _ caller: Caller, of client: ClientRecord, _ terms: WaitTerms, charging bytes: Int,
        setsDeadline: Bool = true
    ) -> OperationID {
        let id = operations.nextKey
        let triesOnce = terms.triesOnce
        let timeout = setsDeadline && !triesOnce ? terms.timeout : nil
        let deadline = timeout.map {
            deadlines.insert(.operation(id), at: now &+ $0.wholeNanoseconds)
        }
        let next = client.add(id, terms.bodyBytes, wait.possibleLeases)
        let bodyBytes = Int32(clamping: terms.bodyBytes)
        let operation: ParkedOperation
        if let spare = spareOperations.popLast() {
            operation = spare
            operation.reuse(
                caller, client, wait, since: now, triesOnce: triesOnce, waitsAfterEOF: terms.waitsAfterEOF,
                bodyBytes: bodyBytes)
        } else {
            operation = ParkedOperation(
                caller, client, wait, since: now, triesOnce: triesOnce, waitsAfterEOF: terms.waitsAfterEOF,
                bodyBytes: bodyBytes)
        }
        operation.deadline = deadline
        let bytes = bytes &+ terms.deadlineBytes
        operation.charge = Int32(truncatingIfNeeded: bytes)
        client.charge(bytes)
        operation.next = next
        operationOrder.note(operation, id)
        operations.insert(consume operation)
        if let next { operations[next]?.previous = id }
        parkedEbb.rise(to: operations.count)
        return id
    }

    /// Ends a parked operation that has completed, with a reply.
    ///
    /// - Parameter arm: the arm of a select that was taken.
    mutating func end(_ id: OperationID, _ reply: Reply?, arm: Int32? = nil) {
        guard let operation = operations[id] else { return }
        steps += 1
        let isAnswered = isAnswered(operation)
        retire(operation, id, arm: arm)
        if let reply, !isAnswered { outbox.finish(operation, id, arm == nil ? reply : reply.naming(arm: arm)) }
    }

    /// Ends a parked operation that has completed, with `OK`.
    ///
    /// - Parameter arm: the arm of a select that was taken.
    mutating func end(_ id: OperationID, ok attributes: CommonAttributes, arm: Int32?) {
        guard let operation = operations[id] else { return }
        steps += 1
        let isAnswered = isAnswered(operation)
        retire(operation, id, arm: arm)
        if !isAnswered { outbox.finish(operation, id, ok: attributes.understood(by: operation.client)) }
    }

    /// Whether an operation gets no reply any more, because its client is gone, or because it is a select that was
    /// withdrawn and answered, and whose arms have not left their queues yet.
    func isAnswered(_ operation: ParkedOperation) -> Bool {
        guard hasUntold else { return false }
        return operation.client.departure == .gone || operation.wait.isWithdrawnSelect
    }

    /// Removes a parked operation from all queues and lists.
    ///
    /// - Parameter arm: the arm of a select that was taken.
    /// - Returns: the operation, as the slab held it.
    @discardableResult
    mutating func retire(_ operation: ParkedOperation, _ id: OperationID, arm: Int32?) -> ParkedOperation? {
        let removed = operations.remove(id)
        operationOrder.forget(operation, id)
        totals.waits.count(now &- operation.since)
        if parkedEbb.falls(to: operations.count) { hasEbbed = true }
        if let next = operation.next { operations[next]?.previous = operation.previous }
        if let previous = operation.previous { operations[previous]?.next = operation.next }
        operation.client.remove(operation)
        operation.client.charge(-Int(operation.charge))
        if let deadline = operation.deadline { deadlines.remove(deadline) }
        if case .trace = operation.wait { endTrace(id, of: operation.client) }
        dequeue(operation.wait, id, of: operation.caller.connection)
        if case .select(let select) = operation.wait, let key = select.key, let arm {
            operation.client.fairness.remember(arm, of: key)
        }
        return removed
    }

    /// Keeps the object of a plain receive that has ended, for reuse: allocating one for each handoff took a thirtieth
    /// of the handoff's instructions. The objects of other operations hold messages, so they are released.
    mutating func recycle(_ operation: consuming ParkedOperation) {
        if spareOperations.count < Self.maxSpareOperations { spareOperations.append(operation) }
    }

    private static let maxSpareOperations = 64

    /// Ends a parked operation that has not completed.
    ///
    /// - Parameter reason: the reason that the client gets. Nil sends no reply.
    mutating func withdraw(_ id: OperationID, _ reason: Withdrawal?) {
        guard let operation = operations[id] else { return }
        if reason != nil, endIfDecided(id) { return }
        end(id, reason.map { isInDoubt(operation.wait) ? $0.doubt : reply(to: operation, withdrawnBecause: $0) })
    }

    private func reply(to operation: ParkedOperation, withdrawnBecause reason: Withdrawal) -> Reply {
        guard case .timeout = reason, case .send(let channel, _, arm: nil) = operation.wait else { return reason.reply }
        return timeoutReply(to: operation.client, sendingOn: channel)
    }

    /// Withdraws operations of one client. All of them are answered at once. If these are selects with many arms, the
    /// arms leave their queues in slices.
    mutating func withdraw(_ ids: [OperationID], _ reason: Withdrawal?) {
        var selects: [OperationID] = []
        // Looking for a decision visits all arms of a select, so it is avoided if there is none.
        let (hadDecisions, decisions) = (hasDecisions, unfinishedDecisions)
        // A withdrawal may unblock a select that has been withdrawn before it.
        worksInProgress += 1
        defer { worksInProgress -= 1 }
        for id in ids {
            if hasStepsLeft, operations[id].map({ exceedsSlice($0) }) != true {
                withdraw(id, reason)
            } else if let operation = operations[id], case .select(let select) = operation.wait {
                // A select that was withdrawn before leaves its queues in slices as well.
                let mayBeDecided = hadDecisions || unfinishedDecisions != decisions
                if select.isWithdrawn || mayBeDecided && endIfDecided(id) { continue }
                if let reason { outbox.finish(operation, id, isInDoubt(operation.wait) ? reason.doubt : reason.reply) }
                select.isWithdrawn = true
                steps += 1
                selects.append(id)
            } else {
                withdraw(id, reason)
            }
        }
        if !selects.isEmpty { postpone(WithdrawnSelects(selects)) }
    }

    /// Whether an operation is a select that has more arms than the slice has steps for them.
    func exceedsSlice(_ operation: ParkedOperation) -> Bool {
        guard case .select(let select) = operation.wait else { return false }
        return select.stepsOfArms > sliceEnd &- steps
    }

    /// Whether a receiver may still get the message of a send that is withdrawn now.
    func isInDoubt(_ wait: OperationWait) -> Bool {
        switch wait {
        case .send(let channel, let offer, _): isInDoubt(offer, on: channel)
        case .select(let select):
            // A select whose own message is with a receiver has committed to it, and is not a select any more.
            select.sharesOffers
                && select.arms.contains {
                    if case .send(let channel, let offer) = $0 { isInDoubt(offer, on: channel) } else { false }
                }
        // Some messages may have been sent back.
        case .redrive: true
        case .receive, .countedReceive, .barrier, .trace: false
        }
    }

    func isInDoubt(_ offer: Offer, on channel: NamedChannel) -> Bool {
        // Another sender of the same message still waits, unless all are being withdrawn.
        if offer.hasAttached, stage == .serving { return true }
        // The channel has answered for the message, which stays in the channel.
        if offer.isKept { return true }
        switch offer.place {
        case .leased: return true
        case .distributing: return offer.attempts > 0 || isBeingDelivered(offer, on: channel)
        case .queued, .buffered, .returned, .delayed, .held, .gone: return false
        }
    }

    // MARK: Dequeuing

    /// Removes an operation from all queues that it is still in.
    private mutating func dequeue(_ wait: OperationWait, _ id: OperationID, of client: ConnectionID) {
        switch wait {
        case .send(let channel, let offer, _): detach(id, from: offer, on: channel)
        case .receive(let channel, let ticket, let lease): dequeueReceiver(ticket, of: channel, isLeased: lease > 0)
        case .countedReceive(let counted): dequeue(counted, id, of: client)
        case .barrier(let barrier, let ticket): dequeueParty(ticket, of: barrier)
        case .trace, .redrive: break
        case .select(let select):
            steps += select.stepsOfArms
            for arm in select.arms { dequeue(arm, id) }
        }
    }

    /// Removes an arm of a select from its queue.
    mutating func dequeue(_ arm: ParkedArm, _ id: OperationID) {
        switch arm {
        case .send(let channel, let offer): detach(id, from: offer, on: channel)
        case .receive(let channel, let ticket, let lease): dequeueReceiver(ticket, of: channel, isLeased: lease > 0)
        case .barrier(let barrier, let ticket): dequeueParty(ticket, of: barrier)
        }
    }

    private mutating func dequeueReceiver(_ ticket: WaitTicket, of channel: NamedChannel, isLeased: Bool) {
        if isLeased { channel.leasedReceivers -= 1 }
        if ticket == .ofNoQueue {
            channel.armsSetAside -= 1
        } else {
            _ = channel.engine.withdrawReceiver(ticket)
        }
        channels.removeIfIdle(channel, at: now)
    }

    private mutating func dequeue(_ counted: CountedReceive, _ id: OperationID, of client: ConnectionID) {
        if let ticket = counted.ticket {
            _ = counted.channel.engine.withdrawReceiver(ticket)
            counted.ticket = nil
        }
        if let place = counted.place.take() {
            _ = counted.channel.countedReceives.remove(place)
            if counted.leaseNanoseconds > 0 { counted.channel.leasedReceivers -= 1 }
        }
        counted.channel.extras?.noteResumed(id, of: client)
        removeRecipient(.countedReceive(id), fromRoundOf: counted.channel)
        channels.removeIfIdle(counted.channel, at: now)
    }

    private mutating func dequeueParty(_ ticket: WaitTicket, of barrier: Barrier) {
        barrier.remove(ticket)
        if barrier.isEmpty, barriers[barrier.name] === barrier { barriers[barrier.name] = nil }
    }

    /// Detaches an operation from an offer. The offer is withdrawn if no other operation waits for it.
    mutating func detach(_ id: OperationID, from offer: Offer, on channel: NamedChannel) {
        offer.detach(id)
        withdrawIfUnwanted(offer, on: channel)
    }

    /// Withdraws an offer that no sender and no channel needs any more.
    mutating func withdrawIfUnwanted(_ offer: Offer, on channel: NamedChannel) {
        if offer.isWanted { return }
        switch offer.place {
        // The receiver may still acknowledge the message, and a repeated send would then be answered.
        case .leased, .gone: channels.removeIfIdle(channel, at: now)
        case .distributing: withdrawRoundIfUnwanted(of: channel)
        case .queued, .buffered, .returned, .delayed, .held:
            dequeue(offer, from: channel)
            resume(channel)
        }
    }

    /// Continues a channel after a withdrawal that may unblock later operations.
    mutating func resume(_ channel: NamedChannel) {
        if channel.isBroadcast { runRounds(of: channel) } else { settleEnding(of: channel) }
    }

    /// Returns whether the channel continues later, after a whole group of withdrawals, and notes it for that.
    mutating func deferSettling(of channel: NamedChannel) -> Bool {
        if deferredChannels == nil { return false }
        deferredChannels?.append(channel)
        return true
    }

    /// Removes an undelivered offer from the channel.
    mutating func dequeue(_ offer: Offer, from channel: NamedChannel) {
        switch offer.place {
        case .queued(.ofNoQueue): channel.armsSetAside -= 1
        case .queued(let ticket): _ = channel.engine.withdrawSender(ticket)
        case .buffered(let ticket):
            _ = channel.engine.withdrawBuffered(ticket)
            moveIntoBuffer(channel.engine.admit(), of: channel)
        case .returned(let handle): channel.extras?.returned.remove(handle)
        case .delayed: endDelay(of: offer, on: channel)
        case .held: endHold(of: offer, on: channel)
        case .leased, .distributing, .gone: break
        }
        discard(offer, on: channel)
    }

    /// Discards an undelivered offer that is in no queue any more.
    mutating func discard(_ offer: Offer, on channel: NamedChannel) {
        // The system takes about 75 microseconds to free a megabyte.
        steps += offer.body.count >> 13
        freeSpace(of: offer, on: channel)
        if let key = offer.key { memory.forget(key, offer) }
    }
}
