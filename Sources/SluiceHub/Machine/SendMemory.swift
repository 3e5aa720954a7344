import SluiceWire

/// Identifies a message that can be sent again: its channel and the id that its sender has given it.
struct SendKey: Sendable, Hashable {
    let channel: ChannelName
    let id: MessageID
}

/// Remembers the sends with an id, so that a repeated send is not delivered again.
struct SendMemory: ~Copyable {
    enum Entry {
        /// The message is not delivered yet.
        case pending(Offer)
        /// The message was delivered, which is remembered for some time.
        case delivered
    }

    private var entries: [SendKey: Entry] = [:]
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
    mutating func finish(_ key: SendKey, by client: ClientRecord, at now: UInt64) {
        entries[key] = .delivered
        delivered.keep(key, for: client, charging: ObjectSize.remembered(key), at: now)
        prune(at: now)
    }

    /// Forgets an offer that was not delivered, so that a repeated send counts as a new one.
    mutating func forget(_ key: SendKey, _ offer: Offer) {
        guard isPending(key, offer) else { return }
        entries[key] = nil
        shrink()
    }

    /// Whether the id belongs to that offer, and its message is not delivered yet.
    func isPending(_ key: SendKey, _ offer: Offer) -> Bool {
        if case .pending(let known)? = entries[key] { known === offer } else { false }
    }

    mutating func prune(at now: UInt64) {
        var hasPruned = false
        while let key = delivered.popSurplus(at: now) {
            entries[key] = nil
            hasPruned = true
        }
        if hasPruned { shrink() }
    }

    private mutating func shrink() {
        if entries.isEmpty, entries.capacity > 1024 { entries = [:] }
    }
}
