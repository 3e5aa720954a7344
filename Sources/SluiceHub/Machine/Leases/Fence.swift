/// Numbers the leases, so that a resource can refuse a receiver whose lease has ended.
///
/// The fences of a run are the epoch, shifted, plus the number of leases so far. The epoch is a time in milliseconds, and
/// a run grants fewer leases in a millisecond than the shift leaves room for. So the fences of a run are smaller than
/// those of every later run with a greater epoch.
enum Fence {
    /// Leaves room for a million leases in a millisecond, and for the milliseconds until the year 2248.
    private static let shift = 20

    static func base(of epoch: Int) -> Int64 { Int64(epoch & (1 << (63 - shift) - 1)) << shift }

    /// The least epoch whose fences are greater than a fence.
    static func epoch(after fence: Int64) -> Int { Int(fence >> shift) + 1 }
}
