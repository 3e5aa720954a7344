import SluiceRuntime
import SluiceWire

/// Delays: a message that no receiver gets before a certain time.
extension HubStateMachine {
    /// Sends a message that no receiver gets before its delay has passed. Until then it uses space of the buffer, if
    /// there is some; otherwise its sender waits.
    mutating func sendLater(
        _ draft: Draft, after delay: Duration, on channel: NamedChannel, _ caller: Caller, of client: ClientRecord,
        _ terms: WaitTerms
    ) -> Outcome {
        switch repetition(of: draft, on: channel) {
        case .repeated(let offer): return attach(to: offer, on: channel, arm: nil, caller, of: client, terms)
        case .ok(let attributes): return .ok(attributes.understood(by: client))
        case .done(let reply): return .done(reply)
        case .committed, .blocked, nil: break
        }
        if let reply = refusalToDelay(draft, of: client, on: channel) { return .done(reply) }
        let kept = channel.engine.hasRoom && !draft.waitsUntilTaken
        if case .droppingNewest = channel.engine.kind, !channel.engine.hasRoom {
            return draft.waitsUntilTaken ? .done(.cancelled("dropped")) : .ok(.dropped)
        }
        let bytes = ObjectSize.offer(draft) + ObjectSize.returned
        if kept {
            if !mayKeep(draft.body.count, for: client) { return .done(.error(refusalToKeep)) }
            if let refusal = account.refusal(of: bytes, for: client, outlivesConnection: true) {
                return .done(.error(refusal))
            }
        } else if let reply = refusalToPark(
            terms, client, charging: ObjectSize.send + bytes, sendingOn: channel)
        {
            return .done(reply)
        }
        let offer = makeOffer(draft)
        channel.counts.sent += 1
        offer.isHeld = channel.engine.holdRoom()
        withhold(offer, on: channel, until: now &+ delay.wholeNanoseconds)
        guard !kept else {
            countKept(offer)
            rememberKept(offer)
            return .ok(CommonAttributes.kept.understood(by: client))
        }
        if let key = offer.key { memory.begin(key, offer) }
        offer.sender = Offer.Sender(operation: operations.nextKey, arm: nil)
        return .parked(park(.send(channel, offer, arm: nil), caller, of: client, terms, charging: ObjectSize.send))
    }

    private func refusalToDelay(_ draft: Draft, of client: ClientRecord, on channel: NamedChannel) -> Reply? {
        if channel.isBroadcast || channel.isOnce {
            return .error(
                WireError(.conflict, "delay= needs a channel whose messages have one receiver each: kind=queue"))
        }
        if channel.engine.ending != nil { return channel.endingReply }
        return draft.key.flatMap { refusalToRemember($0, draft.origin) }.map { .error($0) }
    }

    /// Withholds a message that is in no queue from all receivers until a certain time.
    mutating func withhold(_ offer: Offer, on channel: NamedChannel, until time: UInt64) {
        offer.place = .delayed(
            deadline: deadlines.insert(.delay(channel, offer), at: time),
            place: channel.ensureExtras().delayed.insert(offer, at: offer.position))
        chargeReturn(of: offer)
        channel.awayCount += 1
    }

    /// Ends the delay of an offer. The caller decides where the offer goes.
    mutating func endDelay(of offer: Offer, on channel: NamedChannel) {
        guard case .delayed(let deadline, let place) = offer.place else { return }
        deadlines.remove(deadline)
        channel.extras?.delayed.remove(place)
        channel.awayCount -= 1
        offer.place = .gone
    }

    /// Continues with a message whose delay has passed.
    mutating func wake(_ offer: Offer, on channel: NamedChannel) {
        if endIfUnwanted(offer) { return }
        endDelay(of: offer, on: channel)
        if offer.attempts > 0 {
            requeue(offer, on: channel)
        } else {
            becomeDue(offer, on: channel)
        }
        settleEnding(of: channel)
    }

    /// Offers a message that was sent with a delay, as if it were sent now.
    private mutating func becomeDue(_ offer: Offer, on channel: NamedChannel) {
        guard offer.isWanted else { return discard(offer, on: channel) }
        lastPosition += 1
        offer.position = lastPosition
        let fits = fitsBuffer(offer, on: channel)
        if handOver(offer, on: channel) { return }
        if fits { store(offer, on: channel) } else { dropAsNewest(offer, on: channel) }
    }
}
