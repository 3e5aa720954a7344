/// Detects when most of many objects are gone, so that it is worth returning free memory to the system.
struct Ebb {
    /// A peak up to this number is not worth the time that returning memory takes.
    private let leastPeak: Int
    /// The highest number since the last ebb.
    private var peak = 0
    private var awaitsLast = false

    init(ofMoreThan leastPeak: Int) {
        self.leastPeak = leastPeak
    }

    mutating func rise(to count: Int) {
        if count > peak { peak = count }
    }

    /// Returns whether to return free memory to the system now: once when the number has fallen to an eighth of a high
    /// peak, and once more when it reaches 0 and the shared memory is free as well.
    @inline(__always)
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
