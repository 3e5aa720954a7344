/// A histogram of durations. To count a duration takes about twenty instructions.
package struct TimeHistogram: Sendable {
    /// The number of buckets. Each except the last counts durations below a bound. The first bound is about a
    /// microsecond, and each further one is four times the one before.
    package static let bucketCount = 16
    /// The logarithm of the first bound in nanoseconds.
    private static let firstShift = 10

    /// The number of durations in each bucket.
    package private(set) var counts = InlineArray<16, UInt64>(repeating: 0)
    /// The sum of all durations, in nanoseconds.
    package private(set) var total: UInt64 = 0

    package init() {}

    /// Counts a duration.
    @inline(__always)
    package mutating func count(_ nanoseconds: UInt64) {
        total &+= nanoseconds
        let bits = UInt64.bitWidth - (nanoseconds >> Self.firstShift).leadingZeroBitCount
        counts[min((bits + 1) >> 1, Self.bucketCount - 1)] &+= 1
    }

    /// Adds the counts of another histogram.
    package mutating func add(_ other: TimeHistogram) {
        total &+= other.total
        for index in 0..<Self.bucketCount { counts[index] &+= other.counts[index] }
    }

    /// Returns the upper bound of a bucket in seconds; nil for the last one, which has none. A duration equal to the
    /// bound is in the next bucket.
    package static func boundSeconds(of bucket: Int) -> Double? {
        bucket < bucketCount - 1 ? Double(UInt64(1) << (firstShift + 2 * bucket)) / 1e9 : nil
    }
}
