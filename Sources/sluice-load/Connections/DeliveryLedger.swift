/// Who has sent how much, and what has come of it: the books of a run, which must balance.
struct Account: Sendable {
    /// By sender.
    private(set) var sent: [Int: Int] = [:]
    /// Of each receiver, by sender.
    private var received: [[Int: Tally]] = []

    mutating func add(sender: Int, sent count: Int) { sent[sender] = count }

    mutating func add(receiver tallies: [Int: Tally]) { received.append(tallies) }

    mutating func add(_ other: Account) {
        sent.merge(other.sent) { $1 }
        received += other.received
    }

    /// Each message was received by exactly one receiver.
    func checkEachOnce() throws(LoadFailure) {
        var total: [Int: Tally] = [:]
        for tallies in received { total.merge(tallies) { $0 + $1 } }
        for (sender, count) in sent.sorted(by: { $0.key < $1.key }) {
            try Self.check(total[sender] ?? Tally(), sender, count)
        }
    }

    /// Each message was received by every receiver.
    func checkEachByAll() throws(LoadFailure) {
        for tallies in received {
            for (sender, count) in sent.sorted(by: { $0.key < $1.key }) {
                try Self.check(tallies[sender] ?? Tally(), sender, count)
            }
        }
    }

    private static func check(_ tally: Tally, _ sender: Int, _ count: Int) throws(LoadFailure) {
        guard tally.count == count else {
            throw LoadFailure("sender \(sender) has sent \(count) messages, and \(tally.count) have arrived")
        }
        guard tally == Tally(sent: count) else {
            throw LoadFailure("of the \(count) messages of sender \(sender) some were lost, and others came twice")
        }
    }
}

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
