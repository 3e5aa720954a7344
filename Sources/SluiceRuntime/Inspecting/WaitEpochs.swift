/// When the waits of a reactor's tasks began, to within about a second.
///
/// The record of a task has two bytes left, so that it keeps the number of an epoch, which is half a second long or more.
struct WaitEpochs: ~Copyable {
    /// The number of the running epoch.
    private(set) var current: UInt16 = 0
    /// When the epochs began, in nanoseconds of the reactor's clock.
    private var beginnings: [UInt64] = [0]
    /// When the running epoch began, in seconds of the wall clock.
    private var wallBeginning = -1.0

    private static let shortestEpoch: UInt64 = 500_000_000

    func beginning(of epoch: UInt16) -> UInt64 { beginnings[Int(min(epoch, current))] }

    /// Whether the running epoch may be long enough, by the wall clock, which may be set.
    @inline(__always)
    mutating func isOver(by wallSeconds: Double) -> Bool {
        guard (wallSeconds - wallBeginning).magnitude >= 0.5 else { return false }
        wallBeginning = wallSeconds
        return true
    }

    /// Begins another epoch if the running one is long enough.
    ///
    /// - Returns: whether the numbers of epochs are used up, so that the caller halves them in all tasks.
    mutating func note(_ now: UInt64) -> Bool {
        guard now &- beginnings[Int(current)] >= Self.shortestEpoch else { return false }
        let isFull = current == .max
        if isFull {
            // Each pair becomes one epoch. This happens after 9 hours at the earliest.
            beginnings = stride(from: 0, to: beginnings.count, by: 2).map { beginnings[$0] }
        }
        beginnings.append(now)
        current = UInt16(beginnings.count - 1)
        return isFull
    }
}
