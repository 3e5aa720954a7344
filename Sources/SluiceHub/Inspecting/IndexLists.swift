/// A list of numbers whose entries are in an `IndexLists`.
struct IndexList {
    /// The place behind the last entry of each list.
    static let end: Int32 = -1

    fileprivate(set) var head = Self.end
    fileprivate var tail = Self.end

    var isEmpty: Bool { head == Self.end }
    var hasOneElement: Bool { !isEmpty && head == tail }
}

/// The entries of many short lists.
struct IndexLists {
    private var entries = ChunkedArray<(value: Int32, next: Int32)>()

    var memoryBytes: Int { entries.count * MemoryLayout<(Int32, Int32)>.stride }

    mutating func append(_ value: Int32, to list: inout IndexList) {
        let place = Int32(entries.count)
        entries.append((value, IndexList.end))
        if list.isEmpty { list.head = place } else { entries[Int(list.tail)].next = place }
        list.tail = place
    }

    func first(of list: IndexList) -> Int32? { self[list.head] }

    /// The element at a place of a list; nil behind its last one.
    subscript(place: Int32) -> Int32? { place == IndexList.end ? nil : entries[Int(place)].value }

    func next(_ place: Int32) -> Int32 { entries[Int(place)].next }

    func elements(of list: IndexList) -> Elements { Elements(lists: self, place: list.head) }

    struct Elements: Sequence, IteratorProtocol {
        fileprivate let lists: IndexLists
        fileprivate var place: Int32

        mutating func next() -> Int32? {
            guard let value = lists[place] else { return nil }
            place = lists.next(place)
            return value
        }
    }
}
