/// What one receiver has had of one sender: enough to tell, with what the others have had, whether every message came
/// exactly once.
struct Tally: Sendable, Hashable {
    private(set) var count = 0
    /// The number of the last one; -1 before the first.
    private(set) var last = -1
    private(set) var sum: UInt64 = 0
    private(set) var squares: UInt64 = 0

    init() {}

    /// What is to come of messages that are numbered from 0.
    init(sent: Int) {
        for number in 0..<sent { add(number) }
    }

    /// Counts a message; false if it is not behind the last one.
    @inline(__always)
    mutating func take(_ number: Int) -> Bool {
        guard number > last else { return false }
        add(number)
        return true
    }

    @inline(__always)
    private mutating func add(_ number: Int) {
        last = number
        count += 1
        sum &+= UInt64(number)
        squares &+= UInt64(number) &* UInt64(number)
    }

    /// With what another receiver has had of the same sender.
    static func + (left: Tally, right: Tally) -> Tally {
        var both = left
        both.count += right.count
        both.last = max(left.last, right.last)
        both.sum &+= right.sum
        both.squares &+= right.squares
        return both
    }
}
