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
