import DequeModule
import SluiceRuntime

/// Things that are kept for a while after they have ended, and at most so many: the oldest goes first.
struct Retention<Element>: ~Copyable {
    private struct Entry {
        let element: Element
        let end: UInt64
    }

    private var nanoseconds: UInt64
    private var maxCount: Int
    private var entries: Deque<Entry> = []

    /// - Parameters:
    ///   - life: how long each is kept, rounded up to whole seconds, so that many end together.
    ///   - maxCount: how many are kept.
    init(life: Duration, maxCount: Int) {
        nanoseconds = life.wholeNanoseconds
        self.maxCount = maxCount
    }

    /// Keeps what comes from now on for another while, and at most so many.
    mutating func change(life: Duration, maxCount: Int) {
        nanoseconds = life.wholeNanoseconds
        self.maxCount = maxCount
    }

    var count: Int { entries.count }

    /// When the next one ends, in nanoseconds of the clock; nil when there is none.
    var nextEnd: UInt64? { entries.first?.end }

    mutating func keep(_ element: Element, at now: UInt64) {
        let second: UInt64 = 1_000_000_000
        entries.append(Entry(element: element, end: (now &+ nanoseconds) / second * second &+ second))
    }

    /// Takes one out whose time is over, or for which there is no room.
    mutating func popSurplus(at now: UInt64) -> Element? {
        guard let first = entries.first, first.end <= now || entries.count > maxCount else { return nil }
        entries.removeFirst()
        // A burst must not hold its memory for ever.
        if entries.isEmpty { entries = [] }
        return first.element
    }
}
