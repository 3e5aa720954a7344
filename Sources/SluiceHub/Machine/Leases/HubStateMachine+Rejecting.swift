import SluiceRuntime
import SluiceWire

/// Rejection: a receiver, or the failure policy of the channel, decides that no receiver gets a message again.
extension HubStateMachine {
    mutating func reject(_ command: RejectCommand, by connection: ConnectionID) -> Outcome {
        guard let lease = takeLease(command.delivery, of: connection) else { return .done(.error(.stale)) }
        lease.offer.place = .gone
        reject(lease.offer, on: lease.channel, because: command.reason.map(Self.cut))
        lapse(lease)
        return .ok(CommonAttributes())
    }

    /// Whether the attempt that has just ended was the last one that the channel's policy permits.
    func isSpent(_ offer: Offer, on channel: NamedChannel) -> Bool {
        guard let most = channel.extras?.policy?.maxAttempts else { return false }
        return offer.attempts >= most && offer.isWanted && !channel.refusesReturns
    }

    /// Rejects a message that is in no queue. It moves to the dead channel, if its channel has one, before its
    /// senders are told. If the dead channel has no room, or earlier messages wait for it, the message waits in its channel.
    mutating func reject(_ offer: Offer, on channel: NamedChannel, because reason: String?) {
        if let extras = channel.extras, !extras.held.isEmpty, extras.policy?.deadChannel != nil, !channel.refusesReturns
        {
            return hold(offer, on: channel, until: Rejection(reason: reason))
        }
        rejectInTurn(offer, on: channel, because: reason)
    }

    /// Rejects a message that no earlier one precedes.
    mutating func rejectInTurn(_ offer: Offer, on channel: NamedChannel, because reason: String?) {
        var place: NamedChannel?
        let storedOrigin = StoredOrigin(
            from: channel.name, attempts: offer.attempts, reason: reason, key: offer.key ?? offer.storedOrigin?.key)
        let draft = Draft(deadLetter: offer, from: storedOrigin)
        let bytes = ObjectSize.keptOffer(draft)
        if let name = channel.extras?.policy?.deadChannel {
            place = placeForDead(offer, from: channel, name, charging: bytes)
            // A poisoned channel keeps nothing.
            if place == nil, !channel.refusesReturns {
                return hold(offer, on: channel, until: Rejection(reason: reason))
            }
        }
        totals.rejections += 1
        channel.counts.rejected += 1
        if let key = offer.key { memory.reject(key, offer, because: reason, at: now) }
        let payer = offer.payer ?? unknownClient
        discard(offer, on: channel)
        if let place {
            totals.deadLetters += 1
            channel.extras?.hasReportedHold = false
            keep(draft, on: place, charging: bytes, to: payer)
        }
        if offer.sender != nil { endSenders(of: offer, OfferVerdict(.rejected(channel.name, reason))) }
        channels.removeIfIdle(channel, at: now)
    }

    /// Returns the dead channel if it can take a message now.
    private func placeForDead(
        _ offer: Offer, from channel: NamedChannel, _ name: ChannelName, charging bytes: Int
    ) -> NamedChannel? {
        guard let dead = channels.existing(name), dead !== channel, dead.engine.hasRoom else { return nil }
        return mayMove(offer, to: dead, charging: bytes) ? dead : nil
    }

    /// Returns why a message that is held cannot be rejected now, or nil if it can.
    func obstacle(to offer: Offer, heldOn channel: NamedChannel) -> HoldObstacle? {
        guard let name = channel.extras?.policy?.deadChannel, !channel.refusesReturns else { return nil }
        guard let dead = channels.existing(name), dead !== channel, dead.engine.ending == nil, dead.engine.hasRoom,
            case .queue? = dead.extras?.declaration
        else { return .deadChannel }
        let origin = StoredOrigin(
            from: channel.name, attempts: offer.attempts, reason: offer.extras?.rejection?.reason,
            key: offer.key ?? offer.storedOrigin?.key)
        let bytes = ObjectSize.keptOffer(Draft(deadLetter: offer, from: origin))
        return mayMove(offer, to: dead, charging: bytes) ? nil : .sender
    }

    /// Whether the limits permit a declared channel to keep a message of another one.
    func mayMove(_ offer: Offer, to channel: NamedChannel, charging bytes: Int) -> Bool {
        guard channel.engine.ending == nil, case .queue? = channel.extras?.declaration,
            offer.isKept || mayKeep(offer.body.count, for: offer.payer ?? unknownClient)
        else { return false }
        return account.refusal(of: bytes - offer.charged, for: offer.payer ?? unknownClient, outlivesConnection: true)
            == nil
    }

    /// Keeps a rejected message in its channel that its dead channel does not take yet.
    mutating func hold(_ offer: Offer, on channel: NamedChannel, until rejection: Rejection) {
        let hadSender = offer.sender != nil
        endSendersThatWaitNoMore(of: offer)
        if hadSender, !offer.isWanted { return discard(offer, on: channel) }
        let extras = offer.extras ?? OfferExtras()
        extras.rejection = rejection
        offer.extras = extras
        reportHold(of: offer, on: channel)
        hold(offer, on: channel)
    }

    /// Reports the first of the messages that wait for a dead channel.
    private mutating func reportHold(of offer: Offer, on channel: NamedChannel) {
        guard let extras = channel.extras, !extras.hasReportedHold, let dead = extras.policy?.deadChannel else {
            return
        }
        extras.hasReportedHold = true
        steps += Budget.stepsOfEvent
        unreportedHolds.append(
            HeldRejection(
                channel: channel.name, dead: dead, obstacle: obstacle(at: dead), sender: offer.payer ?? unknownClient))
    }

    /// Returns why a dead channel takes no message.
    private func obstacle(at name: ChannelName) -> ClientEvent.DeadChannelObstacle {
        guard let dead = channels.existing(name) else { return .missing }
        if dead.engine.ending != nil { return .ended }
        guard case .queue(let capacity, _)? = dead.extras?.declaration, capacity > 0 else { return .keepsNothing }
        return dead.engine.hasRoom ? .limit : .full
    }

    /// Makes a channel keep a message that comes from another one. The caller has checked that it may.
    mutating func keep(
        _ draft: Draft, on channel: NamedChannel, charging bytes: Int, to client: ClientRecord
    ) {
        lastPosition += 1
        steps += 1
        let offer = Offer(draft, at: lastPosition)
        offer.charge(bytes, to: client)
        offer.isHeld = channel.engine.holdRoom()
        countKept(offer)
        if let key = draft.key { memory.revive(key, offer) }
        place(offer, on: channel)
    }

    /// Gives a message that has come to a channel to the receiver that has waited longest, or else to the channel.
    private mutating func place(_ offer: Offer, on channel: NamedChannel) {
        if !handOver(offer, on: channel) { store(offer, on: channel) }
    }

    /// Gives a message that is in no queue to the receiver that has waited longest.
    ///
    /// - Returns: whether there was one.
    mutating func handOver(_ offer: Offer, on channel: NamedChannel) -> Bool {
        guard stage == .serving else { return false }
        while let receiver = channel.engine.takeReceiver() {
            if endIfDecided(receiver) { continue }
            hand(offer, on: channel, to: receiver)
            return true
        }
        return false
    }

    /// Puts a message for which no receiver waits behind all messages of the buffer. A message that uses no space of the
    /// buffer waits with its sender, or if it has none, in front of the queue.
    mutating func store(_ offer: Offer, on channel: NamedChannel) {
        if offer.isHeld {
            offer.isHeld = false
            offer.place = .buffered(channel.engine.bufferHeld(offer))
            countBuffered(offer, on: channel)
            while let oldest = channel.engine.takeOldestSurplus() { drop(oldest, on: channel) }
            dropOldestSurplus(of: channel)
        } else if offer.isKept {
            offer.place = .returned(channel.ensureExtras().returned.insert(offer, at: offer.position))
            chargeReturn(of: offer)
        } else {
            offer.place = .queued(channel.engine.park(offer, message: offer))
        }
    }
}

extension Draft {
    /// Creates the draft of a dead letter from a message that is rejected.
    fileprivate init(deadLetter offer: Offer, from origin: StoredOrigin) {
        self.init(
            body: .owned(offer.body), origin: offer.origin, extras: OfferExtras(origin, trace: offer.extras?.trace))
    }
}
