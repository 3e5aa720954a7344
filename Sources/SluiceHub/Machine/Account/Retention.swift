import DequeModule
import SluiceRuntime

/// Elements that are kept for some time on behalf of clients, up to a maximum number.
///
/// Each holder is guaranteed 1/1024 of the maximum, and each client 1/4096. Guaranteed elements are not counted against
/// the maximum. Beyond it, the holder with the most elements that are not guaranteed loses one: the oldest element of
/// that holder's client with the most. So no client can make the hub drop elements of a client that has fewer.
///
/// Very many holders, or very many short connections of one holder, can exceed the maximum. But they cannot make the
/// hub drop guaranteed elements of others. Only the account of memory bounds the guaranteed elements.
struct Retention<Element>: ~Copyable {
    // These are not private: in debug builds, the compiler refers to the classes from other files.

    struct Entry {
        let element: Element
        let end: UInt64
        let bytes: Int32
    }

    /// The elements of one client, the oldest first.
    final class List {
        let client: ClientRecord
        /// Not retained: the share retains its lists, and the table keeps each share that has one.
        unowned let share: Share
        @exclusivity(unchecked) var entries: Deque<Entry> = []
        /// The list's places among all lists, ordered by their next end, and among the lists of its share, ordered by
        /// size.
        @exclusivity(unchecked) var endPlace: HeapHandle?
        @exclusivity(unchecked) var sizePlace: HeapHandle?

        init(_ client: ClientRecord, _ share: Share) {
            self.client = client
            self.share = share
            client.charge(ObjectSize.retainedList)
        }

        deinit { client.charge(-ObjectSize.retainedList) }
    }

    /// The lists of one holder's clients.
    final class Share {
        let holder: Holder
        @exclusivity(unchecked) var count = 0
        /// The number of elements beyond those that are guaranteed to the clients.
        @exclusivity(unchecked) var excess = 0
        @exclusivity(unchecked) var lists = IndexedHeap<List>()
        @exclusivity(unchecked) var place: HeapHandle?

        init(_ holder: Holder) { self.holder = holder }
    }

    private var nanoseconds: UInt64
    private var maxCount: Int
    /// The number of elements up to which a holder loses none, and a client.
    private var guaranteedToHolder: Int { maxCount / 1024 }
    private var guaranteedToClient: Int { maxCount / 4096 }
    private(set) var count = 0
    /// The number of elements that are not guaranteed.
    private var surplus = 0
    private var lists = ShardedDictionary<ObjectIdentifier, List>()
    private var shares: [ObjectIdentifier: Share] = [:]
    /// The lists, ordered by their next end, and the shares, the largest first.
    private var ends = IndexedHeap<List>()
    private var largest = IndexedHeap<Share>()

    /// - Parameters:
    ///   - life: the time for which each element is kept. Zero keeps none.
    ///   - maxCount: the most elements that are kept.
    init(life: Duration, maxCount: Int) {
        nanoseconds = life.wholeNanoseconds
        self.maxCount = maxCount
    }

    /// Changes the time for which later elements are kept, and the most that are kept.
    mutating func change(life: Duration, maxCount: Int) {
        nanoseconds = life.wholeNanoseconds
        guard maxCount != self.maxCount else { return }
        self.maxCount = maxCount
        surplus = 0
        for share in shares.values { share.excess = 0 }
        lists.forEach { $0.share.excess += max(0, $0.entries.count - guaranteedToClient) }
        for share in shares.values {
            surplus += surplus(of: share)
            rank(share)
        }
    }

    private func surplus(of share: Share) -> Int { max(0, min(share.excess, share.count - guaranteedToHolder)) }

    /// The time at which the next element ends, in nanoseconds of the clock; nil if there are no elements.
    var nextEnd: UInt64? { ends.leastPriority }

    /// Keeps an element, and charges its client for it.
    mutating func keep(_ element: Element, for client: ClientRecord, charging bytes: Int, at now: UInt64) {
        let end = end(ofLifeFrom: now)
        let list = list(of: client)
        list.entries.append(Entry(element: element, end: end, bytes: Int32(clamping: bytes)))
        client.charge(bytes)
        count += 1
        changeCount(of: list, by: 1)
        if list.entries.count == 1 { list.endPlace = ends.insert(list, at: end) }
        rank(list)
    }

    /// Returns the end of the life of an element, rounded up so that many elements end together.
    private func end(ofLifeFrom now: UInt64) -> UInt64 {
        let end = now &+ nanoseconds
        let granule = min(nanoseconds / 100, 10_000_000)
        return granule == 0 ? end : (end &+ granule &- 1) / granule &* granule
    }

    /// Removes and returns an element that has expired or that exceeds the maximum number.
    mutating func popSurplus(at now: UInt64) -> Element? {
        if let list = ends.first, let first = list.entries.first, first.end <= now { return removeFirst(of: list) }
        guard surplus > max(0, maxCount - guaranteedToHolder), let list = largest.first?.lists.first else { return nil }
        return removeFirst(of: list)
    }

    /// Removes and returns the oldest element of the client with the most, of a holder that has more than `count`
    /// elements. Nil if it has no more.
    mutating func popOldest(of holder: Holder, beyond count: Int) -> Element? {
        guard let share = shares[ObjectIdentifier(holder)], share.count > count, let list = share.lists.first else {
            return nil
        }
        return removeFirst(of: list)
    }

    /// Removes and returns the oldest element of a client.
    mutating func popOldest(of client: ClientRecord) -> Element? {
        lists[ObjectIdentifier(client)].flatMap { removeFirst(of: $0) }
    }

    /// Visits the elements with their clients. Those of a client come in their order.
    func forEach(_ visit: (Element, ClientRecord) -> Void) {
        lists.forEach { list in for entry in list.entries { visit(entry.element, list.client) } }
    }

    private mutating func list(of client: ClientRecord) -> List {
        if let known = lists[ObjectIdentifier(client)] { return known }
        let holder = client.holder
        let share = shares[ObjectIdentifier(holder)] ?? Share(holder)
        shares[ObjectIdentifier(holder)] = share
        let made = List(client, share)
        lists[ObjectIdentifier(client)] = made
        return made
    }

    private mutating func removeFirst(of list: List) -> Element? {
        guard let first = list.entries.popFirst() else { return nil }
        list.client.charge(-Int(first.bytes))
        count -= 1
        changeCount(of: list, by: -1)
        if let place = list.endPlace { ends.remove(place) }
        list.endPlace = list.entries.first.map { ends.insert(list, at: $0.end) }
        rank(list)
        if list.entries.isEmpty { lists[ObjectIdentifier(list.client)] = nil }
        if list.share.count == 0 { shares[ObjectIdentifier(list.share.holder)] = nil }
        // Frees the memory that a burst has allocated.
        if count == 0 {
            lists = ShardedDictionary()
            shares = [:]
        }
        return first.element
    }

    /// Counts an element that has come to a list, or has left it.
    private mutating func changeCount(of list: List, by change: Int) {
        let share = list.share
        surplus -= surplus(of: share)
        share.count += change
        if max(list.entries.count, list.entries.count - change) > guaranteedToClient { share.excess += change }
        surplus += surplus(of: share)
    }

    /// Updates the place of a list by its size, and the place of its share by the number of elements that are not
    /// guaranteed. The largest comes first in its heap.
    private mutating func rank(_ list: List) {
        let share = list.share
        if let place = list.sizePlace { share.lists.remove(place) }
        let size = UInt64(list.entries.count)
        list.sizePlace = size == 0 ? nil : share.lists.insert(list, at: .max - size)
        rank(share)
    }

    private mutating func rank(_ share: Share) {
        if let place = share.place { largest.remove(place) }
        let surplus = UInt64(surplus(of: share))
        share.place = surplus == 0 ? nil : largest.insert(share, at: .max - surplus)
    }
}
