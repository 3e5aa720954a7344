/// Elements by their priorities, least first: a 4-ary heap with an index into it, so that one is inserted, withdrawn and
/// taken in O(log n). Elements of the same priority leave in the order in which they came.
///
/// Pure. A reactor keeps its timers in one, by their deadlines.
@usableFromInline
package struct IndexedHeap<Element>: ~Copyable {
    @usableFromInline
    struct Entry {
        @usableFromInline let priority: UInt64
        @usableFromInline let serial: UInt64
        @usableFromInline let slot: Int32

        @inlinable
        init(priority: UInt64, serial: UInt64, slot: Int32) {
            self.priority = priority
            self.serial = serial
            self.slot = slot
        }

        @inlinable
        func precedes(_ other: Entry) -> Bool {
            (priority, serial) < (other.priority, other.serial)
        }
    }

    @usableFromInline
    struct Slot {
        @usableFromInline var element: Element?
        /// The entry's place in the heap; in a free slot, the next free one or -1.
        @usableFromInline var place: Int32
        /// The serial of the element that the slot holds; 0 in a free one.
        @usableFromInline var serial: UInt64

        @inlinable
        init(element: Element, serial: UInt64) {
            self.element = element
            self.place = 0
            self.serial = serial
        }
    }

    @usableFromInline var heap: ContiguousArray<Entry> = []
    @usableFromInline var slots: ContiguousArray<Slot> = []
    @usableFromInline var free: Int32 = -1
    @usableFromInline var lastSerial: UInt64 = 0

    @inlinable
    package init() {}

    /// The number of elements.
    @inlinable package var count: Int { heap.count }
    @inlinable package var isEmpty: Bool { heap.isEmpty }
    /// The least priority of all.
    @inlinable package var leastPriority: UInt64? { heap.first?.priority }

    /// Adds an element; the handle withdraws it.
    @inlinable
    package mutating func insert(_ element: Element, at priority: UInt64) -> HeapHandle {
        lastSerial += 1
        let slot: Int32
        if free >= 0 {
            slot = free
            free = slots[Int(slot)].place
            slots[Int(slot)].element = element
            slots[Int(slot)].serial = lastSerial
        } else {
            slot = Int32(slots.count)
            slots.append(Slot(element: element, serial: lastSerial))
        }
        heap.append(Entry(priority: priority, serial: lastSerial, slot: slot))
        siftUp(heap.count - 1)
        return HeapHandle(slot: slot, serial: lastSerial)
    }

    /// Withdraws an element; nil when it has left before.
    @inlinable
    @discardableResult
    package mutating func remove(_ handle: HeapHandle) -> Element? {
        guard Int(handle.slot) < slots.count, slots[Int(handle.slot)].serial == handle.serial else { return nil }
        return remove(at: Int(slots[Int(handle.slot)].place))
    }

    /// The priority of an element; nil when it has left.
    package borrowing func priority(of handle: HeapHandle) -> UInt64? {
        guard Int(handle.slot) < slots.count, slots[Int(handle.slot)].serial == handle.serial else { return nil }
        return heap[Int(slots[Int(handle.slot)].place)].priority
    }

    /// Takes the element of least priority, if that is at most `limit`.
    @inlinable
    package mutating func popFirst(upTo limit: UInt64 = .max) -> Element? {
        guard let first = heap.first, first.priority <= limit else { return nil }
        return remove(at: 0)
    }

    @inlinable
    mutating func remove(at place: Int) -> Element? {
        let slot = Int(heap[place].slot)
        let element = slots[slot].element.take()
        slots[slot].serial = 0
        slots[slot].place = free
        free = Int32(slot)

        let last = heap.removeLast()
        if place < heap.count {
            heap[place] = last
            slots[Int(last.slot)].place = Int32(place)
            siftUp(place)
            siftDown(Int(slots[Int(last.slot)].place))
        }
        if heap.isEmpty { releaseSlabs() }
        return element
    }

    /// Handles of the released slots stay stale, because serial numbers never repeat.
    @inlinable
    mutating func releaseSlabs() {
        guard slots.count > 1024 else { return }
        heap = []
        slots = []
        free = -1
    }

    @inlinable
    mutating func siftUp(_ start: Int) {
        var place = start
        let entry = heap[place]
        while place > 0 {
            let parent = (place - 1) / 4
            guard entry.precedes(heap[parent]) else { break }
            put(heap[parent], at: place)
            place = parent
        }
        put(entry, at: place)
    }

    @inlinable
    mutating func siftDown(_ start: Int) {
        var place = start
        let entry = heap[place]
        while true {
            let firstChild = place * 4 + 1
            guard firstChild < heap.count else { break }
            var least = firstChild
            for child in (firstChild + 1)..<max(firstChild + 1, min(firstChild + 4, heap.count))
            where heap[child].precedes(heap[least]) {
                least = child
            }
            guard heap[least].precedes(entry) else { break }
            put(heap[least], at: place)
            place = least
        }
        put(entry, at: place)
    }

    @inlinable
    mutating func put(_ entry: Entry, at place: Int) {
        heap[place] = entry
        slots[Int(entry.slot)].place = Int32(place)
    }
}

/// Names one element of an `IndexedHeap`.
@usableFromInline
package struct HeapHandle: Sendable {
    @usableFromInline let slot: Int32
    @usableFromInline let serial: UInt64

    @inlinable
    init(slot: Int32, serial: UInt64) {
        self.slot = slot
        self.serial = serial
    }
}

/// Names one pending timer of a reactor.
@usableFromInline
package typealias TimerHandle = HeapHandle
