import SluiceRuntime

/// Values under keys that stay valid until the value is removed, and never name another value afterwards.
///
/// A large slab gives its memory back once it is empty.
struct Slab<Element>: ~Copyable {
    /// The number of slots that an empty slab may keep.
    private static var mostSlotsKept: Int { 1024 }

    private var table = SlotTable<Element, Void, UInt32>()

    var count: Int { table.count }

    /// The key that the next insertion returns.
    var nextKey: SlabKey<Element> { SlabKey(slot: table.nextIndex, serial: table.nextSerial) }

    @discardableResult
    mutating func insert(_ element: consuming Element) -> SlabKey<Element> {
        let serial = table.nextSerial
        return SlabKey(slot: table.insert(element, link: -1, mark: ()), serial: serial)
    }

    /// The value of a key; nil when it was removed, and then assigning does nothing. A value is changed in place,
    /// without a copy.
    subscript(key: SlabKey<Element>) -> Element? {
        @inline(__always) get { holds(key) ? table.element(at: key.slot) : nil }
        _modify {
            if holds(key) {
                yield &table.slots[Int(key.slot)].element
            } else {
                var nothing: Element?
                yield &nothing
            }
        }
    }

    /// Visits every value with its key.
    func forEach(_ visit: (SlabKey<Element>, Element) -> Void) {
        for index in 0..<table.slotCount {
            guard let element = table.slots[index].element else { continue }
            visit(SlabKey(slot: Int32(index), serial: table.slots[index].serial), element)
        }
    }

    /// Visits the values in the next slots.
    ///
    /// - Parameters:
    ///   - slot: the first slot to visit, and then the slot after the last one that was visited.
    ///   - count: the most slots to visit.
    /// - Returns: whether there are slots left to visit.
    func visit(from slot: inout Int, count: Int, _ visit: (SlabKey<Element>, Element) -> Void) -> Bool {
        let end = slot + min(count, max(0, table.slotCount - slot))
        while slot < end {
            if let element = table.slots[slot].element {
                visit(SlabKey(slot: Int32(slot), serial: table.slots[slot].serial), element)
            }
            slot += 1
        }
        return slot < table.slotCount
    }

    func holds(_ key: SlabKey<Element>) -> Bool { table.holds(key.slot, key.serial) }

    /// Takes a value out; returns nil when it was removed already.
    mutating func remove(_ key: SlabKey<Element>) -> Element? {
        holds(key) ? table.remove(at: key.slot, keepingSlots: Self.mostSlotsKept) : nil
    }
}

/// Names one value of a `Slab`, for as long as it is there.
struct SlabKey<Element>: Hashable, Sendable {
    let slot: Int32
    let serial: UInt32
}
