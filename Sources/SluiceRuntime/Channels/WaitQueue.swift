/// A first-in, first-out queue whose entries can also be withdrawn from the middle in constant time.
///
/// Entries live in one slab of nodes, doubly linked by index; freed nodes are chained for reuse. A ticket names an
/// entry for its whole life and never matches another one, because it carries the entry's serial number. A queue that
/// was never used holds no memory, and a large slab is given back once it is empty.
@usableFromInline
package struct WaitQueue<Entry>: ~Copyable {
    @usableFromInline
    struct Node {
        @usableFromInline var entry: Entry?
        /// The neighbour towards the tail; in a free node, the next free one.
        @usableFromInline var next: Int32
        @usableFromInline var previous: Int32
        /// The number of the entry that the node holds; 0 in a free node.
        @usableFromInline var serial: UInt32

        @inlinable
        init(_ entry: consuming Entry, previous: Int32, serial: UInt32) {
            self.entry = entry
            self.next = WaitQueue.none
            self.previous = previous
            self.serial = serial
        }
    }

    /// The index that stands for "no node".
    @inlinable static var none: Int32 { -1 }

    /// The number of nodes that an empty queue may keep for its next waiters.
    @inlinable static var largestSlabKept: Int { 64 }

    @usableFromInline var nodes: ContiguousArray<Node> = []
    @usableFromInline var head: Int32 = -1
    @usableFromInline var tail: Int32 = -1
    @usableFromInline var free: Int32 = -1
    /// The serial number of the entry queued last; wraps around, skipping 0.
    @usableFromInline var lastSerial: UInt32 = 0
    /// The number of queued entries.
    @usableFromInline package internal(set) var count = 0

    @inlinable
    package init() {}

    @inlinable package var isEmpty: Bool { head == Self.none }

    /// Queues an entry at the tail and returns the ticket that withdraws it.
    @inlinable
    @discardableResult
    package mutating func append(_ entry: consuming Entry) -> WaitTicket {
        let index: Int32
        lastSerial = lastSerial == .max ? 1 : lastSerial + 1
        if free != Self.none {
            index = free
            let slot = Int(index)
            free = nodes[slot].next
            nodes[slot].entry = entry
            nodes[slot].next = Self.none
            nodes[slot].previous = tail
            nodes[slot].serial = lastSerial
        } else {
            index = Int32(nodes.count)
            nodes.append(Node(entry, previous: tail, serial: lastSerial))
        }
        if tail == Self.none { head = index } else { nodes[Int(tail)].next = index }
        tail = index
        count += 1
        return WaitTicket(index: index, serial: lastSerial)
    }

    /// The entry at the head.
    @inlinable package var first: Entry? { head == Self.none ? nil : nodes[Int(head)].entry }

    /// Takes the entry at the head.
    @inlinable
    package mutating func popFirst() -> Entry? {
        head == Self.none ? nil : unlink(head)
    }

    /// Withdraws the entry that `ticket` names, or returns nil when it has left the queue already.
    @inlinable
    package mutating func remove(_ ticket: WaitTicket) -> Entry? {
        guard ticket.index < nodes.count, nodes[Int(ticket.index)].serial == ticket.serial else { return nil }
        return unlink(ticket.index)
    }

    /// Visits the entries from head to tail.
    @inlinable
    package borrowing func forEach(_ visit: (Entry) -> Void) {
        var index = head
        while index != Self.none {
            if let entry = nodes[Int(index)].entry { visit(entry) }
            index = nodes[Int(index)].next
        }
    }

    @inlinable
    mutating func unlink(_ index: Int32) -> Entry? {
        let slot = Int(index)
        let (previous, next) = (nodes[slot].previous, nodes[slot].next)
        if previous == Self.none { head = next } else { nodes[Int(previous)].next = next }
        if next == Self.none { tail = previous } else { nodes[Int(next)].previous = previous }
        let entry = nodes[slot].entry.take()
        nodes[slot].serial = 0
        nodes[slot].next = free
        free = index
        count -= 1
        if count == 0, nodes.count > Self.largestSlabKept {
            nodes = []
            free = Self.none
        }
        return entry
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

    /// The ticket of a waiter that stands in no `WaitQueue`; it matches none of a queue's.
    @inlinable static var ofNoQueue: WaitTicket { WaitTicket(index: .max, serial: 0) }
}
