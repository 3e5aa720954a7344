import SluiceRuntime
import SluiceWire

/// The channels by name: those that somebody uses, those that were declared, and for a while those that have ended.
/// Others need no memory: a channel is what its users make it.
struct ChannelTable: ~Copyable {
    /// How many idle channels are kept as mere objects, under no name, so that one that comes and goes with each
    /// message is not allocated each time.
    private static let maxSpares = 64

    private var index = ChannelIndex()
    private var spares: [NamedChannel] = []
    private var tombstones: Retention<NamedChannel>
    /// The number of channels that have ended, and of which only the name is kept.
    private(set) var tombstoneCount = 0
    /// The bytes of the values that they give still.
    private(set) var tombstoneBytes = 0
    /// The number of channels that were declared and not ended.
    var declaredCount = 0

    init(tombstoneLife: Duration, maxTombstones: Int) {
        tombstones = Retention(life: tombstoneLife, maxCount: maxTombstones)
    }

    /// Keeps the names of ended channels for another while from now on, and at most so many.
    mutating func keepTombstones(for life: Duration, maxCount: Int) {
        tombstones.change(life: life, maxCount: maxCount)
    }

    /// The number of channels, without those of which only the name is kept.
    var count: Int { index.count - tombstoneCount }
    /// When the next name of an ended channel will be free.
    var nextEnd: UInt64? { tombstones.nextEnd }

    /// The channel of that name. Who does not use it after all gives it to `release`.
    mutating func channel(_ name: ChannelName) -> NamedChannel {
        let hash = index.hash(of: name)
        if let channel = index.channel(name, hash: hash) { return channel }
        let channel = spare(name, hash) ?? NamedChannel(name, hash: hash)
        index.insert(channel)
        return channel
    }

    /// An idle object, under a new name.
    private mutating func spare(_ name: ChannelName, _ hash: UInt64) -> NamedChannel? {
        guard let channel = spares.popLast() else { return nil }
        channel.name = name
        channel.hash = hash
        return channel
    }

    func existing(_ name: ChannelName) -> NamedChannel? { index.channel(name, hash: index.hash(of: name)) }

    func existing(spelled bytes: UnsafeRawBufferPointer) -> NamedChannel? { index.channel(spelled: bytes) }

    func forEach(_ visit: (NamedChannel) -> Void) { index.forEach(visit) }

    /// Forgets the channel if nobody would miss it. One that has ended becomes a tombstone.
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

    /// A new channel in the place of one that has ended.
    mutating func renew(_ channel: NamedChannel) -> NamedChannel {
        exhume(channel)
        index.remove(channel)
        return self.channel(channel.name)
    }

    /// Frees the names of channels that ended long ago.
    mutating func prune(at now: UInt64) {
        while let channel = tombstones.popSurplus(at: now) {
            // Opened anew meanwhile, it is another channel's name.
            if exhume(channel) { index.remove(channel) }
        }
    }

    /// - Returns: whether the channel was a tombstone, which it is not any more.
    @discardableResult
    private mutating func exhume(_ channel: NamedChannel) -> Bool {
        guard channel.isTombstone else { return false }
        channel.isTombstone = false
        tombstoneCount -= 1
        tombstoneBytes -= channel.extras?.buriedBytes ?? 0
        return true
    }
}
