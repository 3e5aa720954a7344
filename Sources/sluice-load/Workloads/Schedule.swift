/// The times at which operations are due, at an even rate, however long each takes.
///
/// A late operation begins as soon as possible, and its latency counts from the time at which it was due. So a server
/// that stalls for a second delays all operations of that second, and not just one (Gil Tene calls the mistake of
/// counting one "coordinated omission").
struct Schedule {
    private let nanosecondsEach: Double
    private let start: Int
    private var count = 0

    /// - Parameter offset: the index of the thread, where several share a rate.
    init(rate: Double, from start: Int, offset: Int = 0) {
        nanosecondsEach = 1e9 / rate
        self.start = start + offset
    }

    /// Returns the intended time and the index, from 0, of the next operation that is due; nil when none is.
    mutating func next(until now: Int) -> (time: Int, index: Int)? {
        let time = nextTime
        guard time <= now else { return nil }
        defer { count += 1 }
        return (time, count)
    }

    /// When the next operation is due.
    var nextTime: Int { start + Int(Double(count) * nanosecondsEach) }
}

/// A connection's operations in flight, one at each place, and the operations that wait for a place.
///
/// An operation keeps its intended time however long it waits, since its latency counts from there.
struct Places {
    /// The intended time of the operation at each place; 0 at a free place.
    private var begun: [Int]
    /// The free places, in the order in which they became free, since servers answer untagged requests in order.
    private var free: Ring
    /// The intended times of the waiting operations.
    private var waiting = Ring()

    init(_ depth: Int) {
        begun = Array(repeating: 0, count: depth)
        free = Ring(0..<depth)
    }

    var isFull: Bool { free.isEmpty }
    var waitingCount: Int { waiting.count }

    /// The intended time of the first waiting operation.
    var nextWaiting: Int? { waiting.first }

    mutating func wait(_ intended: Int) { waiting.append(intended) }

    mutating func removeWaiting() { waiting.removeFirst() }

    /// Gives a free place to an operation with this intended time; returns nil when there is none.
    mutating func occupy(_ intended: Int) -> Int? {
        guard let place = free.first else { return nil }
        free.removeFirst()
        begun[place] = intended
        return place
    }

    /// Frees a place and returns its operation's intended time; nil when the place is free.
    mutating func release(_ place: Int) -> Int? {
        guard place < begun.count, begun[place] != 0 else { return nil }
        defer { begun[place] = 0 }
        free.append(place)
        return begun[place]
    }
}

/// A queue of numbers that allocates only when it holds more than ever before.
struct Ring {
    private var slots: [Int]
    private var head = 0
    private(set) var count = 0

    init() { slots = [0] }

    init(_ numbers: Range<Int>) {
        slots = Array(numbers)
        count = slots.count
    }

    var isEmpty: Bool { count == 0 }

    var first: Int? { count == 0 ? nil : slots[head] }

    mutating func removeFirst() {
        head = head + 1 == slots.count ? 0 : head + 1
        count -= 1
    }

    mutating func append(_ number: Int) {
        if count == slots.count { grow() }
        let place = head + count
        slots[place < slots.count ? place : place - slots.count] = number
        count += 1
    }

    private mutating func grow() {
        var larger = Array(slots[head...] + slots[..<head])
        larger += Array(repeating: 0, count: max(4, slots.count))
        slots = larger
        head = 0
    }
}
