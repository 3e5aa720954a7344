import SluiceRuntime
import SluiceWire

/// The channels by name: those in use, those that were declared, and for a while those that have ended.
///
/// Other channels need no memory, because a channel exists only by its use.
struct ChannelTable: ~Copyable {
    /// The number of channels that are found without a search, and the most objects that are kept without a name.
    private static let maxRecent = 64

    private var index = ChannelIndex()
    /// The channels in the order of their names, for reports. All except the cached ones are in it or among its
    /// newcomers, or in `recent`.
    let order = ChannelOrder()
    /// The channels that were looked up most recently, by slots that the channels and their clients remember. A channel
    /// that exists only for a handoff, again and again, stays here between its uses, because inserting and removing it
    /// took a thirtieth of a handoff. Nothing else sees cached channels.
    private var recent = ContiguousArray<NamedChannel?>(repeating: nil, count: maxRecent)
    private var nextSlot = 0
    private var cachedCount = 0
    private var spares: [NamedChannel] = []
    private var tombstones: Retention<NamedChannel>
    /// The number of ended channels of which only the name is kept.
    private(set) var tombstoneCount = 0
    /// The bytes of the values that ended once channels still deliver.
    private(set) var tombstoneBytes = 0
    /// The number of declared channels that have not ended.
    var declaredCount = 0

    init(tombstoneLife: Duration, maxTombstones: Int) {
        tombstones = Retention(life: tombstoneLife, maxCount: maxTombstones)
    }

    /// Changes the time for which later tombstones are kept, and the most that are kept.
    mutating func keepTombstones(for life: Duration, maxCount: Int) {
        tombstones.change(life: life, maxCount: maxCount)
    }

    /// The number of channels without tombstones.
    var count: Int { index.count - tombstoneCount - cachedCount }
    /// The time at which the next name of an ended channel becomes free.
    var nextEnd: UInt64? { tombstones.nextEnd }

    /// Returns the channel of that name, creating it if necessary. A caller that does not use it must call `release`.
    ///
    /// - Parameter slot: the slot in which the caller found its previous channel. It is checked first.
    mutating func channel(_ name: ChannelName, at slot: inout Int32) -> NamedChannel {
        if slot >= 0, let channel = recent[Int(slot)], channel.name == name {
            if channel.isCached { uncache(channel) }
            return channel
        }
        let channel = findOrCreate(name)
        if channel.recentSlot < 0 { place(channel) }
        slot = channel.recentSlot
        return channel
    }

    /// Returns the channel of that name, creating it if necessary. A caller that does not use it must call `release`.
    mutating func channel(_ name: ChannelName) -> NamedChannel {
        let channel = findOrCreate(name)
        if channel.recentSlot < 0, channel.links.place == .nowhere { order.note(channel) }
        return channel
    }

    private mutating func findOrCreate(_ name: ChannelName) -> NamedChannel {
        let hash = index.hash(of: name)
        if let channel = index.channel(name, hash: hash) {
            if channel.isCached { uncache(channel) }
            return channel
        }
        let channel = spare(name, hash) ?? NamedChannel(name, hash: hash)
        index.insert(channel)
        return channel
    }

    /// Takes a spare object and gives it a new name.
    private mutating func spare(_ name: ChannelName, _ hash: UInt64) -> NamedChannel? {
        guard let channel = spares.popLast() else { return nil }
        channel.name = name
        channel.hash = hash
        return channel
    }

    func existing(_ name: ChannelName) -> NamedChannel? {
        guard let channel = index.channel(name, hash: index.hash(of: name)), !channel.isCached else { return nil }
        return channel
    }

    func forEach(_ visit: (NamedChannel) -> Void) {
        index.forEach { if !$0.isCached { visit($0) } }
    }

    /// Puts the channels that were looked up most recently into the order of names.
    func orderRecent() {
        for case let channel? in recent where !channel.isCached && channel.links.place == .nowhere {
            order.insert(channel)
        }
    }

    /// Removes the channel if it is idle. An ended channel becomes a tombstone.
    mutating func removeIfIdle(_ channel: NamedChannel, at now: UInt64) {
        guard channel.engine.ending == nil else { return bury(channel, at: now) }
        guard channel.isInTable, !channel.isCached, channel.isIdle else { return }
        if channel.extras == nil { cache(channel) } else { remove(channel) }
    }

    // MARK: Channels kept for reuse

    private mutating func cache(_ channel: NamedChannel) {
        channel.isCached = true
        if channel.links.place != .nowhere { order.remove(channel) }
        channel.counts = ChannelCounts()
        cachedCount += 1
        if channel.recentSlot < 0 { place(channel) }
    }

    /// Gives a channel a slot, and takes it from the channel that has had one longest.
    private mutating func place(_ channel: NamedChannel) {
        if let other = recent[nextSlot] {
            other.recentSlot = -1
            if other.isCached {
                uncache(other)
                index.remove(other)
                if spares.count < Self.maxRecent { spares.append(other) }
            } else if other.links.place == .nowhere {
                order.note(other)
            }
        }
        recent[nextSlot] = channel
        channel.recentSlot = Int32(nextSlot)
        nextSlot = (nextSlot + 1) % Self.maxRecent
    }

    private mutating func uncache(_ channel: NamedChannel) {
        channel.isCached = false
        cachedCount -= 1
    }

    /// Removes a channel that is not cached from the table.
    private mutating func remove(_ channel: NamedChannel) {
        index.remove(channel)
        order.remove(channel)
        guard channel.recentSlot >= 0 else { return }
        recent[Int(channel.recentSlot)] = nil
        channel.recentSlot = -1
    }

    // MARK: Ending

    private mutating func bury(_ channel: NamedChannel, at now: UInt64) {
        guard !channel.isTombstone, channel.isDrained, channel.extras?.declaration == nil,
            channel.engine.parkedReceivers == 0, channel.isInTable
        else { return }
        let bytes = ObjectSize.tombstone(of: channel)
        guard let payer = channel.payer, makeRoom(bytes, for: payer) else { return remove(channel) }
        channel.isTombstone = true
        tombstoneCount += 1
        channel.extras?.buriedBytes = channel.engine.firstBuffered?.body.count ?? 0
        tombstoneBytes += channel.extras?.buriedBytes ?? 0
        tombstones.keep(channel, for: payer, charging: bytes, at: now)
        prune(at: now, atMost: Self.prunedAtOnce)
    }

    /// Frees the oldest names of channels that the client has ended, until it may be charged for another name.
    ///
    /// - Returns: whether the client may be charged.
    private mutating func makeRoom(_ bytes: Int, for client: ClientRecord) -> Bool {
        while client.holder.account.refusal(of: bytes, for: client, outlivesConnection: true) != nil {
            guard let oldest = tombstones.popOldest(of: client) else { return false }
            if exhume(oldest) { remove(oldest) }
        }
        return true
    }

    /// Replaces an ended channel with a new one.
    mutating func renew(_ channel: NamedChannel) -> NamedChannel {
        exhume(channel)
        remove(channel)
        return self.channel(channel.name)
    }

    /// The most names that are freed when another channel ends.
    private static let prunedAtOnce = 8

    /// Frees the names of ended channels that have expired or that exceed the maximum number.
    ///
    /// - Returns: the number of freed names.
    @discardableResult
    mutating func prune(at now: UInt64, atMost count: Int = .max) -> Int {
        var pruned = 0
        while pruned < count, let channel = tombstones.popSurplus(at: now) {
            // If the name was opened again in the meantime, it belongs to another channel.
            if exhume(channel) { remove(channel) }
            pruned += 1
        }
        return pruned
    }

    /// Turns a tombstone back into an ordinary channel.
    ///
    /// - Returns: whether the channel was a tombstone.
    @discardableResult
    private mutating func exhume(_ channel: NamedChannel) -> Bool {
        guard channel.isTombstone else { return false }
        channel.isTombstone = false
        tombstoneCount -= 1
        tombstoneBytes -= channel.extras?.buriedBytes ?? 0
        return true
    }
}
