/// Tells when much of what there was has gone, and with it memory that is worth giving back.
struct Ebb {
    /// Fewer than these are not worth the time that it takes.
    private let leastPeak: Int
    /// The most that there were since the last ebb.
    private var peak = 0
    private var awaitsLast = false

    init(ofMoreThan leastPeak: Int) {
        self.leastPeak = leastPeak
    }

    mutating func rise(to count: Int) {
        if count > peak { peak = count }
    }

    /// Whether it is time to give memory back: when most of what there was has gone, and it was much, and once more when
    /// the last has gone, and with it what they shared. True once for each.
    mutating func falls(to count: Int) -> Bool {
        if peak > leastPeak, count < peak / 8 {
            peak = count
            awaitsLast = count > 0
            return true
        }
        guard awaitsLast, count == 0 else { return false }
        awaitsLast = false
        return true
    }
}
