/// Detects when much memory has been freed, or most of many objects, so that it is worth returning free memory to the
/// system.
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

/// Detects that a number has fallen by a certain amount since it was highest, and then again by that amount, and so on.
struct Fall {
    private let step: Int
    /// The number has fallen by a step when it is below this. It is a step behind the highest one.
    private var bottom: Int

    init(by step: Int) {
        self.step = step
        bottom = 1 - step
    }

    /// Returns whether the number has fallen by another step.
    @inline(__always)
    mutating func reaches(_ number: Int) -> Bool {
        // One comparison finds both that the number has fallen and that it is the highest so far. Both are rare.
        UInt(bitPattern: number &- bottom) < UInt(step) ? false : passesBound(number)
    }

    @inline(never)
    private mutating func passesBound(_ number: Int) -> Bool {
        defer { bottom = number - step + 1 }
        return number < bottom
    }
}
