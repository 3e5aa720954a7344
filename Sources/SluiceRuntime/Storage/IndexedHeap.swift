/// A priority queue, least first, from which elements are also withdrawn: a 4-ary heap with an index into it.
///
/// Inserting, withdrawing and taking an element are O(log n). Elements of the same priority are taken in the order in
/// which they were inserted. A reactor keeps its timers in one, by deadline.
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

    /// The number of slots that an empty heap may keep.
    @inlinable static var mostSlotsKept: Int { 1024 }

    @usableFromInline var heap = ChunkedArray<Entry>()
    /// A slot's link is the place of its entry in the heap.
    @usableFromInline var table = SlotTable<Element, Void, UInt64>()

    @inlinable
    package init() {}

    /// The number of elements.
    @inlinable package var count: Int { heap.count }
    @inlinable package var isEmpty: Bool { heap.isEmpty }
    /// The least priority of all.
    @inlinable package var leastPriority: UInt64? { heap.isEmpty ? nil : heap[0].priority }

    /// The element of least priority.
    @inlinable package var first: Element? { heap.isEmpty ? nil : table.element(at: heap[0].slot) }

    /// Adds an element; the handle withdraws it.
    @inlinable
    package mutating func insert(_ element: Element, at priority: UInt64) -> HeapHandle {
        let slot = table.insert(element, link: 0, mark: ())
        let serial = table.lastSerial
        heap.append(Entry(priority: priority, serial: serial, slot: slot))
        siftUp(heap.count - 1)
        return HeapHandle(slot: slot, serial: serial)
    }

    /// Withdraws an element; returns nil when it has been taken out already.
    @inlinable
    @discardableResult
    package mutating func remove(_ handle: HeapHandle) -> Element? {
        guard table.holds(handle.slot, handle.serial) else { return nil }
        return remove(at: Int(table.slots[Int(handle.slot)].link))
    }

    /// The priority of an element; nil when it has been taken out.
    package borrowing func priority(of handle: HeapHandle) -> UInt64? {
        guard table.holds(handle.slot, handle.serial) else { return nil }
        return heap[Int(table.slots[Int(handle.slot)].link)].priority
    }

    /// Visits the elements, in no particular order.
    @inlinable
    package borrowing func forEach(_ visit: (Element) -> Void) {
        for place in 0..<heap.count {
            if let element = table.element(at: heap[place].slot) { visit(element) }
        }
    }

    /// Takes the element of least priority, if that is at most `limit`.
    @inlinable
    package mutating func popFirst(upTo limit: UInt64 = .max) -> Element? {
        guard !heap.isEmpty, heap[0].priority <= limit else { return nil }
        return remove(at: 0)
    }

    /// Takes the element of least priority, if that is at most `limit` and it was not inserted after the element with
    /// the serial number.
    package mutating func popFirst(upTo limit: UInt64, insertedBy serial: UInt64) -> Element? {
        guard !heap.isEmpty, heap[0].priority <= limit, heap[0].serial <= serial else { return nil }
        return remove(at: 0)
    }

    /// The serial number of the element that was inserted last.
    package var lastSerial: UInt64 { table.lastSerial }

    @inlinable
    mutating func remove(at place: Int) -> Element? {
        let slot = heap[place].slot
        let last = heap.removeLast()
        if place < heap.count {
            heap[place] = last
            table.slots[Int(last.slot)].link = Int32(place)
            siftUp(place)
            siftDown(Int(table.slots[Int(last.slot)].link))
        }
        if heap.isEmpty, table.slotCount > Self.mostSlotsKept { heap.discardAll() }
        return table.remove(at: slot, keepingSlots: Self.mostSlotsKept)
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
        table.slots[Int(entry.slot)].link = Int32(place)
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
