/// How many messages each sender sent, and what each receiver received.
struct DeliveryLedger: Sendable {
    /// By sender.
    private(set) var sent: [Int: Int] = [:]
    /// One element for each receiver, by sender.
    private var received: [[Int: SenderTally]] = []

    mutating func add(sender: Int, sent count: Int) { sent[sender] = count }

    mutating func add(receiver tallies: [Int: SenderTally]) { received.append(tallies) }

    mutating func merge(_ other: DeliveryLedger) {
        sent.merge(other.sent) { $1 }
        received += other.received
    }

    /// Checks that exactly one receiver received each message.
    func checkEachOnce() throws(LoadFailure) {
        var total: [Int: SenderTally] = [:]
        for tallies in received { total.merge(tallies) { $0 + $1 } }
        for (sender, count) in sent.sorted(by: { $0.key < $1.key }) {
            try Self.check(total[sender] ?? SenderTally(), sender, count)
        }
    }

    /// Checks that every receiver received each message.
    func checkEachByAll() throws(LoadFailure) {
        for tallies in received {
            for (sender, count) in sent.sorted(by: { $0.key < $1.key }) {
                try Self.check(tallies[sender] ?? SenderTally(), sender, count)
            }
        }
    }

    private static func check(_ tally: SenderTally, _ sender: Int, _ count: Int) throws(LoadFailure) {
        guard tally.count == count else {
            throw LoadFailure("sender \(sender) sent \(count) messages, but \(tally.count) arrived")
        }
        guard tally == SenderTally(sent: count) else {
            throw LoadFailure("of the \(count) messages of sender \(sender), some were lost and others arrived twice")
        }
    }
}

/// What one receiver received from one sender. Added up over the receivers, tallies tell whether every message arrived
/// exactly once.
struct SenderTally: Sendable, Hashable {
    private(set) var count = 0
    /// The number of the last message; -1 before the first.
    private(set) var last = -1
    private(set) var sum: UInt64 = 0
    private(set) var squares: UInt64 = 0

    init() {}

    /// The tally of messages numbered from 0 that all arrived once.
    init(sent: Int) {
        for number in 0..<sent { add(number) }
    }

    /// Counts a message; returns false if its number is not greater than the last one's.
    @inline(__always)
    mutating func record(_ number: Int) -> Bool {
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

    /// Adds up what two receivers received from the same sender.
    static func + (left: SenderTally, right: SenderTally) -> SenderTally {
        var both = left
        both.count += right.count
        both.last = max(left.last, right.last)
        both.sum &+= right.sum
        both.squares &+= right.squares
        return both
    }
}
