/// Values under keys that stay valid until the value is removed, and never name another value afterwards.
///
/// Values live in one array; the slots of removed ones are chained for reuse. A key carries the serial number of its
/// value, so that a stale key finds nothing. A large array is given back once it is empty.
struct Slab<Element>: ~Copyable {
    private struct Slot {
        var element: Element?
        /// The serial number of the value that the slot holds; 0 in a free one.
        var serial: UInt32
        /// In a free slot, the next free one or -1.
        var nextFree: Int32
    }

    /// How many slots an empty slab may keep.
    private static var largestKept: Int { 1024 }

    private var slots: ContiguousArray<Slot> = []
    private var firstFree: Int32 = -1
    /// The serial number of the value that was inserted last; wraps around, skipping 0.
    private var lastSerial: UInt32 = 0
    private(set) var count = 0

    /// The key that the next insertion gives.
    var nextKey: SlabKey<Element> {
        SlabKey(slot: firstFree >= 0 ? firstFree : Int32(slots.count), serial: Self.serial(after: lastSerial))
    }

    @discardableResult
    mutating func insert(_ element: consuming Element) -> SlabKey<Element> {
        let key = nextKey
        lastSerial = key.serial
        count += 1
        if firstFree >= 0 {
            let slot = Int(firstFree)
            firstFree = slots[slot].nextFree
            slots[slot].element = element
            slots[slot].serial = key.serial
        } else {
            slots.append(Slot(element: element, serial: key.serial, nextFree: -1))
        }
        return key
    }

    /// The value of a key; nil when it was removed, and nothing changes that. Changing one in place copies nothing.
    subscript(key: SlabKey<Element>) -> Element? {
        get { holds(key) ? slots[Int(key.slot)].element : nil }
        _modify {
            if holds(key) {
                yield &slots[Int(key.slot)].element
            } else {
                var nothing: Element?
                yield &nothing
            }
        }
    }

    /// Visits every value with its key.
    func forEach(_ visit: (SlabKey<Element>, Element) -> Void) {
        for (index, slot) in slots.enumerated() {
            guard let element = slot.element else { continue }
            visit(SlabKey(slot: Int32(index), serial: slot.serial), element)
        }
    }

    func holds(_ key: SlabKey<Element>) -> Bool {
        Int(key.slot) < slots.count && slots[Int(key.slot)].serial == key.serial
    }

    mutating func remove(_ key: SlabKey<Element>) -> Element? {
        guard holds(key) else { return nil }
        let slot = Int(key.slot)
        let element = slots[slot].element.take()
        slots[slot].serial = 0
        slots[slot].nextFree = firstFree
        firstFree = key.slot
        count -= 1
        if count == 0, slots.count > Self.largestKept {
            slots = []
            firstFree = -1
        }
        return element
    }

    private static func serial(after serial: UInt32) -> UInt32 { serial == .max ? 1 : serial + 1 }
}

/// Names one value of a `Slab`, for as long as it is there.
struct SlabKey<Element>: Hashable, Sendable {
    let slot: Int32
    let serial: UInt32
}
