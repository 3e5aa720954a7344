/// The pending timers of a reactor, soonest first: a 4-ary heap with an index into it, so that a timer is set,
/// cancelled and fired in O(log n). Pure: the caller owns the clock.
///
/// Timers of the same instant fire in the order in which they were set.
package struct TimerQueue<Action>: ~Copyable {
    private struct Entry {
        let deadline: UInt64
        let serial: UInt64
        let slot: Int32

        func precedes(_ other: Entry) -> Bool {
            (deadline, serial) < (other.deadline, other.serial)
        }
    }

    private struct Slot {
        var action: Action?
        /// The entry's place in the heap; in a free slot, the next free one or -1.
        var place: Int32
        /// The serial of the timer that holds the slot; 0 in a free one.
        var serial: UInt64
    }

    private var heap: ContiguousArray<Entry> = []
    private var slots: ContiguousArray<Slot> = []
    private var free: Int32 = -1
    private var lastSerial: UInt64 = 0

    /// The number of pending timers.
    package var count: Int { heap.count }

    package init() {}
    /// When the next timer is due, in nanoseconds of the reactor's clock.
    package var earliest: UInt64? { heap.first?.deadline }

    /// Adds a timer that is due at `deadline`, in nanoseconds of the reactor's clock.
    package mutating func set(at deadline: UInt64, _ action: Action) -> TimerHandle {
        lastSerial += 1
        let slot: Int32
        if free >= 0 {
            slot = free
            free = slots[Int(slot)].place
            slots[Int(slot)].action = action
            slots[Int(slot)].serial = lastSerial
        } else {
            slot = Int32(slots.count)
            slots.append(Slot(action: action, place: 0, serial: lastSerial))
        }
        heap.append(Entry(deadline: deadline, serial: lastSerial, slot: slot))
        siftUp(heap.count - 1)
        return TimerHandle(slot: slot, serial: lastSerial)
    }

    /// Withdraws a timer; false when it has fired or was cancelled before.
    @discardableResult
    package mutating func cancel(_ handle: TimerHandle) -> Bool {
        guard Int(handle.slot) < slots.count, slots[Int(handle.slot)].serial == handle.serial else { return false }
        _ = remove(at: Int(slots[Int(handle.slot)].place))
        return true
    }

    /// Takes the earliest timer if it is due at `now`.
    package mutating func popDue(at now: UInt64) -> Action? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        return remove(at: 0)
    }

    private mutating func remove(at place: Int) -> Action? {
        let slot = Int(heap[place].slot)
        let action = slots[slot].action.take()
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
        return action
    }

    /// Handles of the released slots stay stale, because serial numbers never repeat.
    private mutating func releaseSlabs() {
        guard slots.count > 1024 else { return }
        heap = []
        slots = []
        free = -1
    }

    private mutating func siftUp(_ start: Int) {
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

    private mutating func siftDown(_ start: Int) {
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

    private mutating func put(_ entry: Entry, at place: Int) {
        heap[place] = entry
        slots[Int(entry.slot)].place = Int32(place)
    }
}

/// Names one pending timer of a `TimerQueue`.
@usableFromInline
package struct TimerHandle: Sendable {
    fileprivate let slot: Int32
    fileprivate let serial: UInt64
}
