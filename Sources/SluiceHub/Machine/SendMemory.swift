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

    /// The number of deliveries that are remembered.
    var deliveredCount: Int { delivered.count }
    /// When the next one will be forgotten.
    var nextEnd: UInt64? { delivered.nextEnd }

    subscript(key: SendKey) -> Entry? { entries[key] }

    mutating func begin(_ key: SendKey, _ offer: Offer) {
        entries[key] = .pending(offer)
    }

    mutating func finish(_ key: SendKey, at now: UInt64) {
        entries[key] = .delivered
        delivered.keep(key, at: now)
        prune(at: now)
    }

    /// Nothing has come of the send: made again, it is a new one.
    mutating func forget(_ key: SendKey) {
        entries[key] = nil
        shrink()
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
