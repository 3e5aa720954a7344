/// A dictionary whose growth is spread over many insertions, so that none of them takes long.
///
/// A dictionary of the standard library copies all its entries when it grows: with half a million texts as keys, this
/// takes a quarter of a second. Here, many entries are divided among dictionaries by their hash, each of which grows and
/// frees its memory on its own.
struct ShardedDictionary<Key: Hashable, Value> {
    /// The most entries in a single dictionary. More entries are divided.
    private static var mostUndivided: Int { 2048 }
    /// The binary logarithm of the number of dictionaries: 1024. Of a million entries, each has about a thousand. They
    /// do not all grow at the same time, because their sizes differ.
    private static var shardBits: Int { 10 }
    /// The capacity that an empty dictionary may keep.
    private static var mostKept: Int { 16 }

    private var shards: [[Key: Value]] = [[:]]
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    subscript(key: Key) -> Value? {
        get { shards[shard(of: key)][key] }
        set {
            let shard = shard(of: key)
            let before = shards[shard].count
            shards[shard][key] = newValue
            noteCount(of: shard, before)
        }
    }

    /// Visits the values, in no particular order.
    func forEach(_ visit: (Value) -> Void) {
        for shard in shards { shard.values.forEach(visit) }
    }

    /// Changes the value of a key in its place, or that of a new entry.
    mutating func change(_ key: Key, default initial: Value, _ change: (inout Value) -> Void) {
        let shard = shard(of: key)
        let before = shards[shard].count
        change(&shards[shard][key, default: initial])
        noteCount(of: shard, before)
    }

    /// Adapts to the entries of a dictionary, of which there were `before`.
    @inline(__always)
    private mutating func noteCount(of shard: Int, _ before: Int) {
        let after = shards[shard].count
        guard after != before else { return }
        count += after - before
        if after < before { shrink(shard) } else if shards.count == 1, count > Self.mostUndivided { divide() }
    }

    @inline(__always)
    private func shard(of key: Key) -> Int {
        // A dictionary uses other bits of another hash of the key.
        shards.count == 1 ? 0 : Int(UInt(bitPattern: key.hashValue) >> UInt(UInt.bitWidth - Self.shardBits))
    }

    private mutating func shrink(_ shard: Int) {
        if shards[shard].isEmpty, shards[shard].capacity > Self.mostKept { shards[shard] = [:] }
        if count == 0, shards.count > 1 { shards = [[:]] }
    }

    private mutating func divide() {
        let all = shards[0]
        shards = Array(repeating: [:], count: 1 << Self.shardBits)
        for (key, value) in all { shards[shard(of: key)][key] = value }
    }
}
