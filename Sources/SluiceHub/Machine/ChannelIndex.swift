import Glibc
import SluiceWire

/// A hash table of channels by name, chained through the channels themselves.
///
/// A rendezvous channel is created and removed with each message, so most operations on the table are insertions and
/// removals. With a dictionary they took a sixth of a handoff: it hashed the name four times, with an algorithm for
/// keys of any kind. Here a channel stores its hash, and is removed without a search by name.
///
/// The hash mixes eight bytes per step with secrets of this process, as wyhash does, so that a client cannot choose
/// names that collide.
struct ChannelIndex: ~Copyable {
    /// The smallest number of buckets; a power of two.
    private static let leastBuckets = 64

    private var buckets = ContiguousArray<NamedChannel?>(repeating: nil, count: leastBuckets)
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
        var next = buckets[bucket(of: hash)]
        while let channel = next {
            if channel.hash == hash, channel.name == name { return channel }
            next = channel.nextInBucket
        }
        return nil
    }

    private func bucket(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (buckets.count - 1) }

    func forEach(_ visit: (NamedChannel) -> Void) {
        for first in buckets {
            var next = first
            while let channel = next {
                visit(channel)
                next = channel.nextInBucket
            }
        }
    }

    /// Visits the channels in the next buckets.
    ///
    /// The buckets are visited in the order of their bit-reversed indices. If the number of buckets changes between two
    /// calls, no channel that stays in the table is left out, but a channel may be visited twice. The algorithm is that
    /// of the `SCAN` command of Redis.
    ///
    /// - Parameters:
    ///   - cursor: the place of the next bucket, 0 at first.
    ///   - count: the number of steps: one for a bucket, and one for a channel.
    /// - Returns: whether there are buckets left to visit.
    func visit(from cursor: inout UInt64, count: Int, _ visit: (NamedChannel) -> Void) -> Bool {
        var left = count
        let mask = UInt64(buckets.count - 1)
        while left > 0 {
            left -= 1
            var next = buckets[Int(cursor & mask)]
            while let channel = next {
                visit(channel)
                left -= 1
                next = channel.nextInBucket
            }
            cursor = Self.reversed(Self.reversed(cursor | ~mask) &+ 1)
            if cursor == 0 { return false }
        }
        return true
    }

    /// Returns a number with its bits in reversed order.
    private static func reversed(_ number: UInt64) -> UInt64 {
        var bits = number.byteSwapped
        bits = (bits & 0x0F0F_0F0F_0F0F_0F0F) << 4 | (bits >> 4) & 0x0F0F_0F0F_0F0F_0F0F
        bits = (bits & 0x3333_3333_3333_3333) << 2 | (bits >> 2) & 0x3333_3333_3333_3333
        return (bits & 0x5555_5555_5555_5555) << 1 | (bits >> 1) & 0x5555_5555_5555_5555
    }

    // MARK: Changing

    /// Inserts a channel, whose name must not be in the table yet.
    mutating func insert(_ channel: NamedChannel) {
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
        unlink(channel)
        channel.isInTable = false
        count -= 1
        // Happens so rarely that it adds only a constant cost per removal on average.
        if buckets.count > Self.leastBuckets, count < buckets.count / 8 { resize(to: buckets.count / 4) }
        return true
    }

    private mutating func unlink(_ channel: NamedChannel) {
        let bucket = bucket(of: channel.hash)
        let successor = channel.nextInBucket.take()
        guard var previous = buckets[bucket], previous !== channel else {
            buckets[bucket] = successor
            return
        }
        while let next = previous.nextInBucket, next !== channel { previous = next }
        previous.nextInBucket = successor
    }

    private mutating func resize(to count: Int) {
        var old = ContiguousArray<NamedChannel?>(repeating: nil, count: max(count, Self.leastBuckets))
        swap(&old, &buckets)
        for index in old.indices {
            var next = old[index].take()
            while let channel = next {
                next = channel.nextInBucket
                let bucket = bucket(of: channel.hash)
                channel.nextInBucket = buckets[bucket]
                buckets[bucket] = channel
            }
        }
    }
}
