/// Operations that wait for their turn, first come, first served. One that has ended meanwhile is passed over.
struct OperationQueue {
    private var operations: [Operation] = []
    /// Where the first one stands; what is before it was taken.
    private var head = 0
    /// How many of them have not ended.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ operation: Operation) {
        operations.append(operation)
        count += 1
    }

    mutating func popFirst() -> Operation? {
        while head < operations.count {
            let operation = operations[head]
            head += 1
            if head > 64, head * 2 > operations.count {
                operations.removeFirst(head)
                head = 0
            }
            guard case .queued = operation.stage else { continue }
            count -= 1
            return operation
        }
        operations.removeAll(keepingCapacity: true)
        head = 0
        return nil
    }

    /// One of them has ended where it stood.
    mutating func lostOne() { count -= 1 }

    /// Those that wait, in order.
    var waiting: [Operation] {
        operations[head...].filter { if case .queued = $0.stage { true } else { false } }
    }

    /// Puts operations in their place by when they were asked for.
    mutating func insert(_ others: [Operation]) {
        operations = (waiting + others).sorted { $0.serial < $1.serial }
        head = 0
        count = operations.count
    }

    mutating func removeAll() -> [Operation] {
        defer { self = OperationQueue() }
        return waiting
    }
}
