import SluiceRuntime
import SluiceWire

/// The counted receive that took the last message. While it is set, the next message from the same client to the same
/// channel goes there directly: the receive is the only receiver, has no end, and takes messages without a lease. This
/// saves two thirds of the instructions for a stream of short messages.
///
/// The hint decides nothing. It is set after `offer` has decided, and is cleared by every other command and at the end
/// of the transaction.
struct SendHint {
    let countedReceive: CountedReceive
    let id: OperationID
    let operation: ParkedOperation
}

/// Sends, until they are done or parked.
extension HubStateMachine {
    /// The result of offering a message.
    enum Attempt {
        /// The send is done.
        case ok(CommonAttributes)
        /// The send is refused, or a select has received.
        case done(Reply)
        /// A receiver or the channel has the message, and the sender waits for the offer's end.
        case committed(Offer)
        /// An earlier send of the same message is still pending.
        case repeated(Offer)
        /// No receiver and no buffer took the message.
        case blocked
    }

    mutating func send(_ command: SendCommand, _ caller: Caller) -> Outcome {
        if hint != nil { hint = nil }
        let stored = command.stored
        let terms = WaitTerms(stored, bodyBytes: command.body.count)
        let client = client(of: caller)
        // Nearly always nil, so that this is one comparison.
        if let permissions = client.grant.permissions, let refusal = permissions.refusal(of: command) {
            return .done(.error(refusal))
        }
        if let epoch = stored?.options.identity?.epoch, epoch != self.epoch, !earlierEpochs.contains(epoch) {
            return .done(.maybe("epoch"))
        }
        let channel = self.channel(command.channel, .send, client)
        let draft = Draft(
            body: command.body, origin: caller.connection, waitsUntilTaken: stored?.waitsUntilTaken ?? false,
            wantsAnswer: stored?.options.wantsAnswer ?? false, triesOnce: terms.triesOnce,
            minimumReceivers: stored?.options.minimumReceivers ?? 0,
            key: stored?.options.identity.map { SendKey(channel: command.channel, id: $0.id, of: client.principal) },
            extras: .with(stored?.options.trace))
        if let delay = stored?.options.delay, delay > .zero {
            defer { channels.removeIfIdle(channel, at: now) }
            return sendLater(draft, after: delay, on: channel, caller, of: client, terms)
        }
        switch offer(draft, of: client, on: channel) {
        case .ok(let attributes):
            // The message may have continued operations on other channels.
            if let hint, hint.countedReceive.channel !== channel { self.hint = nil }
            channels.removeIfIdle(channel, at: now)
            return .ok(attributes.understood(by: client))
        case .done(let reply):
            channels.removeIfIdle(channel, at: now)
            return .done(reply)
        case .committed(let offer): return wait(for: offer, on: channel, arm: nil, caller, of: client, terms)
        case .repeated(let offer): return attach(to: offer, on: channel, arm: nil, caller, of: client, terms)
        case .blocked:
            let bytes = ObjectSize.send + ObjectSize.offer(draft)
            if let reply = refusalToPark(terms, client, charging: bytes, sendingOn: channel) {
                channels.removeIfIdle(channel, at: now)
                return .done(reply)
            }
            let offer = queue(draft, on: channel, of: operations.nextKey)
            return .parked(
                park(.send(channel, offer, arm: nil), caller, of: client, terms, charging: ObjectSize.send))
        }
    }

    /// Offers a message to the receivers that wait on the channel, and otherwise to the channel's buffer.
    mutating func offer(_ draft: Draft, of client: ClientRecord, on channel: NamedChannel) -> Attempt {
        if draft.key != nil, let repetition = repetition(of: draft, on: channel) { return repetition }
        if let refusal = refusalToHandOut(draft, of: client, on: channel) { return .done(.error(refusal)) }
        if let key = draft.key, let refusal = refusalToRemember(key, draft.origin) { return .done(.error(refusal)) }
        if channel.isBroadcast { return broadcast(draft, on: channel) }
        if isKeptForNothing(draft, on: channel) { return .blocked }
        if let refusal = refusalToKeep(draft, on: channel) { return .done(.error(refusal)) }
        let position = lastPosition + 1
        var made: Offer?
        let waiting = channel.isOnce && channel.engine.ending == nil ? channel.engine.takeReceivers() : WaitQueue()
        // The offer object is created only if it has to wait or to be kept.
        let result = channel.engine.send(Self.make(draft, at: position, &made))
        if let made {
            lastPosition = position
            made.charge(ObjectSize.keptOffer(draft), to: client)
        }
        switch result {
        case .handed(let receiver):
            if endIfDecided(receiver) { return offer(draft, of: client, on: channel) }
            channel.counts.sent += 1
            return hand(draft, on: channel, to: receiver)
        case .published:
            channel.counts.sent += 1
            remember(draft)
            let isTaken = !waiting.isEmpty
            if let made {
                countKept(made)
                countBuffered(made, on: channel)
            }
            if isTaken {
                perform(
                    Publication(
                        made?.body ?? draft.body.body, draft.extras, of: channel, from: draft.origin, to: waiting))
            }
            return .ok((isTaken ? CommonAttributes() : .kept).taking(draft.arm))
        case .accepted(let dropped):
            if let dropped { drop(dropped, on: channel) }
            guard let made else { return .blocked }
            channel.counts.sent += 1
            return buffer(made, draft, on: channel)
        case .dropped:
            // The channel dropped the new message.
            channel.counts.sent += 1
            return draft.waitsUntilTaken ? .done(.cancelled("dropped")) : .ok(.dropped.taking(draft.arm))
        case .blocked: return .blocked
        case .ended: return .done(channel.endingReply)
        }
    }

    /// Returns the result of a message whose id has been used before, or nil if it counts as a new one.
    mutating func repetition(of draft: Draft, on channel: NamedChannel) -> Attempt? {
        guard let key = draft.key, let entry = memory[key] else { return nil }
        guard entry.isOfCall == draft.wantsAnswer else {
            return .done(.error(.idOfOtherCommand(isCall: entry.isOfCall)))
        }
        switch entry {
        // A message that was set aside belongs to a select that has ended.
        case .pending(let pending) where pending.isSetAside && endIfUnwanted(pending): return nil
        case .pending(let pending): return yieldsToReceive(pending, on: channel) ? nil : .repeated(pending)
        case .kept(let offer) where draft.waitsUntilTaken: return .repeated(offer)
        case .rejected(let reason, _): return .done(.rejected(channel.name, reason))
        case .rejectedLater where draft.waitsUntilTaken: return .done(.rejected(channel.name, nil))
        case .kept:
            var attributes = CommonAttributes.duplicate
            attributes.isKept = true
            return .ok(attributes.taking(draft.arm))
        case .rejectedLater, .delivered: return .ok(.duplicate.taking(draft.arm))
        case .called(let answer): return repetition(of: answer)
        }
    }

    /// Withdraws the pending message of a select that also waits to receive on the same channel. A send that repeats the
    /// message then meets that receive, as it does if the send comes first.
    ///
    /// - Returns: whether the message is no longer pending.
    private mutating func yieldsToReceive(_ pending: Offer, on channel: NamedChannel) -> Bool {
        guard case .queued = pending.place, !pending.hasAttached, !channel.isBroadcast,
            let receiver = channel.engine.firstParkedReceiver
        else { return false }
        if !endIfDecided(receiver) { detach(receiver.operation, from: pending, on: channel) }
        return !pending.isWanted
    }

    /// Forwards a message of a command that repeats the previous one, if the way of the previous message is still open;
    /// see `SendHint`.
    mutating func forwardByHint(_ message: MessageBytes) -> Bool {
        guard let hint,
            hint.operation.client.unwrittenBytes + Self.outputBytes(ofMessage: message.count) < limits.outputBytes
        else { return false }
        hint.countedReceive.channel.counts.sent += 1
        countHandoff(on: hint.countedReceive.channel)
        return forward(message, CommonAttributes(), nil, through: hint.countedReceive, hint.id, hint.operation)
    }

    /// Makes an offer that its client is charged for.
    mutating func makeOffer(_ draft: Draft) -> Offer {
        lastPosition += 1
        let offer = Offer(draft, at: lastPosition)
        offer.charge(ObjectSize.offer(draft), to: clients[draft.origin] ?? unknownClient)
        return offer
    }

    private static func make(_ draft: Draft, at position: UInt64, _ made: inout Offer?) -> Offer {
        let offer = Offer(draft, at: position)
        made = offer
        return offer
    }

    /// Appends a new offer to the channel's queue.
    mutating func queue(_ draft: Draft, on channel: NamedChannel, of operation: OperationID) -> Offer {
        let offer = makeOffer(draft)
        channel.counts.sent += 1
        offer.sender = Offer.Sender(operation: operation, arm: draft.arm)
        offer.place = .queued(channel.engine.park(offer, message: offer))
        if let key = draft.key { memory.begin(key, offer) }
        return offer
    }

    // MARK: Waiting for an offer

    /// Parks the caller until the end of an offer that is with a receiver or in the channel's buffer.
    mutating func wait(
        for offer: Offer, on channel: NamedChannel, arm: Int32?, _ caller: Caller, of client: ClientRecord,
        _ terms: WaitTerms
    ) -> Outcome {
        if let key = offer.key { memory.begin(key, offer) }
        if let reason = withdrawal(of: offer, on: channel, terms, client) {
            let isInDoubt = isInDoubt(offer, on: channel)
            withdrawIfUnwanted(offer, on: channel)
            if isInDoubt { return .done(reason.doubt) }
            guard case .timeout = reason, arm == nil else { return .done(reason.reply) }
            return .done(timeoutReply(to: client, sendingOn: channel))
        }
        offer.sender = Offer.Sender(operation: operations.nextKey, arm: arm)
        return .parked(park(.send(channel, offer, arm: arm), caller, of: client, terms, charging: ObjectSize.send))
    }

    /// Returns why a caller does not wait for the end of its offer, or nil if it does. With a timeout of zero, it waits
    /// only for a lease.
    private func withdrawal(
        of offer: Offer, on channel: NamedChannel, _ terms: WaitTerms, _ client: ClientRecord
    ) -> Withdrawal? {
        if isWithdrawnByEOF(terms, client) { return .endOfInput }
        return terms.triesOnce && !offer.isLeased && offer.verdict == nil && !isBeingDelivered(offer, on: channel)
            ? .timeout : nil
    }

    /// Parks the caller until the end of an offer that was made earlier under the same id.
    mutating func attach(
        to offer: Offer, on channel: NamedChannel, arm: Int32?, _ caller: Caller, of client: ClientRecord,
        _ terms: WaitTerms
    ) -> Outcome {
        if let reply = doubtOfRepeating(terms, client) { return .done(reply) }
        // Another send of the message still waits, so an error would claim too much.
        if account.refusal(of: ObjectSize.send, for: client) != nil { return .done(.maybe("limit")) }
        // The message is already in memory.
        let terms = WaitTerms(timeout: terms.timeout, waitsAfterEOF: terms.waitsAfterEOF)
        attach(Offer.Sender(operation: operations.nextKey, arm: arm), to: offer, isCommitted: true)
        return .parked(park(.send(channel, offer, arm: arm), caller, of: client, terms, charging: ObjectSize.send))
    }

    /// Adds a sender to those that wait for the end of an offer.
    ///
    /// - Parameter isCommitted: whether the sender waits for nothing else.
    func attach(_ sender: Offer.Sender, to offer: Offer, isCommitted: Bool) {
        if let first = offer.sender, first.arm != nil, case .select(let select)? = operations[first.operation]?.wait {
            select.sharesOffers = true
        }
        offer.attach(sender, isCommitted: isCommitted)
    }

    /// Returns the reply to a repeated send that does not wait although the first one is still pending, or nil if it
    /// may wait.
    func doubtOfRepeating(_ terms: WaitTerms, _ client: ClientRecord) -> Reply? {
        if terms.triesOnce { return Withdrawal.timeout.doubt }
        return isWithdrawnByEOF(terms, client) ? Withdrawal.endOfInput.doubt : nil
    }

    /// Returns the error for a message that must not be handed over, because its sender would then have to wait; nil if
    /// it may.
    private func refusalToHandOut(_ draft: Draft, of client: ClientRecord, on channel: NamedChannel) -> WireError? {
        let bytes = draft.body.count + ObjectSize.leastHandedOut
        guard let refusal = refusalToWait(draft.body.count, client, charging: bytes) else { return nil }
        let waits =
            if let receiver = channel.engine.firstParkedReceiver { leaseNanoseconds(of: receiver) > 0 } else {
                draft.waitsUntilTaken
            }
        return (waits || channel.isBroadcast) && channel.engine.ending == nil ? refusal : nil
    }

    // MARK: Its end

    /// Completes an offer that a receiver has taken for good, and answers its senders.
    mutating func complete(
        _ offer: Offer, on channel: NamedChannel, _ attributes: CommonAttributes = CommonAttributes()
    ) {
        if channel.isOnce { return }
        var attributes = attributes
        freeSpace(of: offer, on: channel)
        if let key = offer.key {
            // The waiting senders have repeated the message after its channel had answered for it.
            attributes.isDuplicate = memory.endKeeping(key, offer)
            if memory.isPending(key, offer) { remember(offer) }
        }
        answerSenders(of: offer, attributes)
    }

    mutating func answerSenders(of offer: Offer, _ attributes: CommonAttributes = CommonAttributes()) {
        guard let first = offer.sender else { return }
        // Ending the operation removes the sender from the offer.
        end(first.operation, ok: attributes.taking(first.arm), arm: first.arm)
        guard offer.sender != nil else { return }
        var attributes = attributes
        attributes.isDuplicate = true
        endSenders(of: offer, OfferVerdict(taken: attributes))
    }

    /// Remembers a send that completed at once.
    mutating func remember(_ draft: Draft) {
        guard let key = draft.key else { return }
        memory.finish(
            key, as: draft.wantsAnswer ? .called(nil) : .delivered, by: clients[draft.origin] ?? unknownClient, at: now)
    }

    /// Remembers the id of an offer that is delivered.
    mutating func remember(_ offer: Offer) {
        guard let key = offer.key else { return }
        memory.finish(key, as: offer.wantsAnswer ? .called(nil) : .delivered, by: offer.payer ?? unknownClient, at: now)
    }

    /// Remembers the id of an offer that its channel answers for, before a receiver has taken it for good.
    mutating func rememberKept(_ offer: Offer) {
        if let key = offer.key { memory.finish(key, as: .kept(offer), by: offer.payer ?? unknownClient, at: now) }
    }
}

extension CommonAttributes {
    /// An earlier send with the same id delivered the message.
    static var duplicate: CommonAttributes {
        var attributes = CommonAttributes()
        attributes.isDuplicate = true
        return attributes
    }

    /// The channel keeps the message, and no receiver has acknowledged it yet.
    static var kept: CommonAttributes {
        var attributes = CommonAttributes()
        attributes.isKept = true
        return attributes
    }

    /// The channel dropped the message because of its `overflow=`.
    static var dropped: CommonAttributes {
        var attributes = CommonAttributes()
        attributes.isDropped = true
        return attributes
    }

    /// The number of receivers that took a broadcast.
    static func reaching(_ receivers: Int) -> CommonAttributes {
        var attributes = CommonAttributes()
        attributes.receivers = receivers
        return attributes
    }
}
