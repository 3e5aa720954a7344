import Histogram

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
