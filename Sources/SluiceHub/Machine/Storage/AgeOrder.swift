import SluiceRuntime
import SluiceWire

/// What has an age: an operation, or a client.
protocol Aged: AnyObject {
    /// The time since when it exists, in nanoseconds of the hub's clock.
    var since: UInt64 { get }
}

/// The elements of a slab in the order of their age, so that a page of a report costs no more than its rows.
///
/// Keeping the order takes longer than parking an operation. So it is empty until a report needs it. Then reports put
/// the elements into it in slices, in the order of their slots, and from then on it follows the slab. If many elements
/// come while no report is taken, it is forgotten.
///
/// The keys are in sorted blocks. A new element is the youngest, and nearly always goes to the end of the last block. The
/// order takes 16 to 32 bytes for each element, which is charged for ten times as much.
final class AgeOrder<Element: Aged>: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, as the elements do.

    /// The elements in slots before this one are in the order.
    @exclusivity(unchecked) private(set) var orderedSlots: Int32 = 0
    /// The number of keys in the order.
    @exclusivity(unchecked) private(set) var count = 0
    /// The elements that may still come before the order is forgotten, unless a report is taken.
    @exclusivity(unchecked) private var insertionsLeft = 0
    /// The keys. No block is empty.
    @exclusivity(unchecked) private var blocks: [[AgeKey<Element>]] = []

    private static var mostInBlock: Int { 1024 }
    /// Neighbours with no more keys than this together become one block.
    private static var mostOfMerged: Int { 256 }
    /// The order is forgotten after this many insertions, or a multiple of its elements, if that is more.
    private static var leastInsertions: Int { 4096 }
    private static var insertionsPerElement: Int { 4 }

    // MARK: Following the slab

    /// Notes an element that was inserted into the slab.
    @inline(__always)
    func note(_ element: Element, _ id: SlabKey<Element>) {
        if id.slot < orderedSlots { insertLater(AgeKey(since: element.since, id: id)) }
    }

    /// Forgets an element that was removed from the slab.
    @inline(__always)
    func forget(_ element: Element, _ id: SlabKey<Element>) {
        if id.slot < orderedSlots { remove(AgeKey(since: element.since, id: id)) }
    }

    /// Puts more elements of the slab into the order, and keeps the order for some time.
    ///
    /// - Parameter steps: about the most steps to take.
    /// - Returns: the steps that are left; 0 if the order is not complete.
    func extend(over slab: borrowing Slab<Element>, steps: Int) -> Int {
        insertionsLeft = max(Self.leastInsertions, Self.insertionsPerElement * slab.count)
        guard orderedSlots < .max else { return steps }
        let start = Int(orderedSlots)
        var next = start
        let hasMore = slab.visit(from: &next, count: max(1, steps)) { id, element in
            insert(AgeKey(since: element.since, id: id))
        }
        orderedSlots = hasMore ? Int32(next) : .max
        return hasMore ? 0 : max(0, steps - (next - start))
    }

    @inline(never)
    private func insertLater(_ key: AgeKey<Element>) {
        insertionsLeft -= 1
        if insertionsLeft >= 0 { return insert(key) }
        blocks = []
        count = 0
        orderedSlots = 0
    }

    private func insert(_ key: AgeKey<Element>) {
        count += 1
        let last = blocks.count - 1
        guard last >= 0 else { return blocks.append([key]) }
        if let youngest = blocks[last].last, youngest < key {
            if blocks[last].count < Self.mostInBlock { blocks[last].append(key) } else { blocks.append([key]) }
            return
        }
        let block = block(of: key)
        blocks[block].insert(key, at: place(of: key, in: blocks[block]))
        guard blocks[block].count > Self.mostInBlock else { return }
        let half = Array(blocks[block][(Self.mostInBlock / 2)...])
        blocks[block].removeLast(half.count)
        blocks.insert(half, at: block + 1)
    }

    @inline(never)
    private func remove(_ key: AgeKey<Element>) {
        guard !blocks.isEmpty else { return }
        let block = block(of: key)
        let place = place(of: key, in: blocks[block])
        guard place < blocks[block].count, blocks[block][place] == key else { return }
        count -= 1
        blocks[block].remove(at: place)
        if blocks[block].isEmpty {
            blocks.remove(at: block)
        } else {
            mergeNext(of: block)
            if block > 0 { mergeNext(of: block - 1) }
        }
    }

    private func mergeNext(of block: Int) {
        guard block + 1 < blocks.count, blocks[block].count + blocks[block + 1].count <= Self.mostOfMerged else {
            return
        }
        blocks[block] += blocks.remove(at: block + 1)
    }

    // MARK: Finding

    /// Returns the oldest key that comes after a place of the order.
    ///
    /// - Parameter place: nil for the beginning.
    func first(after place: AgeMark?) -> AgeKey<Element>? {
        guard let place else { return blocks.first?.first }
        guard let (block, index) = find(place) else { return nil }
        return blocks[block][index]
    }

    /// Returns the number of keys that come after a place of the order.
    func count(after place: AgeMark) -> Int {
        guard let (block, index) = find(place) else { return 0 }
        return blocks[(block + 1)...].reduce(blocks[block].count - index) { $0 + $1.count }
    }

    /// Returns where the first key is that comes after a place. Nil if there is none.
    private func find(_ place: AgeMark) -> (block: Int, index: Int)? {
        let block = Self.count(of: blocks.count) { !place.precedes(blocks[$0][blocks[$0].count - 1]) }
        guard block < blocks.count else { return nil }
        return (block, Self.count(of: blocks[block].count) { !place.precedes(blocks[block][$0]) })
    }

    /// The block in which a key is, or belongs. There must be blocks.
    private func block(of key: AgeKey<Element>) -> Int {
        max(0, Self.count(of: blocks.count) { !(key < blocks[$0][0]) } - 1)
    }

    /// The place of a key in a block, or the one where it belongs.
    private func place(of key: AgeKey<Element>, in block: [AgeKey<Element>]) -> Int {
        Self.count(of: block.count) { block[$0] < key }
    }

    /// Returns how many of `count` ordered elements, from the first one, have a property, which no later one has.
    private static func count(of count: Int, _ hasProperty: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if hasProperty(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The place of an operation or a client among all, the oldest first.
struct AgeKey<Element>: Comparable {
    let since: UInt64
    let id: SlabKey<Element>

    static func < (left: AgeKey, right: AgeKey) -> Bool {
        (left.since, left.id.serial) < (right.since, right.id.serial)
    }

    static func == (left: AgeKey, right: AgeKey) -> Bool {
        (left.since, left.id.serial) == (right.since, right.id.serial)
    }

    /// The text of the key in `more=` and `after=`.
    var name: String { "\(since)-\(id.serial)" }
}

/// The key after which a page begins, in a report whose rows are ordered by age.
struct AgeMark {
    let since: UInt64
    let serial: UInt32

    init<Element>(_ key: AgeKey<Element>) {
        (since, serial) = (key.since, key.id.serial)
    }

    /// Returns nil if the key is malformed.
    init?(_ key: ChannelName) {
        let parts = key.description.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let since = UInt64(parts[0]), let serial = UInt32(parts[1]) else { return nil }
        (self.since, self.serial) = (since, serial)
    }

    func precedes<Element>(_ key: AgeKey<Element>) -> Bool { (since, serial) < (key.since, key.id.serial) }
}
