import SluiceRuntime
import SluiceWire

/// Receives, and what receivers are given.
extension HubStateMachine {
    mutating func receive(_ command: ReceiveCommand, _ caller: Caller) -> Outcome {
        let channel = self.channel(command.channel, .receive, caller.connection)
        let options = command.isPlain ? nil : command.given
        let patience = Patience(options)
        let lease = options?.lease?.wholeNanoseconds ?? 0
        if lease > 0, let refusal = refusalToLease(on: channel, to: caller.connection, count: options?.window ?? 1) {
            channels.release(channel, at: now)
            return .done(.error(refusal))
        }
        if options?.count != nil { return stream(command, from: channel, caller, patience) }
        if let reply = take(from: channel, lease, by: caller.connection, arm: nil) {
            channels.release(channel, at: now)
            return .done(reply)
        }
        if let reply = refusalToPark(patience, caller) {
            channels.release(channel, at: now)
            return .done(reply)
        }
        let ticket = channel.engine.park(WireReceiver(operation: operations.nextKey, arm: nil))
        let id = park(.receive(channel, ticket, leaseNanoseconds: lease), caller, patience)
        if channel.isBroadcast { runRounds(of: channel) }
        return .parked(id)
    }

    /// Counts a message that a receiver has taken for good.
    mutating func countHandoff() { totals.handoffs += 1 }

    /// What there is to take.
    enum Taken {
        case offer(Offer)
        /// Nothing yet.
        case nothing
        /// The channel has ended.
        case ended
    }

    /// Takes a message from the channel; nil when it must wait for a sender.
    ///
    /// - Parameter lease: its nanoseconds, or 0.
    mutating func take(
        from channel: NamedChannel, _ lease: UInt64, by connection: ConnectionID, arm: Int32?
    ) -> Reply? {
        switch takeOffer(from: channel, isLeased: lease > 0, as: .end(connection)) {
        case .offer(let offer):
            let terms = settle(offer, on: channel, lease, with: connection, through: nil)
            return .message(channel.name, offer.body, terms.taking(arm))
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
        switch channel.engine.receive(holding: isLeased) {
        case .message(let offer, let admitted):
            if case .buffered = offer.place, isLeased { offer.isHeld = true }
            // Where the message itself was its sender's, that is answered with the message.
            if let admitted, admitted !== offer {
                // Taken for good, it makes room for the other one.
                release(offer)
                admit(admitted, to: channel)
            }
            return .offer(offer)
        case .blocked: return .nothing
        case .ended: return channel.mayGetBack && !channel.refusesReturns ? .nothing : .ended
        }
    }

    /// Decides what a receiver's having the offer means: its end, or the begin of a lease.
    ///
    /// - Returns: what the receiver is told of it.
    mutating func settle(
        _ offer: Offer, on channel: NamedChannel, _ lease: UInt64, with connection: ConnectionID,
        through stream: OperationID?
    ) -> Attributes {
        let terms = lease > 0 ? grant(offer, on: channel, lease, to: connection, through: stream) : Attributes()
        trace(offer.body.count, on: channel, from: offer.origin, to: connection, lease > 0 ? offer.attempts : nil)
        if lease > 0 { return terms }
        countHandoff()
        if !channel.isBroadcast { complete(offer, on: channel) }
        return terms
    }

    // MARK: To receivers that wait

    /// Gives a new message to a receiver that was parked.
    mutating func hand(_ draft: Draft, on channel: NamedChannel, to receiver: WireReceiver) -> Attempt {
        guard let operation = operations[receiver.operation] else { return .blocked }
        guard operation.wait.leaseNanoseconds(ofArm: receiver.arm) > 0 else {
            deliver(draft.body, of: channel, from: draft.origin, to: receiver, operation)
            remember(draft)
            return .done(.ok(.taking(draft.arm)))
        }
        lastPosition += 1
        let offer = Offer(draft, at: lastPosition)
        let isAnswered = hold(offer, on: channel)
        if isAnswered, let key = offer.key { memory.finish(key, at: now) }
        hand(offer, on: channel, to: receiver)
        return isAnswered ? .done(.ok(.taking(draft.arm))) : .committed(offer)
    }

    /// Gives an offer that stands nowhere to a receiver that was parked.
    mutating func hand(_ offer: Offer, on channel: NamedChannel, to receiver: WireReceiver) {
        guard let operation = operations[receiver.operation] else { return }
        let connection = operation.caller.connection
        let lease = operation.wait.leaseNanoseconds(ofArm: receiver.arm)
        if lease == 0 { commit(receiver, to: channel) }
        let stream = if case .stream = operation.wait { receiver.operation } else { nil as OperationID? }
        let terms = settle(offer, on: channel, lease, with: connection, through: stream)
        give(.owned(offer.body), terms, of: channel, to: receiver, operation)
    }

    /// A select that waits, and that is given a message for good, waits for nothing else any more: not for the room either
    /// that the message leaves, which one of its other arms may fill.
    private mutating func commit(_ receiver: WireReceiver, to channel: NamedChannel) {
        let id = receiver.operation
        guard let arm = receiver.arm, let operation = operations[id], case .select(let select) = operation.wait,
            case .receive(_, let ticket, _) = select.arms[Int(arm)]
        else { return }
        operation.wait = .receive(channel, ticket, leaseNanoseconds: 0)
        let connection = operation.caller.connection
        reserveLeases(-OperationWait.select(select).possibleLeases, for: connection)
        if let key = select.key { clients[connection]?.fairness.remember(arm, of: key) }
        // The message stands nowhere: the channel must not be forgotten meanwhile.
        channel.awayCount += 1
        for (number, other) in select.arms.enumerated() where number != Int(arm) { leave(other, id) }
        channel.awayCount -= 1
    }

    /// Gives a message that nobody waits for to a receiver that was parked and takes it for good.
    mutating func deliver(
        _ message: MessageBytes, of channel: NamedChannel, from origin: ConnectionID, to receiver: WireReceiver
    ) {
        guard let operation = operations[receiver.operation] else { return }
        deliver(message, of: channel, from: origin, to: receiver, operation)
    }

    private mutating func deliver(
        _ message: MessageBytes, of channel: NamedChannel, from origin: ConnectionID, to receiver: WireReceiver,
        _ operation: ParkedOperation
    ) {
        if !tracers.isEmpty { trace(message.count, on: channel, from: origin, to: operation.caller.connection, nil) }
        countHandoff()
        give(message, Attributes(), of: channel, to: receiver, operation)
    }

    private mutating func give(
        _ message: MessageBytes, _ attributes: Attributes, of channel: NamedChannel, to receiver: WireReceiver,
        _ operation: ParkedOperation
    ) {
        let id = receiver.operation
        if case .stream(let stream) = operation.wait {
            stream.ticket = nil
            if let deadline = operation.deadline {
                deadlines.remove(deadline)
                operation.deadline = nil
            }
            guard forward(message, attributes, through: stream, id, operation) else { return }
            pump(stream, id, operation)
            if stream.needsOnlyMessages, stream.ticket != nil, channel.engine.parkedReceivers == 1,
                channel.extras == nil, tracers.isEmpty
            {
                hint = SendHint(stream: stream, id: id, operation: operation)
            }
        } else {
            retire(operation, id, arm: receiver.arm)
            outbox.finish(operation, id, message, from: channel.name, attributes.taking(receiver.arm))
            recycle(operation)
        }
    }

    /// For how long a parked receiver wants to hold the message; 0 when it takes it for good.
    func leaseNanoseconds(of receiver: WireReceiver) -> UInt64 {
        operations[receiver.operation]?.wait.leaseNanoseconds(ofArm: receiver.arm) ?? 0
    }
}
