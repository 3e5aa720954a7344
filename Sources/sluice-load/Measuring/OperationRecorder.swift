import Histogram

/// Counts and times a thread's operations, in slices of the run.
struct OperationRecorder {
    static let mostNanoseconds = 3_600_000_000_000

    private(set) var operations = 0
    var errors = 0
    private var histogram = OperationRecorder.emptyHistogram

    static var emptyHistogram: Histogram<UInt32> {
        Histogram(
            lowestDiscernibleValue: 64, highestTrackableValue: UInt64(mostNanoseconds),
            numberOfSignificantValueDigits: .three)
    }

    init() {}

    @inline(__always)
    mutating func count() { operations += 1 }

    /// Records the latency of an operation with the given intended and end time.
    @inline(__always)
    mutating func time(from begin: Int, to end: Int) {
        histogram.record(UInt64(max(1, min(end - begin, Self.mostNanoseconds))))
    }

    /// Returns what was recorded since the last slice, and starts another.
    mutating func takeSlice() -> Slice {
        defer {
            operations = 0
            errors = 0
            if histogram.totalCount > 0 { histogram.reset() }
        }
        return Slice(operations: operations, errors: errors, histogram: histogram)
    }

    /// A thread's operations in one slice of the run.
    struct Slice: Sendable {
        var operations: Int
        var errors: Int
        var histogram: Histogram<UInt32>
    }
}

extension Latency {
    /// Creates the figures of a histogram; nil for an empty one.
    init?(_ histogram: Histogram<UInt32>) {
        guard histogram.totalCount > 0 else { return nil }
        self.init(
            count: Int(histogram.totalCount), meanNanoseconds: histogram.mean, leastNanoseconds: Int(histogram.min),
            mostNanoseconds: Int(histogram.max),
            percentiles: Self.percents(upTo: Int(histogram.totalCount)).map {
                Percentile(percent: $0, nanoseconds: Int(histogram.valueAtPercentile($0)))
            })
    }

    /// Returns the percentiles for a plot whose axis is logarithmic in the share above them: four for each halving of
    /// that share, from the median to the last that the count can resolve.
    private static func percents(upTo count: Int) -> [Double] {
        var percents = Set(shown)
        var rest = 0.5
        while rest * Double(count) >= 1 {
            for step in 0..<4 { percents.insert(100 * (1 - rest * (1 - Double(step) / 8))) }
            rest /= 2
        }
        percents.insert(100)
        return percents.sorted()
    }
}
