import SluiceRuntime
import SluiceWire

extension HubStateMachine {
    /// Takes up what an earlier run kept. Call it on a new hub, before any client uses it.
    ///
    /// Ids and the names of ended channels are remembered for their full time again. Whatever exceeds a limit of this
    /// run stays all the same.
    ///
    /// - Parameter pause: the nanoseconds since the value was stored. Delays have gone on meanwhile.
    /// - Throws: an error if the value contradicts itself. The hub must not be used then.
    mutating func restore(_ hub: consuming StoredHub, after pause: UInt64) throws(StoredHubError) {
        earlierEpochs = hub.epochs
        let payers = hub.clients.map { client in
            let record = ClientRecord(
                address: client.address, since: now, holder: account.holder(client.holder), grant: anonymous)
            record.beginWithoutConnection()
            return record
        }
        for channel in hub.channels { try restore(channel, payers, after: pause) }
        // A message may be held for a dead channel that comes later.
        for channel in hub.channels { try restoreHeld(of: channel, payers, after: pause) }
        for send in hub.sends {
            memory.finish(
                send.key, as: SendMemory.Entry(send.result, for: payers[send.payer]), by: payers[send.payer], at: now)
        }
    }

    private mutating func restore(
        _ stored: StoredChannel, _ payers: [ClientRecord], after pause: UInt64
    ) throws(StoredHubError) {
        let channel = channels.channel(stored.name)
        let payer = stored.payer.map { payers[$0] }
        if stored.isDeclared {
            let command = OpenCommand(stored.name, stored.declaration, stored.policy)
            declare(channel, command, by: payer ?? unknownClient)
        } else {
            channel.engine.kind = stored.declaration.kind
            channel.payer = payer
            if stored.declaration == .broadcast { channel.ensureExtras().isBroadcast = true }
            if let policy = stored.policy { channel.ensureExtras().policy = policy }
        }
        if stored.hasLostReceivers { channel.ensureExtras().hasLostReceivers = true }
        channel.counts = stored.counts
        channel.counts.buffered = 0
        for message in stored.messages where !message.isHeld {
            try restore(message, on: channel, of: payers[message.payer], after: pause)
        }
        switch stored.ending {
        case .closed(let reason)?: channel.engine.beginClosing(reason: reason)
        case .poisoned(let reason)?: channel.engine.beginPoisoning(reason: reason)
        case nil: break
        }
        if channel.isOnce, !stored.isDeclared, let value = channel.engine.firstBuffered {
            // It belongs to the name of the ended channel; see `close`.
            uncountKept(value)
            uncountBuffered(value, on: channel)
        }
        if !stored.messages.contains(where: \.isHeld) { channels.removeIfIdle(channel, at: now) }
    }

    private mutating func restoreHeld(
        of stored: StoredChannel, _ payers: [ClientRecord], after pause: UInt64
    ) throws(StoredHubError) {
        for message in stored.messages where message.isHeld {
            try restore(message, on: channels.channel(stored.name), of: payers[message.payer], after: pause)
        }
    }

    private mutating func restore(
        _ message: StoredMessage, on channel: NamedChannel, of payer: ClientRecord, after pause: UInt64
    ) throws(StoredHubError) {
        let extras: OfferExtras? =
            message.origin != nil || message.trace != nil ? OfferExtras(message.origin, trace: message.trace) : nil
        let draft = Draft(body: .owned(message.body), origin: .ofNoClient, key: message.key, extras: extras)
        let offer = Offer(draft, at: message.position)
        lastPosition = max(lastPosition, message.position)
        offer.attempts = message.attempts
        offer.charge(ObjectSize.keptOffer(draft), to: payer)
        countKept(offer)
        try place(offer, message, on: channel, after: pause)
        if message.isRemembered, let key = message.key {
            memory.finish(key, as: .kept(offer), by: payer, at: now)
        }
    }

    /// Puts a message into the queue of its channel in which it was.
    private mutating func place(
        _ offer: Offer, _ message: StoredMessage, on channel: NamedChannel, after pause: UInt64
    ) throws(StoredHubError) {
        if case .buffered = message.place, channel.isOnce {
            guard case .published = channel.engine.send(offer) else {
                throw StoredHubError("channel \(channel.name) keeps more than one value")
            }
            return countBuffered(offer, on: channel)
        }
        let isBuffered = if case .buffered = message.place { true } else { false }
        if isBuffered || message.usesSpace {
            guard channel.engine.holdRoom() else {
                throw StoredHubError("channel \(channel.name) keeps more messages than it has space for")
            }
            offer.isHeld = !isBuffered
        }
        switch message.place {
        case .buffered:
            offer.place = .buffered(channel.engine.bufferHeld(offer))
            countBuffered(offer, on: channel)
        case .returned:
            offer.place = .returned(channel.ensureExtras().returned.insert(offer, at: offer.position))
            if offer.isHeld { countBuffered(offer, on: channel) }
            chargeReturn(of: offer)
        case .delayed(let nanoseconds):
            withhold(offer, on: channel, until: now &+ (nanoseconds > pause ? nanoseconds - pause : 0))
        case .held(let reason):
            guard channel.extras?.policy?.deadChannel != nil else {
                throw StoredHubError("channel \(channel.name) has rejected messages, but no dead channel")
            }
            hold(offer, on: channel, until: Rejection(reason: reason))
        }
    }
}

extension SendMemory.Entry {
    /// Creates the entry of a stored id, and charges a client for the answer.
    fileprivate init(_ result: StoredSend.Result, for client: ClientRecord) {
        self =
            switch result {
            case .delivered: .delivered
            case .rejected(let reason, let isOfCall): .rejected(reason, isOfCall: isOfCall)
            case .rejectedLater: .rejectedLater
            case .unanswered: .called(nil)
            case .answered(let body): .called(KeptAnswer(body, for: client))
            case .answerForgotten: .called(KeptAnswer(nil, for: client))
            }
    }
}
