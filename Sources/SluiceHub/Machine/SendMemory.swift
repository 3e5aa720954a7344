import SluiceWire

/// Names a message for those who may send it again: its channel, and what its sender calls it.
struct SendKey: Sendable, Hashable {
    let channel: ChannelName
    let id: MessageID
}

/// Remembers the sends that have an id, so that the same one made again is not delivered again.
struct SendMemory: ~Copyable {
    enum Entry {
        /// It is on its way.
        case pending(Offer)
        /// It was delivered, and is remembered for a while.
        case delivered
    }

    private var entries: [SendKey: Entry] = [:]
    private var delivered: Retention<SendKey>

    init(life: Duration, maxCount: Int) {
        delivered = Retention(life: life, maxCount: maxCount)
    }

    /// Remembers deliveries for another while from now on, and at most so many.
    mutating func keepDelivered(for life: Duration, maxCount: Int) {
        delivered.change(life: life, maxCount: maxCount)
    }

    /// The number of deliveries that are remembered.
    var deliveredCount: Int { delivered.count }
    /// When the next one will be forgotten.
    var nextEnd: UInt64? { delivered.nextEnd }

    subscript(key: SendKey) -> Entry? { entries[key] }

    mutating func begin(_ key: SendKey, _ offer: Offer) {
        entries[key] = .pending(offer)
    }

    /// The send is done; one that was made at once was not pending.
    mutating func finish(_ key: SendKey, at now: UInt64) {
        entries[key] = .delivered
        delivered.keep(key, at: now)
        prune(at: now)
    }

    /// The offer is done, unless its sender was told so before.
    mutating func finish(_ key: SendKey, _ offer: Offer, at now: UInt64) {
        if isPending(key, offer) { finish(key, at: now) }
    }

    /// Nothing has come of the offer: made again, the send is a new one. What its sender was told stays true.
    mutating func forget(_ key: SendKey, _ offer: Offer) {
        guard isPending(key, offer) else { return }
        entries[key] = nil
        shrink()
    }

    private func isPending(_ key: SendKey, _ offer: Offer) -> Bool {
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
