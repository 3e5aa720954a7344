import SluiceRuntime
import SluiceWire

/// The channels by name: those in use, those that were declared, and for a while those that have ended.
///
/// Other channels need no memory, because a channel exists only by its use.
struct ChannelTable: ~Copyable {
    /// The most idle channel objects that are kept without a name, so that a channel that exists only for one handoff
    /// is not allocated each time.
    private static let maxSpares = 64

    private var index = ChannelIndex()
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
    var count: Int { index.count - tombstoneCount }
    /// The time at which the next name of an ended channel becomes free.
    var nextEnd: UInt64? { tombstones.nextEnd }

    /// Returns the channel of that name, creating it if necessary. A caller that does not use it must call `release`.
    mutating func channel(_ name: ChannelName) -> NamedChannel {
        let hash = index.hash(of: name)
        if let channel = index.channel(name, hash: hash) { return channel }
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

    func existing(_ name: ChannelName) -> NamedChannel? { index.channel(name, hash: index.hash(of: name)) }

    func existing(spelled bytes: UnsafeRawBufferPointer) -> NamedChannel? { index.channel(spelled: bytes) }

    func forEach(_ visit: (NamedChannel) -> Void) { index.forEach(visit) }

    /// Removes the channel if it is idle. An ended channel becomes a tombstone.
    mutating func release(_ channel: NamedChannel, at now: UInt64) {
        guard channel.engine.ending == nil else { return bury(channel, at: now) }
        guard channel.isInTable, channel.isIdle else { return }
        index.remove(channel)
        if spares.count < Self.maxSpares, channel.extras == nil { spares.append(channel) }
    }

    private mutating func bury(_ channel: NamedChannel, at now: UInt64) {
        guard !channel.isTombstone, channel.isDrained, channel.extras?.declaration == nil,
            channel.engine.parkedReceivers == 0, channel.isInTable
        else { return }
        channel.isTombstone = true
        tombstoneCount += 1
        channel.extras?.buriedBytes = channel.engine.bufferedMessages.first?.body.count ?? 0
        tombstoneBytes += channel.extras?.buriedBytes ?? 0
        tombstones.keep(channel, at: now)
        prune(at: now)
    }

    /// Replaces an ended channel with a new one.
    mutating func renew(_ channel: NamedChannel) -> NamedChannel {
        exhume(channel)
        index.remove(channel)
        return self.channel(channel.name)
    }

    /// Frees the names of ended channels whose time is over.
    mutating func prune(at now: UInt64) {
        while let channel = tombstones.popSurplus(at: now) {
            // If the name was opened again in the meantime, it belongs to another channel.
            if exhume(channel) { index.remove(channel) }
        }
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
