/// A first-in, first-out queue from whose middle entries are withdrawn in constant time.
///
/// Entries are the elements of a ``SlotTable``, doubly linked by index. A ticket names an entry for its whole life and
/// never matches another one. A queue that was never used holds no memory, and a large one gives its memory back once
/// it is empty.
@usableFromInline
package struct WaitQueue<Entry>: ~Copyable {
    /// The index that stands for "no entry".
    @inlinable static var none: Int32 { -1 }

    /// The number of slots that an empty queue may keep for its next waiters.
    @inlinable static var mostSlotsKept: Int { 64 }

    /// A slot's link is the neighbour towards the tail, its mark the one towards the head.
    @usableFromInline var table = SlotTable<Entry, Int32, UInt32>()
    @usableFromInline var head: Int32 = -1
    @usableFromInline var tail: Int32 = -1

    @inlinable
    package init() {}

    /// The number of queued entries.
    @inlinable package var count: Int { table.count }

    @inlinable package var isEmpty: Bool { head == Self.none }

    /// Queues an entry at the tail and returns the ticket that withdraws it.
    @inlinable
    @discardableResult
    package mutating func append(_ entry: consuming Entry) -> WaitTicket {
        let index = table.insert(entry, link: Self.none, mark: tail)
        if tail == Self.none { head = index } else { table.slots[Int(tail)].link = index }
        tail = index
        return WaitTicket(index: index, serial: table.lastSerial)
    }

    /// The entry at the head.
    @inlinable package var first: Entry? { head == Self.none ? nil : table.element(at: head) }

    /// The ticket of the entry at the tail, which must exist.
    @inlinable package var lastTicket: WaitTicket {
        WaitTicket(index: tail, serial: table.slots[Int(tail)].serial)
    }

    /// The entry that `ticket` names; nil when it has been taken out.
    borrowing func entry(at ticket: WaitTicket) -> Entry? {
        table.holds(ticket.index, ticket.serial) ? table.element(at: ticket.index) : nil
    }

    /// Returns the entry behind that of `ticket`, with its own ticket. Returns the head if `ticket` is nil, or if its entry
    /// is gone.
    package borrowing func entry(after ticket: WaitTicket?) -> (ticket: WaitTicket, entry: Entry)? {
        var index = head
        if let ticket, table.holds(ticket.index, ticket.serial) { index = table.slots[Int(ticket.index)].link }
        guard index != Self.none, let entry = table.element(at: index) else { return nil }
        return (WaitTicket(index: index, serial: table.slots[Int(index)].serial), entry)
    }

    /// Takes the entry at the head.
    @inlinable
    package mutating func popFirst() -> Entry? {
        head == Self.none ? nil : unlink(head)
    }

    /// Withdraws the entry that `ticket` names; returns nil when the entry has been taken out already.
    @inlinable
    package mutating func remove(_ ticket: WaitTicket) -> Entry? {
        table.holds(ticket.index, ticket.serial) ? unlink(ticket.index) : nil
    }

    /// Takes out all entries, in constant time. Their tickets match no later entry of this queue.
    package mutating func takeAll() -> WaitQueue {
        var taken = WaitQueue()
        swap(&taken, &self)
        table.lastSerial = taken.table.lastSerial
        return taken
    }

    /// Visits the entries from head to tail.
    @inlinable
    package borrowing func forEach(_ visit: (Entry) -> Void) {
        var index = head
        while index != Self.none {
            if let entry = table.element(at: index) { visit(entry) }
            index = table.slots[Int(index)].link
        }
    }

    @inlinable
    mutating func unlink(_ index: Int32) -> Entry? {
        let (previous, next) = (table.slots[Int(index)].mark, table.slots[Int(index)].link)
        if previous == Self.none { head = next } else { table.slots[Int(previous)].link = next }
        if next == Self.none { tail = previous } else { table.slots[Int(next)].mark = previous }
        return table.remove(at: index, keepingSlots: Self.mostSlotsKept)
    }
}

/// Names one entry of a `WaitQueue`.
@usableFromInline
package struct WaitTicket: Equatable, Sendable {
    @usableFromInline package let index: Int32
    @usableFromInline package let serial: UInt32

    @inlinable
    package init(index: Int32, serial: UInt32) {
        self.index = index
        self.serial = serial
    }

    /// Whether the entry was queued before that of `other`, or is the same. Both must be of the same queue.
    package func isNotLater(than other: WaitTicket) -> Bool {
        // Serial numbers wrap around.
        Int32(bitPattern: other.serial &- serial) >= 0
    }

    /// The ticket of a waiter that is in no `WaitQueue`. It matches no ticket of a queue.
    @inlinable package static var ofNoQueue: WaitTicket { WaitTicket(index: .max, serial: 0) }
}
