import Histogram

/// What a thread counts and times, by parts of the run.
struct Recorder {
    static let mostNanoseconds = 3_600_000_000_000

    private(set) var operations = 0
    var errors = 0
    private var histogram = Recorder.emptyHistogram

    static var emptyHistogram: Histogram<UInt32> {
        Histogram(
            lowestDiscernibleValue: 64, highestTrackableValue: UInt64(mostNanoseconds),
            numberOfSignificantValueDigits: .three)
    }

    init() {}

    @inline(__always)
    mutating func count() { operations += 1 }

    /// An operation that was to begin at one time, and was done at another.
    @inline(__always)
    mutating func time(from begin: Int, to end: Int) {
        histogram.record(UInt64(max(1, min(end - begin, Self.mostNanoseconds))))
    }

    /// What was recorded since the last time.
    mutating func take() -> Slice {
        defer {
            operations = 0
            errors = 0
            if histogram.totalCount > 0 { histogram.reset() }
        }
        return Slice(operations: operations, errors: errors, histogram: histogram)
    }

    /// A part of what a thread has done.
    struct Slice: Sendable {
        var operations: Int
        var errors: Int
        var histogram: Histogram<UInt32>
    }
}

extension Latency {
    /// The figures of a histogram; nil for an empty one.
    init?(_ histogram: Histogram<UInt32>) {
        guard histogram.totalCount > 0 else { return nil }
        self.init(
            count: Int(histogram.totalCount), meanNanoseconds: histogram.mean, leastNanoseconds: Int(histogram.min),
            mostNanoseconds: Int(histogram.max),
            percentiles: Self.percents(upTo: Int(histogram.totalCount)).map {
                Percentile(percent: $0, nanoseconds: Int(histogram.valueAtPercentile($0)))
            })
    }

    /// From the median on, four steps each time that what is left is halved, for a plot whose axis is logarithmic in that;
    /// as far as one operation of the count makes a difference.
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
