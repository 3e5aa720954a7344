import SluiceRuntime
import SluiceWire

/// Receives, and the delivery of messages to receivers.
extension HubStateMachine {
    mutating func receive(_ command: ReceiveCommand, _ caller: Caller) -> Outcome {
        let client = client(of: caller)
        if let permissions = client.grant.permissions, let refusal = permissions.refusal(of: command) {
            return .done(.error(refusal))
        }
        let channel = self.channel(command.channel, .receive, client)
        let options = command.isPlain ? nil : command.given
        let terms = WaitTerms(options)
        let lease = options?.lease?.wholeNanoseconds ?? 0
        if lease > 0, let refusal = refusalToLease(on: channel, to: caller.connection, count: options?.window ?? 1) {
            channels.removeIfIdle(channel, at: now)
            return .done(.error(refusal))
        }
        if options?.count != nil { return receiveCounted(command, from: channel, caller, of: client, terms) }
        if let reply = take(from: channel, lease, by: caller.connection, arm: nil) {
            channels.removeIfIdle(channel, at: now)
            return .done(reply)
        }
        let bytes =
            (lease > 0 ? ObjectSize.leasedReceive : ObjectSize.receive) + ObjectSize.text(command.channel.description)
        if let reply = refusalToPark(terms, client, charging: bytes) {
            channels.removeIfIdle(channel, at: now)
            return .done(reply)
        }
        let ticket = channel.engine.park(WireReceiver(operation: operations.nextKey, arm: nil))
        if lease > 0 { channel.leasedReceivers += 1 }
        let id = park(.receive(channel, ticket, leaseNanoseconds: lease), caller, of: client, terms, charging: bytes)
        if channel.isBroadcast { runRounds(of: channel) }
        return .parked(id)
    }

    /// Counts a message that a receiver has taken for good.
    mutating func countHandoff(on channel: NamedChannel) {
        totals.handoffs += 1
        channel.counts.taken += 1
    }

    /// The result of looking for a message to take.
    enum Taken {
        case offer(Offer)
        /// No message is available yet.
        case nothing
        /// The channel has ended.
        case ended
    }

    /// Takes a message from the channel. Returns nil if the receive must wait for a sender.
    ///
    /// - Parameter lease: the duration of the lease in nanoseconds, or 0 for none.
    mutating func take(
        from channel: NamedChannel, _ lease: UInt64, by connection: ConnectionID, arm: Int32?
    ) -> Reply? {
        switch takeOffer(from: channel, isLeased: lease > 0, as: .end(connection)) {
        case .offer(let offer):
            let terms = settle(offer, on: channel, lease, with: connection, through: nil)
            return .message(channel.name, offer.body, Attributes(terms.taking(arm), offer.extras))
        case .nothing: return nil
        case .ended: return channel.endingReply
        }
    }

    /// Takes the oldest message out of the channel.
    mutating func takeOffer(from channel: NamedChannel, isLeased: Bool, as recipient: BroadcastRecipient) -> Taken {
        if let extras = channel.extras {
            if channel.isBroadcast { return takeBroadcast(from: channel, as: recipient) }
            if let offer = extras.returned.popFirst() { return .offer(offer) }
        }
        var result = channel.engine.receive(holding: isLeased)
        // `isReady` has told those at the head of the queue, so these are few.
        while case .message(let offer, _) = result, case .queued = offer.place, endIfUnwanted(offer) {
            if let extras = channel.extras, let offer = extras.returned.popFirst() { return .offer(offer) }
            result = channel.engine.receive(holding: isLeased)
        }
        switch result {
        case .message(let offer, let admitted):
            if case .buffered = offer.place, isLeased { offer.isHeld = true }
            // A sender whose own message was taken is answered when the message is settled.
            if let admitted, admitted !== offer {
                // The message is taken for good, so its space goes to the admitted one.
                uncountKept(offer)
                moveIntoBuffer(admitted, of: channel)
            }
            return .offer(offer)
        case .blocked: return .nothing
        case .ended: return channel.mayGetBack && !channel.refusesReturns ? .nothing : .ended
        }
    }

    /// Ends an offer that a receiver has taken, or begins the lease.
    ///
    /// - Returns: the attributes that the receiver gets with the message.
    mutating func settle(
        _ offer: Offer, on channel: NamedChannel, _ lease: UInt64, with connection: ConnectionID,
        through counted: OperationID?
    ) -> CommonAttributes {
        let terms = lease > 0 ? grant(offer, on: channel, lease, to: connection, through: counted) : CommonAttributes()
        trace(offer.body.count, on: channel, from: offer.origin, to: connection, lease > 0 ? offer.attempts : nil)
        if lease > 0 { return terms }
        countHandoff(on: channel)
        if !channel.isBroadcast { complete(offer, on: channel) }
        return terms
    }

    // MARK: To receivers that wait

    /// Gives a new message to a parked receiver.
    mutating func hand(_ draft: Draft, on channel: NamedChannel, to receiver: WireReceiver) -> Attempt {
        guard let operation = operations[receiver.operation] else { return .blocked }
        guard operation.wait.leaseNanoseconds(ofArm: receiver.arm) > 0 else {
            deliver(draft.body, draft.extras, of: channel, from: draft.origin, to: receiver, operation)
            remember(draft)
            return .ok(.taking(draft.arm))
        }
        let offer = makeOffer(draft)
        let isAnswered = useBufferSpace(for: offer, on: channel)
        if isAnswered { rememberKept(offer) }
        hand(offer, on: channel, to: receiver)
        return isAnswered ? .ok(.kept.taking(draft.arm)) : .committed(offer)
    }

    /// Gives an offer that is in no queue to a parked receiver.
    mutating func hand(_ offer: Offer, on channel: NamedChannel, to receiver: WireReceiver) {
        guard let operation = operations[receiver.operation] else { return }
        let connection = operation.caller.connection
        let lease = operation.wait.leaseNanoseconds(ofArm: receiver.arm)
        if lease == 0 { commit(receiver, to: channel) }
        let counted = if case .countedReceive = operation.wait { receiver.operation } else { nil as OperationID? }
        let terms = settle(offer, on: channel, lease, with: connection, through: counted)
        give(.owned(offer.body), terms, offer.extras, of: channel, to: receiver, operation)
    }

    /// Commits a parked select to the arm that takes a message for good: the select no longer waits for its other arms.
    /// So none of them can fill the buffer space that the message frees.
    private mutating func commit(_ receiver: WireReceiver, to channel: NamedChannel) {
        let id = receiver.operation
        guard let arm = receiver.arm, let operation = operations[id], case .select(let select) = operation.wait,
            case .receive(_, let ticket, _) = select.arms[Int(arm)]
        else { return }
        operation.wait = .receive(channel, ticket, leaseNanoseconds: 0)
        let connection = operation.caller.connection
        reserveLeases(-OperationWait.select(select).possibleLeases, for: connection)
        recharge(operation, by: ObjectSize.receive - Int(operation.charge))
        if let key = select.key { clients[connection]?.fairness.remember(arm, of: key) }
        // The message is in no queue, so the count keeps the channel alive meanwhile.
        channel.awayCount += 1
        for (number, other) in select.arms.enumerated() where number != Int(arm) { dequeue(other, id) }
        channel.awayCount -= 1
    }

    /// Returns the operation of a receiver that has left the channel's queue and has no message yet. Nil if the operation
    /// has ended, or if its select has committed to another arm.
    func operation(of receiver: WireReceiver) -> ParkedOperation? {
        guard let operation = operations[receiver.operation] else { return nil }
        if receiver.arm == nil { return operation }
        return if case .select = operation.wait { operation } else { nil }
    }

    /// Gives a message that no sender waits for to a parked receiver, which takes it for good.
    mutating func deliver(
        _ message: MessageBytes, _ extras: OfferExtras?, of channel: NamedChannel, from origin: ConnectionID,
        to receiver: WireReceiver
    ) {
        guard let operation = operation(of: receiver), !endIfDecided(receiver) else { return }
        deliver(message, extras, of: channel, from: origin, to: receiver, operation)
    }

    private mutating func deliver(
        _ message: MessageBytes, _ extras: OfferExtras?, of channel: NamedChannel, from origin: ConnectionID,
        to receiver: WireReceiver, _ operation: ParkedOperation
    ) {
        if !tracers.isEmpty { trace(message.count, on: channel, from: origin, to: operation.caller.connection, nil) }
        countHandoff(on: channel)
        give(message, CommonAttributes(), extras, of: channel, to: receiver, operation)
    }

    private mutating func give(
        _ message: MessageBytes, _ attributes: CommonAttributes, _ extras: OfferExtras?, of channel: NamedChannel,
        to receiver: WireReceiver, _ operation: ParkedOperation
    ) {
        let id = receiver.operation
        if case .countedReceive(let counted) = operation.wait {
            counted.ticket = nil
            if let deadline = operation.deadline {
                deadlines.remove(deadline)
                operation.deadline = nil
            }
            guard forward(message, attributes, extras, through: counted, id, operation) else { return }
            pump(counted, id, operation)
            // A line that repeats this one has the same trace context, which the hint would leave out.
            if extras == nil, counted.needsOnlyMessages, counted.ticket != nil, channel.engine.parkedReceivers == 1,
                channel.extras == nil, tracers.isEmpty
            {
                hint = SendHint(countedReceive: counted, id: id, operation: operation)
            }
        } else {
            let removed = retire(operation, id, arm: receiver.arm)
            if let extras {
                let attributes = Attributes(attributes.taking(receiver.arm), extras)
                outbox.finish(operation, id, message, from: channel, with: attributes)
            } else {
                outbox.finish(operation, id, message, from: channel, attributes.taking(receiver.arm))
            }
            if receiver.arm == nil, channel.extras == nil, let removed { recycle(removed) }
        }
    }

    /// Returns the duration of a parked receiver's lease, or 0 if it takes the message for good.
    func leaseNanoseconds(of receiver: WireReceiver) -> UInt64 {
        operations[receiver.operation]?.wait.leaseNanoseconds(ofArm: receiver.arm) ?? 0
    }
}
