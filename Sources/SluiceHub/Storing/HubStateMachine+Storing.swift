import SluiceRuntime
import SluiceWire

extension HubStateMachine {
    /// Returns what the hub keeps. Call it on a drained hub.
    func stored() -> StoredHub {
        var payers = StoredPayers()
        var hub = StoredHub(epochs: Array(([epoch] + earlierEpochs).prefix(StoredHub.mostEpochs)))
        let leased = keptLeasedOffers
        var all: [NamedChannel] = []
        channels.forEach { all.append($0) }
        for channel in all.sorted(by: { $0.name.description < $1.name.description }) {
            let messages = storedMessages(of: channel, leased: leased[ObjectIdentifier(channel)] ?? [], &payers)
            let isDeclared = channel.extras?.declaration != nil
            guard isDeclared || channel.engine.ending != nil || !messages.isEmpty else { continue }
            hub.channels.append(
                StoredChannel(
                    name: channel.name, declaration: ChannelDeclaration(of: channel), isDeclared: isDeclared,
                    policy: channel.extras?.policy, payer: channel.payer.map { payers.place(of: $0) },
                    ending: channel.engine.ending, hasLostReceivers: channel.extras?.hasLostReceivers == true,
                    counts: channel.counts, messages: messages))
        }
        memory.forEach { key, entry, client in
            guard let result = StoredSend.Result(entry) else { return }
            hub.sends.append(StoredSend(key: key, payer: payers.place(of: client), result: result))
        }
        hub.clients = payers.clients
        return hub
    }

    /// The kept messages that receivers hold, by their channels. A hub whose drain was ended early may have some.
    private var keptLeasedOffers: [ObjectIdentifier: [Offer]] {
        var offers: [ObjectIdentifier: [Offer]] = [:]
        leases.forEach { _, lease in
            if lease.offer.isKept { offers[ObjectIdentifier(lease.channel), default: []].append(lease.offer) }
        }
        return offers
    }

    private func storedMessages(
        of channel: NamedChannel, leased: [Offer], _ payers: inout StoredPayers
    ) -> [StoredMessage] {
        var (returned, delayed) = (leased, [Offer]())
        channel.extras?.returned.forEach { returned.append($0) }
        channel.extras?.delayed.forEach { delayed.append($0) }
        let isEarlier = { (left: Offer, right: Offer) in left.position < right.position }
        var found: [(offer: Offer, place: StoredMessage.Place)] = returned.sorted(by: isEarlier).map { ($0, .returned) }
        var last: WaitTicket?
        while let (ticket, offer) = channel.engine.buffered(after: last) {
            found.append((offer, .buffered))
            last = ticket
        }
        for offer in delayed.sorted(by: isEarlier) { found.append((offer, .delayed(timeLeft(of: offer)))) }
        channel.extras?.held.forEach { found.append(($0, .held($0.extras?.rejection?.reason))) }
        var messages: [StoredMessage] = []
        // The value of an ended once channel belongs to the channel's name, and is not counted as kept.
        for (offer, place) in found where offer.isKept || channel.isOnce {
            messages.append(stored(offer, place, &payers))
        }
        return messages
    }

    /// The nanoseconds before which no receiver gets a delayed message.
    private func timeLeft(of offer: Offer) -> UInt64 {
        guard case .delayed(let deadline, _) = offer.place, let end = deadlines.priority(of: deadline) else { return 0 }
        return end > now ? end - now : 0
    }

    private func stored(
        _ offer: Offer, _ place: StoredMessage.Place, _ payers: inout StoredPayers
    ) -> StoredMessage {
        StoredMessage(
            body: offer.body, place: place, usesSpace: offer.isHeld, position: offer.position,
            payer: payers.place(of: offer.payer ?? unknownClient), attempts: offer.attempts, key: offer.key,
            isRemembered: offer.key.map { memory.keeps($0, offer) } ?? false, origin: offer.storedOrigin,
            trace: offer.extras?.trace)
    }
}

/// Collects the clients that are charged for something that is stored.
private struct StoredPayers {
    private(set) var clients: [StoredClient] = []
    private var places: [ObjectIdentifier: Int] = [:]

    /// Returns the place of a client, and adds it if it is new.
    mutating func place(of client: ClientRecord) -> Int {
        if let place = places[ObjectIdentifier(client)] { return place }
        places[ObjectIdentifier(client)] = clients.count
        clients.append(StoredClient(address: client.address, holder: client.holder.name))
        return clients.count - 1
    }
}

extension StoredSend.Result {
    /// Returns nil if the message is not delivered yet, or if its channel keeps it.
    fileprivate init?(_ entry: SendMemory.Entry) {
        switch entry {
        case .pending, .kept: return nil
        case .delivered: self = .delivered
        case .rejected(let reason, let isOfCall): self = .rejected(reason, isOfCall: isOfCall)
        case .rejectedLater: self = .rejectedLater
        case .called(nil): self = .unanswered
        case .called(let answer?): self = answer.body.map { .answered($0) } ?? .answerForgotten
        }
    }
}

extension ChannelDeclaration {
    /// What a channel does with its messages, also when it is no longer declared.
    fileprivate init(of channel: NamedChannel) {
        if channel.isBroadcast {
            self = .broadcast
            return
        }
        switch channel.engine.kind {
        case .rendezvous: self = .rendezvous
        case .buffered(let capacity): self = .queue(capacity: capacity)
        case .droppingNewest(let capacity): self = .queue(capacity: capacity, overflow: .dropNewest)
        case .droppingOldest(let capacity): self = .queue(capacity: capacity, overflow: .dropOldest)
        case .once: self = .once
        case .unbounded: preconditionFailure("no declaration makes a channel unbounded")
        }
    }
}
