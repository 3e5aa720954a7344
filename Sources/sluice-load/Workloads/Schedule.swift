/// When operations are to begin, at an even rate, whatever becomes of them.
///
/// What is late begins as soon as it can, and counts from the time at which it was to begin: so a server that stands still
/// for a second has made every operation of that second late, and not just one (coordinated omission, in Gil Tene's
/// words).
struct Schedule {
    private let nanosecondsEach: Double
    private let start: Int
    private var count = 0

    /// - Parameter offset: of the threads that share a rate, which one this is.
    init(rate: Double, from start: Int, offset: Int = 0) {
        nanosecondsEach = 1e9 / rate
        self.start = start + offset
    }

    /// The next one that is due by now: its intended time, and its index from 0. Nil when none is.
    mutating func next(until now: Int) -> (time: Int, index: Int)? {
        let time = nextTime
        guard time <= now else { return nil }
        defer { count += 1 }
        return (time, count)
    }

    /// When the next one is due.
    var nextTime: Int { start + Int(Double(count) * nanosecondsEach) }
}

/// What a connection has on its way: as many operations as it has places, and those that wait for one.
///
/// An operation keeps the time at which it was to begin, however long it waits: its latency counts from there.
struct Places {
    /// When the operation at each place was to begin; 0 for none.
    private var begun: [Int]
    /// The free ones. The one that was free first is the next, since servers without tags answer in order.
    private var free: Ring
    /// When operations were to begin that wait for a place.
    private var waiting = Ring()

    init(_ depth: Int) {
        begun = Array(repeating: 0, count: depth)
        free = Ring(0..<depth)
    }

    var isFull: Bool { free.isEmpty }
    var waitingCount: Int { waiting.count }

    /// When the next of those was to begin that wait.
    var nextWaiting: Int? { waiting.first }

    mutating func wait(_ intended: Int) { waiting.append(intended) }

    mutating func removeWaiting() { waiting.removeFirst() }

    /// The place of an operation that begins now, and was to begin at that time; nil when there is none.
    mutating func take(_ intended: Int) -> Int? {
        guard let place = free.first else { return nil }
        free.removeFirst()
        begun[place] = intended
        return place
    }

    /// When the operation was to begin that is done; nil when there is none at that place.
    mutating func finish(_ place: Int) -> Int? {
        guard place < begun.count, begun[place] != 0 else { return nil }
        defer { begun[place] = 0 }
        free.append(place)
        return begun[place]
    }
}

/// A queue of numbers that allocates only when it is fuller than ever before.
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
