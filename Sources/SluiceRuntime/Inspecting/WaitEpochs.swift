/// When the waits of a reactor's tasks began, to within about a second.
///
/// The record of a task has only two spare bytes. They hold the number of an epoch, which lasts at least half a second.
struct WaitEpochs: ~Copyable {
    /// The number of the running epoch.
    private(set) var current: UInt16 = 0
    /// When the epochs began, in nanoseconds of the reactor's clock.
    private var beginnings: [UInt64] = [0]
    /// When the running epoch began, in seconds of the wall clock.
    private var wallBeginning = -1.0

    private static let shortestEpoch: UInt64 = 500_000_000

    func beginning(of epoch: UInt16) -> UInt64 { beginnings[Int(min(epoch, current))] }

    /// Returns whether the wall clock has moved by half a second since this last returned true. A cheap check before
    /// `note`, which uses the reactor's clock because the wall clock can be set.
    @inline(__always)
    mutating func isOver(by wallSeconds: Double) -> Bool {
        guard (wallSeconds - wallBeginning).magnitude >= 0.5 else { return false }
        wallBeginning = wallSeconds
        return true
    }

    /// Begins another epoch if the running one is long enough.
    ///
    /// - Returns: true if the numbers were used up. Then pairs of epochs have become one, and the caller must halve the
    ///   number in every task.
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
