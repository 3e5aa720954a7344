import SluiceWire

/// The operations that the server has under a tag. A tag spells the number of its slot.
struct TagTable {
    private var operations: [Operation?] = []
    private var tags: [Tag] = []
    private var free: [Int] = []
    private(set) var count = 0

    func tag(_ slot: Int) -> Tag { tags[slot] }

    /// Returns a free slot, the most recently freed one first; nil when its number is too long for a tag.
    mutating func insert(_ operation: Operation) -> Int? {
        if let slot = free.popLast() {
            operations[slot] = operation
            count += 1
            return slot
        }
        guard let tag = Tag(String(operations.count, radix: Self.radix)) else { return nil }
        operations.append(operation)
        tags.append(tag)
        count += 1
        return operations.count - 1
    }

    /// Returns the slot and the operation of a tag that is in use.
    func find(_ tag: Tag) -> (slot: Int, operation: Operation)? {
        guard let slot = Int(tag.description, radix: Self.radix), operations.indices.contains(slot),
            let operation = operations[slot]
        else { return nil }
        return (slot, operation)
    }

    mutating func remove(_ slot: Int) {
        guard operations[slot] != nil else { return }
        operations[slot] = nil
        free.append(slot)
        count -= 1
    }

    func contains(where condition: (Operation) -> Bool) -> Bool {
        operations.contains { $0.map(condition) ?? false }
    }

    var all: [Operation] { operations.compactMap(\.self) }

    mutating func removeAll() -> [Operation] {
        defer { self = TagTable() }
        return all
    }

    private static let radix = 36
}
