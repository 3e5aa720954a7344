/// Elements in the slots of a ``ChunkedArray``. The storage of ``WaitQueue``, ``IndexedHeap`` and the hub's `Slab`.
///
/// Freed slots are chained for reuse. Each element gets the next serial number, so that the key of a removed element
/// (its slot and number) matches no later element. Serial numbers wrap around and skip 0, the number of a free slot. A
/// table that was never used holds no memory.
///
/// Everything is inlinable: called as generic code of another target, it would be ten times slower. Inserting and
/// removing are always inlined, which saves 3 % of a channel transfer.
@usableFromInline
package struct SlotTable<Element, Mark, Serial: FixedWidthInteger & UnsignedInteger & Sendable>: ~Copyable {
    @usableFromInline
    package struct Slot {
        @usableFromInline package var element: Element?
        /// In a free slot, the next free one or -1; in another, whatever the table's owner keeps here.
        @usableFromInline var link: Int32
        /// Whatever the table's owner keeps here.
        @usableFromInline var mark: Mark
        /// The serial number of the element; 0 in a free slot.
        @usableFromInline package internal(set) var serial: Serial

        @inlinable
        init(_ element: consuming Element, link: Int32, mark: Mark, serial: Serial) {
            self.element = element
            self.link = link
            self.mark = mark
            self.serial = serial
        }
    }

    /// The slots, free ones included. Other targets change elements in them in place: through an accessor of this type,
    /// each change would allocate the accessor's frame.
    @usableFromInline package var slots = ChunkedArray<Slot>()
    @usableFromInline var firstFree: Int32 = -1
    /// The serial number of the element inserted last.
    @usableFromInline var lastSerial: Serial = 0
    /// The number of elements.
    @usableFromInline package internal(set) var count = 0

    @inlinable
    package init() {}

    /// The number of slots, free ones included.
    @inlinable package var slotCount: Int { slots.count }

    /// The slot that the next element gets.
    @inlinable package var nextIndex: Int32 { firstFree >= 0 ? firstFree : Int32(slots.count) }

    /// The serial number that the next element gets.
    @inlinable package var nextSerial: Serial { lastSerial == .max ? 1 : lastSerial + 1 }

    /// Adds an element, under `nextSerial` in the slot `nextIndex`, which is returned.
    @inlinable
    @inline(__always)
    package mutating func insert(_ element: consuming Element, link: Int32, mark: Mark) -> Int32 {
        lastSerial = nextSerial
        count += 1
        guard firstFree >= 0 else {
            slots.append(Slot(element, link: link, mark: mark, serial: lastSerial))
            return Int32(slots.count - 1)
        }
        let index = firstFree
        let slot = Int(index)
        firstFree = slots[slot].link
        slots[slot].element = element
        slots[slot].link = link
        slots[slot].mark = mark
        slots[slot].serial = lastSerial
        return index
    }

    /// Whether the slot `index` holds the element with the number `serial`. Any numbers may be asked for.
    @inlinable
    package borrowing func holds(_ index: Int32, _ serial: Serial) -> Bool {
        Int(index) < slots.count && slots[Int(index)].serial == serial
    }

    /// The element of a slot; nil in a free one.
    @inlinable
    @inline(__always)
    package borrowing func element(at index: Int32) -> Element? {
        slots[Int(index)].element
    }

    /// Takes the element out of a slot that holds one.
    ///
    /// - Parameter kept: an empty table gives its memory back if it has more slots than this.
    @inlinable
    @inline(__always)
    package mutating func remove(at index: Int32, keepingSlots kept: Int) -> Element? {
        let slot = Int(index)
        let element = slots[slot].element.take()
        slots[slot].serial = 0
        slots[slot].link = firstFree
        firstFree = index
        count -= 1
        if count == 0, slots.count > kept {
            slots.discardAll()
            firstFree = -1
        }
        return element
    }
}
