import SluiceRuntime
import SluiceWire

/// A message on its way to all receivers of a broadcast.
struct BroadcastRound {
    let offer: Offer
    /// Nil before the round has begun.
    var awaited: AwaitedRecipients?
    /// The delivery to the receivers that were parked at the start of the round. Nil when it is complete.
    var delivery: RoundDelivery?

    /// Whether no receiver that the round waits for is left.
    var hasNoneLeft: Bool { awaited?.isEmpty != false && delivery == nil }

    /// Whether all receivers have left before one took the message, so that the round waits for enough others.
    var isStalled: Bool { hasNoneLeft && offer.attempts == 0 && offer.minimumReceivers > 0 }
}

/// The receivers at the start of a round that have not received its message yet, besides those that were parked.
///
/// A class, because a copy of the round must not make each change copy the sets. The set of paused receives is that of the
/// channel until one of the two changes, so that a round of very many begins at once.
final class AwaitedRecipients {
    @exclusivity(unchecked) private var pausedReceives: Set<OperationID>
    @exclusivity(unchecked) private var ends: Set<ConnectionID>

    init(of channel: ChannelExtras) {
        pausedReceives = channel.pausedReceives
        ends = channel.endsWithoutPausedReceive
    }

    var isEmpty: Bool { pausedReceives.isEmpty && ends.isEmpty }

    /// - Returns: whether the round has waited for the recipient.
    @discardableResult
    func remove(_ recipient: BroadcastRecipient) -> Bool {
        switch recipient {
        case .countedReceive(let id): pausedReceives.remove(id) != nil
        case .end(let connection): ends.remove(connection) != nil
        }
    }
}

/// Delivers the message of a round to the receivers that were parked at its start.
final class RoundDelivery: UnfinishedWork {
    private let channel: NamedChannel
    private let offer: Offer
    private var receivers: WaitQueue<WireReceiver>
    /// Whether the delivery takes more than the slice in which it began.
    private var isDeferred = false

    init(of offer: Offer, on channel: NamedChannel, to receivers: consuming WaitQueue<WireReceiver>) {
        self.offer = offer
        self.channel = channel
        self.receivers = receivers
    }

    /// Returns the receivers that do not have the message yet, and ends the delivery.
    func takeRest() -> WaitQueue<WireReceiver> { receivers.takeAll() }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while let receiver = receivers.first {
            guard machine.hasStepsLeft else {
                isDeferred = true
                return false
            }
            _ = receivers.popFirst()
            // An operation with two arms on the channel ends with the first.
            guard let operation = machine.operation(of: receiver), !machine.endIfDecided(receiver) else {
                machine.steps += 1
                continue
            }
            machine.steps += 1
            channel.extras?.round?.awaited?.remove(.end(operation.caller.connection))
            offer.attempts += 1
            machine.deliver(.shared(offer.body), offer.extras, of: channel, from: offer.origin, to: receiver)
        }
        guard channel.extras?.round?.delivery === self else { return true }
        channel.extras?.round?.delivery = nil
        if isDeferred { machine.deliveryEnds(of: offer, on: channel) }
        return true
    }
}

/// Begins the rounds of the sends that wait on a broadcast, if they are too many for one slice.
final class FurtherRounds: UnfinishedWork {
    private let channel: NamedChannel

    init(of channel: NamedChannel) {
        self.channel = channel
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        channel.extras?.hasRoundsLeft = false
        machine.runRounds(of: channel)
        return true
    }
}

/// A receiver of a broadcast that cannot receive the message at once.
enum BroadcastRecipient: Hashable, Sendable {
    /// A paused counted receive.
    case countedReceive(OperationID)
    /// A connection that has joined as a receiver, and has no receive parked.
    case end(ConnectionID)
}

/// Broadcasts: one message at a time, which every current receiver gets before the next one follows.
///
/// The current receivers are the parked receives, the counted receives, and the connections that have joined as
/// receivers. The `attempts` of a round's offer is the number of receivers that have its message.
extension HubStateMachine {
    mutating func broadcast(_ draft: Draft, on channel: NamedChannel) -> Attempt {
        if channel.engine.ending != nil { return .done(channel.endingReply) }
        guard channel.extras?.round == nil, channel.engine.parkedSenders == 0,
            hasRecipients(channel, atLeast: draft.minimumReceivers),
            !draft.mustReachAll || !hasRecipients(channel, atLeast: channel.engine.parkedReceivers + 1)
        else { return .blocked }
        let offer = makeOffer(draft)
        channel.counts.sent += 1
        guard beginRound(of: offer, on: channel) else { return .committed(offer) }
        remember(draft)
        offer.place = .gone
        let attributes = CommonAttributes.reaching(offer.attempts).taking(draft.arm)
        runRounds(of: channel)
        return offer.hasReachedTooFew ? .done(.tooFewReceivers) : .ok(attributes)
    }

    /// Begins the rounds of parked sends, one after the other, until a round has to wait for a receiver.
    mutating func runRounds(of channel: NamedChannel) {
        if deferSettling(of: channel) || channel.extras?.isSkippingSenders == true { return }
        guard stage == .serving else { return settleEnding(of: channel) }
        if let round = channel.extras?.round, round.isStalled,
            hasRecipients(channel, atLeast: Int(round.offer.minimumReceivers)),
            beginRound(of: round.offer, on: channel)
        {
            finish(round.offer, on: channel)
        }
        while hasStepsLeft, channel.extras?.round == nil, let next = channel.engine.firstParkedMessage,
            hasRecipients(channel, atLeast: Int(next.minimumReceivers)), let offer = channel.engine.takeSender()
        {
            steps += 1
            channel.extras?.isSkippingSenders = true
            let isUnwanted = endIfUnwanted(offer)
            channel.extras?.isSkippingSenders = false
            if isUnwanted { continue }
            // Set before the select withdraws its other arms, so that no other round begins then.
            channel.ensureExtras().round = BroadcastRound(offer: offer)
            if let sender = offer.sender { commitToBroadcast(sender, of: offer, on: channel) }
            if beginRound(of: offer, on: channel) { finish(offer, on: channel) }
        }
        if !hasStepsLeft, channel.extras?.round == nil, channel.engine.parkedSenders > 0 { runLater(channel) }
        settleEnding(of: channel)
    }

    /// Continues with the rounds of a channel in a later slice.
    private mutating func runLater(_ channel: NamedChannel) {
        guard let extras = channel.extras, !extras.hasRoundsLeft else { return }
        extras.hasRoundsLeft = true
        postpone(FurtherRounds(of: channel))
    }

    /// Commits a parked select to its message that is being broadcast.
    private mutating func commitToBroadcast(_ sender: Offer.Sender, of offer: Offer, on channel: NamedChannel) {
        offer.place = .distributing
        commit(sender, to: offer, on: channel)
    }

    /// Delivers a message to all receivers that can take it now.
    ///
    /// - Returns: whether all receivers have it, so that the round is over.
    private mutating func beginRound(of offer: Offer, on channel: NamedChannel) -> Bool {
        let extras = channel.ensureExtras()
        // The sets of ends and of paused receives may be copied; see `AwaitedRecipients`.
        steps += extras.receivingEnds.count / 4 + extras.pausedReceives.count / 64
        offer.place = .distributing
        let delivery = RoundDelivery(of: offer, on: channel, to: channel.engine.takeReceivers())
        extras.round = BroadcastRound(offer: offer, awaited: AwaitedRecipients(of: extras), delivery: delivery)
        perform(delivery)
        guard let round = extras.round, round.hasNoneLeft, !round.isStalled else { return false }
        extras.round = nil
        return true
    }

    private func strike(_ id: OperationID, from ends: inout Set<ConnectionID>) {
        if let connection = operations[id]?.caller.connection { ends.remove(connection) }
    }

    /// Whether a broadcast has a number of receivers.
    private mutating func hasRecipients(_ channel: NamedChannel, atLeast count: Int) -> Bool {
        guard let extras = channel.extras else { return channel.engine.parkedReceivers >= count }
        let receiving = channel.engine.parkedReceivers + extras.pausedReceives.count
        if receiving >= count { return true }
        if receiving + extras.receivingEnds.count < count { return false }
        var ends = extras.endsWithoutPausedReceive
        // Looks at what the joined connections wait for, or at all that wait to receive, whichever is less. If both are
        // very many, some connections do not count as receivers.
        let pending = ends.reduce(0) { $0 + Int(clients[$1]?.pendingCount ?? 0) }
        let least = min(pending, channel.engine.parkedReceivers, Self.mostVisited)
        steps += (least + extras.receivingEnds.count) / 16
        if pending < channel.engine.parkedReceivers || channel.engine.parkedReceivers > Self.mostVisited {
            var left = Self.mostVisited
            ends = ends.filter {
                left -= Int(clients[$0]?.pendingCount ?? 0)
                return left >= 0 && !waits($0, toReceiveFrom: channel)
            }
        } else {
            channel.engine.forEachReceiver { strike($0.operation, from: &ends) }
        }
        return receiving + ends.count >= count
    }

    /// The most operations that are visited to count the receivers of a broadcast.
    private static let mostVisited = 16_384

    /// Whether a connection has a receive, or an arm of a select, in the channel's queue.
    private func waits(_ connection: ConnectionID, toReceiveFrom channel: NamedChannel) -> Bool {
        var next = clients[connection]?.firstOperation
        while let id = next, let operation = operations[id] {
            switch operation.wait {
            case .receive(let other, _, _): if other === channel { return true }
            case .countedReceive(let counted): if counted.channel === channel { return true }
            case .select(let select):
                let hasArm = select.arms.contains {
                    if case .receive(let other, _, _) = $0 { other === channel } else { false }
                }
                if hasArm { return true }
            case .send, .barrier, .trace, .redrive: break
            }
            next = operation.next
        }
        return false
    }

    /// Takes the message of the current round if the round waits for the recipient.
    mutating func takeBroadcast(from channel: NamedChannel, as recipient: BroadcastRecipient) -> Taken {
        guard let extras = channel.extras, let round = extras.round else {
            return channel.engine.ending == nil || channel.engine.parkedSenders > 0 ? .nothing : .ended
        }
        if round.isStalled { return .nothing }
        let connection: ConnectionID? =
            switch recipient {
            case .end(let connection): connection
            case .countedReceive(let id): operations[id]?.caller.connection
            }
        let isAwaited =
            round.awaited?.remove(recipient) == true
            || connection.map { round.awaited?.remove(.end($0)) == true } == true
        guard isAwaited else {
            return channel.engine.ending == nil || channel.engine.parkedSenders > 0 ? .nothing : .ended
        }
        round.offer.attempts += 1
        finishIfComplete(channel)
        return .offer(round.offer)
    }

    /// Removes a recipient that has left from the current round.
    mutating func removeRecipient(_ recipient: BroadcastRecipient, fromRoundOf channel: NamedChannel) {
        guard channel.extras?.round?.awaited?.remove(recipient) == true else { return }
        finishIfComplete(channel)
    }

    /// Ends the current round because its sender has withdrawn: receivers without the message will not get it.
    mutating func withdrawRoundIfUnwanted(of channel: NamedChannel) {
        // Receivers that were parked at the start of a round get the message, whatever happens to its sender.
        guard let round = channel.extras?.round, round.delivery == nil else { return }
        channel.extras?.round = nil
        if round.offer.attempts > 0, round.offer.key != nil {
            // A repeated send must not deliver the message to the same receivers again.
            freeSpace(of: round.offer, on: channel)
            remember(round.offer)
        } else {
            discard(round.offer, on: channel)
        }
        runRounds(of: channel)
    }

    /// Ends the current round if every receiver has the message.
    mutating func finishIfComplete(_ channel: NamedChannel) {
        guard let extras = channel.extras, let round = extras.round, round.hasNoneLeft else { return }
        // The drain withdraws a message that no receiver has.
        if stage != .serving, round.offer.attempts == 0 { return }
        if deferSettling(of: channel) { return }
        if !round.isStalled {
            extras.round = nil
            finish(round.offer, on: channel)
        }
        runRounds(of: channel)
    }

    /// Whether a message is being delivered to receivers that were parked when its round began.
    func isBeingDelivered(_ offer: Offer, on channel: NamedChannel) -> Bool {
        guard let round = channel.extras?.round else { return false }
        return round.offer === offer && round.delivery != nil
    }

    /// Continues a round after the delivery to the receivers that were parked, if that took several slices.
    mutating func deliveryEnds(of offer: Offer, on channel: NamedChannel) {
        finishIfComplete(channel)
        guard channel.extras?.round?.offer === offer else { return }
        if let sender = offer.sender, operations[sender.operation]?.triesOnce == true {
            withdraw(sender.operation, .timeout)
        } else if !offer.isWanted {
            withdrawRoundIfUnwanted(of: channel)
        }
    }

    /// Answers the senders of a message that every receiver has that is still there.
    private mutating func finish(_ offer: Offer, on channel: NamedChannel) {
        guard offer.hasReachedTooFew else { return complete(offer, on: channel, .reaching(offer.attempts)) }
        // A repeated send must not deliver the message to the same receivers again.
        freeSpace(of: offer, on: channel)
        remember(offer)
        endSenders(of: offer, OfferVerdict(.tooFewReceivers))
    }
}

extension Offer {
    /// Whether fewer receivers have the message of a broadcast than its `need=`.
    fileprivate var hasReachedTooFew: Bool { attempts < Int(minimumReceivers) }
}

extension Reply {
    /// Some receivers have left before they took a broadcast, and fewer have it than its `need=`.
    fileprivate static let tooFewReceivers = Reply.maybe("receivers")
}
