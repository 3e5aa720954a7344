import DequeModule
import SluiceRuntime

/// Elements that are kept for some time, up to a maximum number beyond which the oldest is dropped.
struct Retention<Element>: ~Copyable {
    private struct Entry {
        let element: Element
        let end: UInt64
    }

    private var nanoseconds: UInt64
    private var maxCount: Int
    private var entries: Deque<Entry> = []

    /// - Parameters:
    ///   - life: the time for which each element is kept, rounded up to whole seconds so that many end together.
    ///   - maxCount: the most elements that are kept.
    init(life: Duration, maxCount: Int) {
        nanoseconds = life.wholeNanoseconds
        self.maxCount = maxCount
    }

    /// Changes the time for which later elements are kept, and the most that are kept.
    mutating func change(life: Duration, maxCount: Int) {
        nanoseconds = life.wholeNanoseconds
        self.maxCount = maxCount
    }

    var count: Int { entries.count }

    /// The time at which the next element ends, in nanoseconds of the clock; nil if there are no elements.
    var nextEnd: UInt64? { entries.first?.end }

    mutating func keep(_ element: Element, at now: UInt64) {
        let second: UInt64 = 1_000_000_000
        entries.append(Entry(element: element, end: (now &+ nanoseconds) / second * second &+ second))
    }

    /// Removes and returns the oldest element if its time is over or there are too many.
    mutating func popSurplus(at now: UInt64) -> Element? {
        guard let first = entries.first, first.end <= now || entries.count > maxCount else { return nil }
        entries.removeFirst()
        // Frees the memory that a burst has allocated.
        if entries.isEmpty { entries = [] }
        return first.element
    }
}
