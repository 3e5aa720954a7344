import SluiceWire

/// Identifies a message that can be sent again: its channel, the id that its sender has given it, and the sender's principal,
/// so that no principal can take the ids of another one, or read the answers to its calls.
///
/// An object, because few messages have an id, and each message has a reference to its key.
final class SendKey: Sendable, Hashable {
    let channel: ChannelName
    let id: MessageID
    /// Nil if the sender has none.
    let principal: ChannelName?

    init(channel: ChannelName, id: MessageID, of principal: ChannelName? = nil) {
        self.channel = channel
        self.id = id
        self.principal = principal
    }

    static func == (left: SendKey, right: SendKey) -> Bool {
        left === right || left.id == right.id && left.channel == right.channel && left.principal == right.principal
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(channel)
        hasher.combine(id)
        hasher.combine(principal)
    }
}

/// Remembers the sends with an id, so that a repeated send is not delivered again.
struct SendMemory: ~Copyable {
    enum Entry {
        /// The message is not delivered yet.
        case pending(Offer)
        /// The channel has answered for the message and keeps it, but no receiver has taken it yet. This is remembered
        /// for some time.
        case kept(Offer)
        /// The message was delivered, or dropped after the channel had answered for it. This is remembered for some
        /// time.
        case delivered
        /// The message was rejected, with a reason. This is remembered for some time.
        case rejected(String?, isOfCall: Bool)
        /// The message was rejected after its channel had answered for it. This is remembered for some time.
        case rejectedLater
        /// The message of a call was taken, with the answer, or without one. This is remembered for some time.
        case called(KeptAnswer?)

        /// Whether the message is that of a `CALL`.
        var isOfCall: Bool {
            switch self {
            case .pending(let offer): offer.wantsAnswer
            case .kept, .delivered, .rejectedLater: false
            case .rejected(_, let isOfCall): isOfCall
            case .called: true
            }
        }
    }

    private var entries = ShardedDictionary<SendKey, Entry>()
    private var delivered: Retention<SendKey>

    init(life: Duration, maxCount: Int) {
        delivered = Retention(life: life, maxCount: maxCount)
    }

    /// Changes the time for which later deliveries are remembered, and the most that are remembered.
    mutating func keepDelivered(for life: Duration, maxCount: Int) {
        delivered.change(life: life, maxCount: maxCount)
    }

    /// The number of remembered deliveries.
    var deliveredCount: Int { delivered.count }
    /// The time at which the next delivery is forgotten.
    var nextEnd: UInt64? { delivered.nextEnd }

    subscript(key: SendKey) -> Entry? { entries[key] }

    mutating func begin(_ key: SendKey, _ offer: Offer) {
        entries[key] = .pending(offer)
    }

    /// Records the delivery of a send, which need not have been pending, and charges its client for the id.
    ///
    /// - Parameter entry: what is remembered; not `pending`.
    mutating func finish(_ key: SendKey, as entry: Entry, by client: ClientRecord, at now: UInt64) {
        entries[key] = entry
        delivered.keep(key, for: client, charging: ObjectSize.remembered(key), at: now)
        pruneAfterKeeping(for: client, at: now)
    }

    /// Forgets some ids, after another one has been remembered for a client.
    private mutating func pruneAfterKeeping(for client: ClientRecord, at now: UInt64) {
        prune(at: now, atMost: Self.prunedAtOnce)
        guard let most = client.holder.limits.rememberedSends else { return }
        for _ in 0..<Self.prunedAtOnce {
            guard let key = delivered.popOldest(of: client.holder, beyond: most) else { return }
            entries[key] = nil
        }
    }

    /// Records that an offer was rejected, and charges its client for the id if that was pending.
    mutating func reject(_ key: SendKey, _ offer: Offer, because reason: String?, at now: UInt64) {
        switch entries[key] {
        case .kept(let known)? where known === offer: entries[key] = .rejectedLater
        case .pending(let known)? where known === offer:
            guard let client = offer.payer else { return }
            entries[key] = .rejected(reason, isOfCall: offer.wantsAnswer)
            let bytes = ObjectSize.remembered(key) + (reason.map { ObjectSize.text($0) } ?? 0)
            delivered.keep(key, for: client, charging: bytes, at: now)
            pruneAfterKeeping(for: client, at: now)
        case .pending, .kept, .delivered, .called, .rejected, .rejectedLater, nil: break
        }
    }

    /// Records that a rejected message has been sent back to its channel, which keeps it now.
    mutating func revive(_ key: SendKey, _ offer: Offer) {
        switch entries[key] {
        case .rejected(_, isOfCall: false), .rejectedLater: entries[key] = .kept(offer)
        case .pending, .kept, .delivered, .called, .rejected, nil: break
        }
    }

    /// Forgets an offer that was not delivered, so that a repeated send counts as a new one. If its channel has
    /// answered for it, a repeated send counts as delivered.
    mutating func forget(_ key: SendKey, _ offer: Offer) {
        endKeeping(key, offer)
        guard isPending(key, offer) else { return }
        entries[key] = nil
    }

    /// Records that the channel no longer keeps an offer that it has answered for.
    ///
    /// - Returns: whether the channel had answered for it.
    @discardableResult
    mutating func endKeeping(_ key: SendKey, _ offer: Offer) -> Bool {
        guard case .kept(let known)? = entries[key], known === offer else { return false }
        entries[key] = .delivered
        return true
    }

    /// Whether the id belongs to that offer, and its message is not delivered yet.
    func isPending(_ key: SendKey, _ offer: Offer) -> Bool {
        if case .pending(let known)? = entries[key] { known === offer } else { false }
    }

    /// Whether the channel of that offer keeps it, and has answered for it.
    func keeps(_ key: SendKey, _ offer: Offer) -> Bool {
        if case .kept(let known)? = entries[key] { known === offer } else { false }
    }

    /// Visits the remembered ids of delivered, kept and rejected messages with the clients that are charged for them. Those of a client come in
    /// the order in which they were remembered.
    func forEach(_ visit: (SendKey, Entry, ClientRecord) -> Void) {
        delivered.forEach { key, client in
            if let entry = entries[key] { visit(key, entry, client) }
        }
    }

    /// The most ids that are forgotten when another one is remembered.
    private static var prunedAtOnce: Int { 8 }

    /// Forgets ids that have expired or that exceed the maximum number.
    ///
    /// - Returns: the number of forgotten ids.
    @discardableResult
    mutating func prune(at now: UInt64, atMost count: Int = .max) -> Int {
        var pruned = 0
        while pruned < count, let key = delivered.popSurplus(at: now) {
            entries[key] = nil
            pruned += 1
        }
        return pruned
    }
}
