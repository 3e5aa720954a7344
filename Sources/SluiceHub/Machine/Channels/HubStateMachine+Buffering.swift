import SluiceRuntime
import SluiceWire

/// The messages that channels keep: whether a channel may keep one, and the counts of those that it has.
extension HubStateMachine {
    /// Whether the channel would keep a message, and perhaps drop another one for it, only for the message to be
    /// withdrawn at once.
    func isKeptForNothing(_ draft: Draft, on channel: NamedChannel) -> Bool {
        draft.triesOnce && draft.waitsUntilTaken && !channel.isOnce && channel.engine.firstParkedReceiver == nil
            && channel.engine.ending == nil
    }

    /// Returns the error for a message that the channel must not keep. Nil if it may keep it, or would not keep it
    /// anyway.
    func refusalToKeep(_ draft: Draft, on channel: NamedChannel) -> WireError? {
        guard channel.extras?.declaration != nil, channel.engine.kind != .rendezvous,
            channel.engine.parkedReceivers == 0 || channel.isOnce, channel.engine.ending == nil
        else { return nil }
        let client = clients[draft.origin] ?? unknownClient
        if !mayKeep(draft.body.count, for: client) { return refusalToKeep }
        return account.refusal(of: ObjectSize.keptOffer(draft), for: client, outlivesConnection: true)
    }

    /// Returns the error for an id that cannot be remembered once its message is delivered, or nil if it can.
    func refusalToRemember(_ key: SendKey, _ origin: ConnectionID) -> WireError? {
        account.refusal(of: ObjectSize.remembered(key), for: clients[origin] ?? unknownClient, outlivesConnection: true)
    }

    var refusalToKeep: WireError {
        WireError(.limit, "the channels keep at most \(limits.keptBytes) bytes of messages together")
    }

    /// Returns whether the channels may keep another message of a client.
    ///
    /// The last part of `HubLimits.keptBytes` is a reserve for clients with few kept bytes. The second half of the
    /// reserve is only for those whose holder has few kept bytes, too.
    func mayKeep(_ bodyBytes: Int, for client: ClientRecord) -> Bool {
        let left = limits.keptBytes - totals.keptBytes - channels.tombstoneBytes - bodyBytes
        let reserve = limits.keptReserve
        if left >= reserve || left < 0 { return left >= 0 }
        return client.keptBytes + bodyBytes <= limits.guaranteedMemory
            && (left >= reserve / 2
                || client.holder.keptBytes + bodyBytes <= account.bounds.guaranteedToHolder(ofReserve: reserve))
    }

    /// Answers the sender whose message has moved into free space of the buffer. If the message would exceed
    /// `keptBytes`, its sender is refused, and the next one takes the space; if there are many such senders, in slices.
    mutating func moveIntoBuffer(_ sender: Offer?, of channel: NamedChannel) {
        var next = sender
        while let offer = next {
            let ticket = channel.engine.lastBufferedTicket
            if stage != .serving {
                // The drain withdraws it.
                offer.place = .buffered(ticket)
                return countBuffered(offer, on: channel)
            }
            if endIfUnwanted(offer) {
                _ = channel.engine.withdrawBuffered(ticket)
                next = nextToAdmit(to: channel)
                continue
            }
            if offer.waitsUntilTaken || mayKeep(offer.body.count, for: offer.payer ?? unknownClient) {
                offer.place = .buffered(ticket)
                countBuffered(offer, on: channel)
                return completeAcceptance(of: offer)
            }
            _ = channel.engine.withdrawBuffered(ticket)
            discard(offer, on: channel)
            steps += 1
            if offer.sender != nil { endSenders(of: offer, OfferVerdict(.error(refusalToKeep))) }
            next = nextToAdmit(to: channel)
        }
    }

    /// Moves the next message into free space of the buffer, or leaves that to a later slice.
    private mutating func nextToAdmit(to channel: NamedChannel) -> Offer? {
        if hasStepsLeft { return channel.engine.admit() }
        let extras = channel.ensureExtras()
        if !extras.isAdmitting {
            extras.isAdmitting = true
            postpone(FurtherAdmissions(to: channel))
        }
        return nil
    }

    /// Keeps a message that is now in the buffer, and returns the result for its sender.
    mutating func buffer(_ offer: Offer, _ draft: Draft, on channel: NamedChannel) -> Attempt {
        offer.place = .buffered(channel.engine.lastBufferedTicket)
        countBuffered(offer, on: channel)
        dropOldestSurplus(of: channel)
        if draft.waitsUntilTaken { return .committed(offer) }
        completeAcceptance(of: offer)
        return .ok(.kept.taking(draft.arm))
    }

    /// Marks a message that is in the buffer as kept by the channel, and answers its senders, unless they wait until it
    /// is taken.
    mutating func completeAcceptance(of offer: Offer) {
        guard !offer.waitsUntilTaken else { return }
        countKept(offer)
        rememberKept(offer)
        answerSenders(of: offer, .kept)
    }

    /// Counts a message that the channel keeps in memory.
    mutating func countKept(_ offer: Offer) {
        offer.isKept = true
        totals.keptMessages += 1
        totals.keptBytes += offer.body.count
        offer.payer?.keep(offer.body.count)
    }

    /// Drops a message by the channel's `overflow=`, and answers its senders.
    mutating func drop(_ offer: Offer, on channel: NamedChannel) {
        discard(offer, on: channel)
        if offer.sender != nil { endSenders(of: offer, OfferVerdict(.cancelled("dropped"))) }
    }

    /// Counts a message that is now in the channel's buffer, where a receiver can get it.
    mutating func countBuffered(_ offer: Offer, on channel: NamedChannel) {
        if offer.isBuffered { return }
        offer.isBuffered = true
        channel.counts.buffered += 1
        totals.bufferedMessages += 1
    }

    /// Stops counting a message that is no longer in the channel's buffer.
    mutating func uncountBuffered(_ offer: Offer, on channel: NamedChannel) {
        guard offer.isBuffered else { return }
        offer.isBuffered = false
        channel.counts.buffered -= 1
        totals.bufferedMessages -= 1
    }

    /// Stops counting a message that the channel kept in memory.
    mutating func uncountKept(_ offer: Offer) {
        guard offer.isKept else { return }
        offer.isKept = false
        totals.keptMessages -= 1
        totals.keptBytes -= offer.body.count
        offer.payer?.keep(-offer.body.count)
    }

    /// Removes an offer for good, and lets another one use its space in the buffer.
    mutating func freeSpace(of offer: Offer, on channel: NamedChannel) {
        offer.place = .gone
        uncountKept(offer)
        uncountBuffered(offer, on: channel)
        if offer.isHeld {
            offer.isHeld = false
            moveIntoBuffer(channel.engine.releaseHeld(), of: channel)
        }
    }
}

/// Moves the messages of waiting senders into free space of a buffer, if many of them are refused or have ended.
/// Meanwhile later senders wait behind them, although there is space.
final class FurtherAdmissions: UnfinishedWork {
    private let channel: NamedChannel

    init(to channel: NamedChannel) {
        self.channel = channel
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        channel.extras?.isAdmitting = false
        while machine.hasStepsLeft, let admitted = channel.engine.admit() {
            machine.steps += 1
            machine.moveIntoBuffer(admitted, of: channel)
        }
        guard channel.engine.parkedSenders > 0, channel.engine.hasRoom else { return true }
        // Another one may have been left behind by the last.
        guard channel.extras?.isAdmitting != true else { return true }
        channel.extras?.isAdmitting = true
        return false
    }
}
