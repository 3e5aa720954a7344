/// The median and the range of the values of several rounds.
struct Spread: Sendable, Equatable {
    let median: Double
    let least: Double
    let most: Double
    /// How many rounds have a value.
    let rounds: Int

    /// Returns nil when no value is a finite number.
    ///
    /// - Parameter rounds: how many rounds the values stand for; nil for one each.
    init?(_ values: [Double], rounds: Int? = nil) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let least = sorted.first, let most = sorted.last else { return nil }
        let middle = sorted.count / 2
        // Halved before they are added, so that two large values do not overflow.
        median = sorted.count.isMultiple(of: 2) ? sorted[middle - 1] / 2 + sorted[middle] / 2 : sorted[middle]
        self.least = least
        self.most = most
        self.rounds = rounds ?? sorted.count
    }

    init?(_ values: [Int]) { self.init(values.map(Double.init)) }

    /// Creates the spread of the ratios of each round. The contenders take turns, so that a disturbance affects both
    /// values of a round: the median of the ratios is more reliable than the ratio of the medians.
    init?(of ours: [Double], to theirs: [Double]) {
        self.init(zip(ours, theirs).compactMap { $0 >= 0 && $1 > 0 ? $0 / $1 : nil })
    }

    /// Returns the range from the least to the most; nil for one round.
    func range(_ quantity: Quantity, separator: String = " – ") -> String? {
        rounds > 1 ? quantity.range(from: least, to: most, separator: separator) : nil
    }
}

extension ComparisonEntry {
    var value: Spread? { Spread(values) }
    var p99: Spread? { Spread(p99Nanoseconds) }
    var server: Spread? { Spread(serverNanoseconds) }

    func ratio(to other: ComparisonEntry) -> Spread? { Spread(of: values, to: other.values) }

    func p99Ratio(to other: ComparisonEntry) -> Spread? {
        Spread(of: p99Nanoseconds.map(Double.init), to: other.p99Nanoseconds.map(Double.init))
    }
}
