import DequeModule
import Synchronization

/// The order in which a `WorkQueue` gives out its elements.
public enum WorkOrder<Element: Sendable>: Sendable {
    /// First in, first out.
    case oldestFirst
    /// Last in, first out.
    case newestFirst
    /// The element that comes before all others by the function; of equal ones, the oldest.
    case priority(by: @Sendable (Element, Element) -> Bool)
}

/// Elements that some tasks put in and others take out, in an order of the queue's, and a place to wait until all of
/// them have been worked on.
///
/// Tasks that wait are served in the order in which they came. After gevent's `Queue`, `LifoQueue`, `PriorityQueue` and
/// `JoinableQueue`.
///
/// ```swift
/// let jobs = WorkQueue<Job>(.priority(by: { $0.deadline < $1.deadline }), capacity: 100)
/// while let job = try await jobs.take() {
///     try await job.run()
///     jobs.finish()
/// }
/// ```
public final class WorkQueue<Element: Sendable>: Sendable {
    private let name: String
    private let elements: Lock<Elements>
    /// A message for each element.
    private let taken: Channel<Void>
    /// A message for each further element that fits; nil without a capacity.
    private let room: Channel<Void>?
    private let unfinished: WaitGroup

    /// Creates a queue.
    ///
    /// - Parameters:
    ///   - order: which element is taken first.
    ///   - capacity: the most elements that the queue keeps, at least 1; nil for no limit.
    ///   - name: shown in reports.
    public init(_ order: WorkOrder<Element> = .oldestFirst, capacity: Int? = nil, name: String = "") {
        self.name = name
        elements = Lock(Elements(order))
        taken = Channel(.unbounded, name: name, role: .queue)
        room = capacity.map { capacity in
            precondition(capacity >= 1, "the capacity of a queue must be at least 1, and is \(capacity)")
            let room = Channel<Void>(.unbounded, name: name, role: .fullQueue)
            for _ in 0..<capacity { room.trySendSignal() }
            return room
        }
        unfinished = WaitGroup(name: name)
    }

    /// The number of elements in the queue.
    public var count: Int { elements.withLock { $0.count } }
    /// The number of elements that were put in and for which `finish` was not called.
    public var unfinishedCount: Int { unfinished.count }

    // MARK: Putting

    /// Puts an element into the queue. Waits while the queue is full.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.closed` when the queue is closed; `.timedOut` or `.cancelled` when the wait was cut short. After an
    ///   error the queue does not have the element.
    public func put(_ element: Element, timeout: Duration? = nil) async throws(SluiceError) {
        try await room?.receiveSignal(timeout: timeout)
        try append(element)
    }

    /// Puts an element into the queue unless the queue is full.
    ///
    /// - Returns: whether the queue has the element.
    /// - Throws: `.closed` when the queue is closed.
    public func tryPut(_ element: Element) throws(SluiceError) -> Bool {
        if let room, !room.tryReceiveSignal() {
            if room.ending != nil { throw room.endingError }
            return false
        }
        try append(element)
        return true
    }

    private func append(_ element: Element) throws(SluiceError) {
        unfinished.add()
        elements.withLock { $0.append(element) }
        guard !taken.trySendSignal() else { return }
        // The queue is closed. The tasks that still take from it find as many elements as there are messages.
        elements.withLock { $0.dropNewest() }
        unfinished.done()
        throw taken.endingError
    }

    // MARK: Taking

    /// Takes the first element by the queue's order. Waits while there is none.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: the element; nil when the queue is closed and empty.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short, and no element was taken.
    public func take(timeout: Duration? = nil) async throws(SluiceError) -> Element? {
        try await taken.receive(timeout: timeout) == nil ? nil : removeFirst()
    }

    /// Takes the first element if that needs no waiting; nil if there is none.
    public func tryTake() -> Element? { taken.tryReceiveSignal() ? removeFirst() : nil }

    /// Creates a select arm that takes the first element. `action` gets nil when the queue is closed and empty.
    public func taking<Output>(_ action: @escaping (Element?) async throws -> Output) -> SelectArm<Output> {
        taken.receiving { [self] message in try await action(message == nil ? nil : removeFirst()) }
    }

    private func removeFirst() -> Element? {
        let element = elements.withLock { $0.popFirst() }
        room?.trySendSignal()
        return element
    }

    // MARK: Ending

    /// Notes that the work on an element is done. Call it once for each element taken, for `join`.
    public func finish() { unfinished.done() }

    /// Waits until `finish` was called for every element that was put in.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short.
    public func join(timeout: Duration? = nil) async throws(SluiceError) {
        try await unfinished.wait(timeout: timeout)
    }

    /// Closes the queue for new elements. Those that it has are still taken; after them, `take` returns nil. Tasks that
    /// wait to put an element in throw `.closed`.
    public func close() {
        room?.poison(reason: "it is closed")
        taken.close()
    }
}

extension WorkQueue {
    /// The elements of a queue, in its order.
    private struct Elements: Sendable {
        private let order: WorkOrder<Element>
        /// A deque, or a binary heap if the order has priorities: each entry comes before the two at twice its place.
        private var entries: Deque<(element: Element, serial: UInt64)> = []
        private var lastSerial: UInt64 = 0

        init(_ order: WorkOrder<Element>) {
            self.order = order
        }

        var count: Int { entries.count }

        mutating func append(_ element: Element) {
            lastSerial += 1
            entries.append((element, lastSerial))
            if case .priority(let precedes) = order { siftUp(entries.count - 1, precedes) }
        }

        mutating func popFirst() -> Element? {
            switch order {
            case .oldestFirst: return entries.popFirst()?.element
            case .newestFirst: return entries.popLast()?.element
            case .priority(let precedes): return entries.isEmpty ? nil : remove(at: 0, precedes)
            }
        }

        /// Removes the element that was appended last.
        mutating func dropNewest() {
            guard case .priority(let precedes) = order else {
                _ = entries.popLast()
                return
            }
            guard let place = entries.firstIndex(where: { $0.serial == lastSerial }) else { return }
            _ = remove(at: place, precedes)
        }

        private mutating func remove(at place: Int, _ precedes: (Element, Element) -> Bool) -> Element {
            entries.swapAt(place, entries.count - 1)
            let removed = entries.removeLast()
            if place < entries.count {
                siftDown(place, precedes)
                siftUp(place, precedes)
            }
            return removed.element
        }

        private func comes(_ first: Int, before second: Int, _ precedes: (Element, Element) -> Bool) -> Bool {
            if precedes(entries[first].element, entries[second].element) { return true }
            if precedes(entries[second].element, entries[first].element) { return false }
            return entries[first].serial < entries[second].serial
        }

        private mutating func siftUp(_ place: Int, _ precedes: (Element, Element) -> Bool) {
            var place = place
            while place > 0, comes(place, before: (place - 1) / 2, precedes) {
                entries.swapAt(place, (place - 1) / 2)
                place = (place - 1) / 2
            }
        }

        private mutating func siftDown(_ place: Int, _ precedes: (Element, Element) -> Bool) {
            var place = place
            while true {
                var first = place
                for child in [2 * place + 1, 2 * place + 2] where child < entries.count {
                    if comes(child, before: first, precedes) { first = child }
                }
                if first == place { return }
                entries.swapAt(place, first)
                place = first
            }
        }
    }
}
