import DequeModule

/// Operations that wait for their turn, first come, first served. An operation that ends while it waits stays in the
/// queue, and `popFirst` skips it.
struct OperationQueue {
    private var operations = Deque<Operation>()
    /// How many of them are still waiting.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ operation: Operation) {
        operations.append(operation)
        count += 1
    }

    mutating func popFirst() -> Operation? {
        while let operation = operations.popFirst() {
            guard operation.isQueued else { continue }
            count -= 1
            return operation
        }
        return nil
    }

    /// Records that one of the operations has ended in the queue.
    mutating func noteEnded() { count -= 1 }

    /// The operations that are still waiting, in order.
    var waiting: [Operation] { operations.filter(\.isQueued) }

    /// Inserts operations by the order in which they were submitted.
    mutating func insert(_ others: [Operation]) {
        operations = Deque((waiting + others).sorted { $0.serial < $1.serial })
        count = operations.count
    }

    mutating func removeAll() -> [Operation] {
        defer { self = OperationQueue() }
        return waiting
    }
}
