import SluiceRuntime
import SluiceWire

/// The commands that declare channels, end them, and join or leave their ends.
extension HubStateMachine {
    // MARK: Opening

    mutating func open(_ command: OpenCommand, by connection: ConnectionID) -> Reply {
        let channel = channels.channel(command.channel)
        let reply = open(channel, command, by: clients[connection] ?? unknownClient)
        channels.removeIfIdle(channel, at: now)
        return reply
    }

    private mutating func open(
        _ channel: NamedChannel, _ command: OpenCommand, by client: ClientRecord
    ) -> Reply {
        let declaration = command.declaration
        if channel.extras?.declaration == declaration, channel.extras?.policy == command.policy {
            return .ok(Attributes())
        }
        guard channel.extras?.declaration == nil else {
            return .error(WireError(.conflict, "the channel is open with other options; CLOSE it first"))
        }
        if let refusal = refusalToDeclare(for: client) { return .error(refusal) }
        guard channel.engine.ending == nil else {
            guard channel.isTombstone else {
                return .error(WireError(.conflict, "the channel has ended but still has messages to receive"))
            }
            declare(channels.renew(channel), command, by: client)
            return .ok(Attributes())
        }
        if let refusal = refusalToChange(channel, to: declaration) { return .error(refusal) }
        declare(channel, command, by: client)
        return .ok(Attributes())
    }

    /// Returns the reason why a channel that is used as a rendezvous cannot become another kind, or nil.
    private func refusalToChange(_ channel: NamedChannel, to declaration: ChannelDeclaration) -> WireError? {
        if declaration == .rendezvous { return nil }
        guard channel.engine.parkedSenders == 0, channel.awayCount == 0, channel.extras?.returned.isEmpty != false
        else { return WireError(.conflict, "messages are waiting on the channel as a rendezvous") }
        if case .queue = declaration { return nil }
        if channel.leasedReceivers > 0 {
            return WireError(.conflict, "receivers with a lease are waiting on the channel")
        }
        guard channel.pausedCountedReceives > 0, channel.countedReceives.count > Self.mostPausedBeforeBroadcast else {
            return nil
        }
        return WireError(
            .conflict,
            "more than \(Self.mostPausedBeforeBroadcast) counted receives are on the channel; OPEN it before them")
    }

    /// The most counted receives that are visited when a channel becomes a broadcast.
    static let mostPausedBeforeBroadcast = 10_000

    mutating func declare(
        _ channel: NamedChannel, _ command: OpenCommand, by client: ClientRecord
    ) {
        let declaration = command.declaration
        let extras = channel.ensureExtras()
        extras.declaration = declaration
        extras.policy = command.policy
        extras.isBroadcast = declaration == .broadcast
        if extras.isBroadcast { notePauses(of: channel) }
        channel.engine.kind = declaration.kind
        channels.declaredCount += 1
        beginDeclaration(of: channel, by: client)
    }

    // MARK: Ending

    mutating func close(_ name: ChannelName, by connection: ConnectionID) -> Reply {
        let channel = channels.channel(name)
        close(channel, reason: nil, by: connection)
        return .ok(Attributes())
    }

    /// Closes a channel: it refuses sends, but messages that it has or that can come back are still received.
    private mutating func close(_ channel: NamedChannel, reason: String?, by connection: ConnectionID) {
        retract(channel)
        noteEnder(connection, of: channel)
        // The value of a closed once channel belongs to its tombstone, which keeps it for a while.
        if channel.isOnce, let value = channel.engine.firstBuffered {
            uncountKept(value)
            uncountBuffered(value, on: channel)
        }
        if channel.engine.ending == nil {
            // The message that is being broadcast is not for receivers that came after it, unless it still lacks
            // receivers.
            let keepsReceivers =
                channel.mayGetBack || channel.engine.parkedSenders > 0 || channel.extras?.round?.isStalled == true
            channel.engine.beginClosing(reason: reason)
            if !keepsReceivers { endReceivers(of: channel) }
        }
        settleEnding(of: channel)
    }

    mutating func poison(_ name: ChannelName, _ reason: String?, by connection: ConnectionID) -> Reply {
        poison(channels.channel(name), reason, by: connection)
        return .ok(Attributes())
    }

    private mutating func poison(_ channel: NamedChannel, _ reason: String?, by connection: ConnectionID) {
        retract(channel)
        noteEnder(connection, of: channel)
        // The reason is kept as long as the name, so it is cut to the length that replies show.
        if channel.engine.beginPoisoning(reason: reason.map(Self.cut)) { evictAll(from: channel) }
    }

    /// Returns the beginning of a reason, up to the length that replies show.
    static func cut(_ reason: String) -> String {
        guard reason.utf8.count > Limits.maxReasonBytes else { return reason }
        return String(decoding: reason.utf8.prefix(Limits.maxReasonBytes + 4), as: UTF8.self)
    }

    /// Notes the client that is charged for the name of a channel that ends. The first one stays.
    private func noteEnder(_ connection: ConnectionID, of channel: NamedChannel) {
        if channel.payer == nil { channel.payer = clients[connection] ?? unknownClient }
    }

    /// Ends a channel whose last joined receiver has left, and answers its senders.
    private mutating func refuseSenders(of channel: NamedChannel, by connection: ConnectionID) {
        retract(channel)
        noteEnder(connection, of: channel)
        channel.ensureExtras().hasLostReceivers = true
        channel.engine.beginClosing(reason: "its last receiver has gone")
        evictAll(from: channel)
    }

    /// Answers all operations and senders of a channel that has ended on both sides.
    private mutating func evictAll(from channel: NamedChannel) {
        var queues = EndedQueues(
            receivers: channel.engine.takeReceivers(),
            senders: channel.engine.takeSenders(),
            messages: channel.engine.takeMessages())
        if let extras = channel.extras {
            swap(&queues.returned, &extras.returned)
            swap(&queues.delayed, &extras.delayed)
            queues.held = extras.held.takeAll()
            if let round = extras.round {
                if let delivery = round.delivery { queues.receiversOfRound = delivery.takeRest() }
                extras.round = nil
                let reply = round.offer.attempts > 0 ? Reply.maybe("poisoned") : channel.endingReply
                refuse(round.offer, on: channel, reply)
            }
        }
        perform(Eviction(queues, of: channel))
    }

    /// Tells all receivers of a channel that it has ended.
    private mutating func endReceivers(of channel: NamedChannel) {
        if channel.engine.parkedReceivers > 0 { perform(EndedReceivers(channel.engine.takeReceivers(), of: channel)) }
    }

    /// Discards an offer of a channel that has ended, and answers its senders.
    mutating func refuse(_ offer: Offer, on channel: NamedChannel, _ reply: Reply? = nil) {
        discard(offer, on: channel)
        if offer.sender != nil { endSenders(of: offer, OfferVerdict(reply ?? channel.endingReply)) }
    }

    /// Removes the declaration of a channel.
    mutating func retract(_ channel: NamedChannel) {
        guard let extras = channel.extras, extras.declaration != nil else { return }
        extras.declaration = nil
        channels.declaredCount -= 1
        endDeclaration(of: channel)
    }

    /// Answers the receivers of an ended channel once no message is left that could come back.
    mutating func settleEnding(of channel: NamedChannel) {
        if deferSettling(of: channel) { return }
        if channel.engine.ending != nil, channel.isDrained, !channel.isOnce {
            endReceivers(of: channel)
        }
        channels.removeIfIdle(channel, at: now)
    }

    // MARK: Ends

    mutating func join(_ command: JoinCommand, _ connection: ConnectionID) -> Reply {
        let channel = channels.channel(command.end.channel)
        guard channel.engine.ending == nil || channel.isOnce else { return channel.endingReply }
        let onDeath = command.onDeath ?? .retire
        // The search below visits all of the client's ends.
        steps += (clients[connection]?.ends.count ?? 0) / 16
        let isKnown = { (end: DeclaredEnd) in end.channel.name == channel.name && end.side == command.end.side }
        if let place = clients[connection]?.ends.firstIndex(where: isKnown) {
            guard clients[connection]?.ends[place].channel !== channel else {
                clients[connection]?.ends[place].onDeath = onDeath
                return .ok(Attributes())
            }
            // The known end belongs to an earlier channel of that name, which has ended.
            clients[connection]?.ends.remove(at: place)
            clients[connection]?.charge(-ObjectSize.end(of: channel.name))
        }
        if (clients[connection]?.ends.count ?? 0) >= limits.maxEnds { forgetEndedEnd(of: connection) }
        guard (clients[connection]?.ends.count ?? 0) < limits.maxEnds else {
            channels.removeIfIdle(channel, at: now)
            return .error(WireError(.limit, "a connection may join at most \(limits.maxEnds) ends of channels"))
        }
        if let client = clients[connection] {
            let bytes = ObjectSize.end(of: channel.name)
            if let refusal = account.refusal(of: bytes, for: client) {
                channels.removeIfIdle(channel, at: now)
                return .error(refusal)
            }
            client.charge(bytes)
        }
        clients[connection]?.ends.append(DeclaredEnd(channel: channel, side: command.end.side, onDeath: onDeath))
        endsVersion &+= 1
        let extras = channel.ensureExtras()
        switch command.end.side {
        case .send: extras.sendingEnds.insert(connection)
        case .receive:
            extras.receivingEnds.insert(connection)
            if channel.isBroadcast { runRounds(of: channel) }
        }
        return .ok(Attributes())
    }

    /// Makes room for another end by leaving the earliest one whose channel has ended, if there is one.
    private mutating func forgetEndedEnd(of connection: ConnectionID) {
        let hasEnded = { (end: DeclaredEnd) in end.channel.engine.ending != nil && !end.channel.isOnce }
        guard let place = clients[connection]?.ends.firstIndex(where: hasEnded),
            let end = clients[connection]?.ends.remove(at: place)
        else { return }
        leave(end, connection, because: .retire)
    }

    mutating func leave(_ end: ChannelEnd, _ connection: ConnectionID) -> Reply {
        steps += (clients[connection]?.ends.count ?? 0) / 16
        let isMeant = { (known: DeclaredEnd) in known.channel.name == end.channel && known.side == end.side }
        guard let place = clients[connection]?.ends.firstIndex(where: isMeant),
            let known = clients[connection]?.ends.remove(at: place)
        else { return .error(WireError(.notFound, "this connection has not joined that end of the channel")) }
        leave(known, connection, because: .retire)
        return .ok(Attributes())
    }

    /// Removes an end from its channel, and ends the channel if it was the last end of its side.
    ///
    /// - Parameter policy: what the end does to its channel. Nil for nothing, because its client leaves a draining hub
    ///   and may join the same channel in the next run.
    mutating func leave(_ end: DeclaredEnd, _ connection: ConnectionID, because policy: DeathPolicy?) {
        endsVersion &+= 1
        let channel = end.channel
        clients[connection]?.charge(-ObjectSize.end(of: channel.name))
        guard let extras = channel.extras else { return }
        switch end.side {
        case .send: extras.sendingEnds.remove(connection)
        case .receive:
            extras.receivingEnds.remove(connection)
            // If the channel ends with this receiver, its end decides about a message that no receiver has.
            let endsChannel = policy == .poison || extras.receivingEnds.isEmpty
            if !endsChannel || channel.engine.ending != nil || extras.round?.offer.attempts != 0 {
                removeRecipient(.end(connection), fromRoundOf: channel)
            }
        }
        if channel.engine.ending != nil { return channels.removeIfIdle(channel, at: now) }
        switch (policy, end.side) {
        case (.poison?, _): poison(channel, "its \(end.side.person) has died", by: connection)
        case (.retire?, .send) where extras.sendingEnds.isEmpty:
            close(channel, reason: "its last sender has gone", by: connection)
        case (.retire?, .receive) where extras.receivingEnds.isEmpty: refuseSenders(of: channel, by: connection)
        case (.retire?, _), (nil, _): channels.removeIfIdle(channel, at: now)
        }
    }
}

extension ChannelDeclaration {
    /// The kind of channel for the matching engine. Broadcasts are delivered in rounds, outside the engine.
    var kind: ChannelKind {
        switch self {
        case .queue(capacity: 0, overflow: .block), .broadcast: .rendezvous
        case .queue(let capacity, .block): .buffered(capacity: capacity)
        case .queue(let capacity, .dropNewest): .droppingNewest(capacity: capacity)
        case .queue(let capacity, .dropOldest): .droppingOldest(capacity: capacity)
        case .once: .once
        }
    }
}

extension ChannelEnd.Side {
    fileprivate var person: String {
        switch self {
        case .send: "sender"
        case .receive: "receiver"
        }
    }
}
