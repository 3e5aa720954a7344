import Glibc
import SluiceWire

/// A hash table of channels by name, chained through the channels themselves.
///
/// A rendezvous channel is created and removed with each message, so most operations on the table are insertions and
/// removals. With a dictionary they took a sixth of a handoff: it hashed the name four times, with an algorithm for
/// keys of any kind. Here a channel stores its hash, and is removed without a search by name.
///
/// When the table grows or shrinks, each later insertion and removal moves a few buckets of the former table, so that none
/// of them takes long. The algorithm is that of the dictionaries of Redis.
///
/// The hash mixes eight bytes per step with secrets of this process, as wyhash does, so that a client cannot choose
/// names that collide.
struct ChannelIndex: ~Copyable {
    /// The smallest number of buckets; a power of two.
    private static let leastBuckets = 64

    private var buckets = ContiguousArray<NamedChannel?>(repeating: nil, count: leastBuckets)
    /// The former table while it is being moved. Empty at other times.
    private var old = ContiguousArray<NamedChannel?>()
    /// The number of buckets of the former table that are moved, which are its first ones.
    private var moved = 0
    private let secrets: (UInt64, UInt64)
    private(set) var count = 0

    init() {
        var generator = SystemRandomNumberGenerator()
        secrets = (generator.next() | 1, generator.next() | 1)
    }

    // MARK: Finding

    func hash(of name: ChannelName) -> UInt64 {
        var text = name.description
        return text.withUTF8 { hash(of: UnsafeRawBufferPointer($0)) }
    }

    private func hash(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = secrets.0 ^ UInt64(bytes.count)
        var rest = bytes
        while rest.count > 8 {
            state = Self.mix(state ^ rest.loadUnaligned(as: UInt64.self), secrets.1)
            rest = UnsafeRawBufferPointer(rebasing: rest[8...])
        }
        // A second mix, so that similar names differ in the bits that choose the bucket, whatever the secrets are.
        return Self.mix(Self.mix(state ^ Self.word(of: rest), secrets.1) ^ secrets.0, Self.goldenRatio)
    }

    private static let goldenRatio: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// Returns up to eight bytes as a number.
    private static func word(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        if bytes.count == 8 { return bytes.loadUnaligned(as: UInt64.self) }
        var word: UInt64 = 0
        for byte in bytes { word = word << 8 | UInt64(byte) }
        return word
    }

    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// Returns the channel with a name whose hash the caller knows.
    func channel(_ name: ChannelName, hash: UInt64) -> NamedChannel? {
        if let channel = Self.channel(name, hash, in: buckets[bucket(of: hash)]) { return channel }
        return old.isEmpty ? nil : Self.channel(name, hash, in: old[oldBucket(of: hash)])
    }

    private static func channel(_ name: ChannelName, _ hash: UInt64, in first: NamedChannel?) -> NamedChannel? {
        var next = first
        while let channel = next {
            if channel.hash == hash, channel.name == name { return channel }
            next = channel.nextInBucket
        }
        return nil
    }

    private func bucket(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (buckets.count - 1) }
    private func oldBucket(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (old.count - 1) }

    func forEach(_ visit: (NamedChannel) -> Void) {
        for table in [old, buckets] {
            for first in table {
                var next = first
                while let channel = next {
                    visit(channel)
                    next = channel.nextInBucket
                }
            }
        }
    }

    // MARK: Changing

    /// Inserts a channel, whose name must not be in the table yet.
    mutating func insert(_ channel: NamedChannel) {
        if !old.isEmpty { move(atMost: Self.movedAtOnce) }
        if count == buckets.count { resize(to: 2 * count) }
        let bucket = bucket(of: channel.hash)
        channel.nextInBucket = buckets[bucket]
        buckets[bucket] = channel
        channel.isInTable = true
        count += 1
    }

    /// Removes a channel.
    ///
    /// - Returns: whether the channel was in the table.
    @discardableResult
    mutating func remove(_ channel: NamedChannel) -> Bool {
        guard channel.isInTable else { return false }
        let (bucket, oldBucket) = (bucket(of: channel.hash), oldBucket(of: channel.hash))
        if !Self.unlink(channel, from: &buckets, bucket) { _ = Self.unlink(channel, from: &old, oldBucket) }
        channel.isInTable = false
        count -= 1
        if !old.isEmpty { move(atMost: Self.movedAtOnce) }
        // Happens so rarely that it adds only a constant cost per removal on average.
        if buckets.count > Self.leastBuckets, count < buckets.count / 8 { resize(to: buckets.count / 4) }
        return true
    }

    /// Removes a channel from a bucket. Returns whether it was there.
    private static func unlink(
        _ channel: NamedChannel, from table: inout ContiguousArray<NamedChannel?>, _ bucket: Int
    ) -> Bool {
        guard var previous = table[bucket] else { return false }
        if previous === channel {
            table[bucket] = channel.nextInBucket.take()
            return true
        }
        while let next = previous.nextInBucket {
            if next === channel {
                previous.nextInBucket = channel.nextInBucket.take()
                return true
            }
            previous = next
        }
        return false
    }

    // MARK: Resizing

    /// The buckets that an insertion or a removal moves. The next change of a table that has shrunk comes after a tenth
    /// as many removals as the former table had buckets at the earliest, so the move is complete by then.
    private static let movedAtOnce = 16

    /// Replaces the table by one with another number of buckets, into which later changes move the channels.
    private mutating func resize(to count: Int) {
        move(atMost: .max)
        old = ContiguousArray(repeating: nil, count: max(count, Self.leastBuckets))
        swap(&old, &buckets)
        moved = 0
    }

    /// Moves the channels of the next buckets of the former table.
    private mutating func move(atMost count: Int) {
        let end = count < old.count - moved ? moved + count : old.count
        while moved < end {
            var next = old[moved].take()
            while let channel = next {
                next = channel.nextInBucket
                let bucket = bucket(of: channel.hash)
                channel.nextInBucket = buckets[bucket]
                buckets[bucket] = channel
            }
            moved += 1
        }
        if moved == old.count { old = [] }
    }
}
