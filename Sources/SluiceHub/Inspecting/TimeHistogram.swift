/// How often something took how long. To count a time takes about twenty instructions.
package struct TimeHistogram: Sendable {
    /// The buckets. Each but the last holds times up to a bound, and the bounds grow fourfold from a microsecond.
    package static let bucketCount = 16
    /// The logarithm of the first bound in nanoseconds.
    private static let firstShift = 10

    package private(set) var counts = InlineArray<16, UInt64>(repeating: 0)
    /// The sum of all times, in nanoseconds.
    package private(set) var total: UInt64 = 0

    package init() {}

    /// Counts a time.
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

    /// The upper bound of a bucket in seconds; nil for the last one, which has none. A time that is as long as the bound is
    /// in the next bucket.
    package static func boundSeconds(of bucket: Int) -> Double? {
        bucket < bucketCount - 1 ? Double(UInt64(1) << (firstShift + 2 * bucket)) / 1e9 : nil
    }
}
