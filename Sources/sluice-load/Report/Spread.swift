/// The median of what several rounds gave, and how far they lie apart.
struct Spread: Sendable, Equatable {
    let median: Double
    let least: Double
    let most: Double
    /// How many rounds gave a value.
    let rounds: Int

    /// Nil where no value is a number.
    /// - Parameter rounds: how many they stand for; nil where there is one of each.
    init?(_ values: [Double], rounds: Int? = nil) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let least = sorted.first, let most = sorted.last else { return nil }
        let middle = sorted.count / 2
        // Halved before they are added, so that the sum of two large ones is no overflow.
        median = sorted.count.isMultiple(of: 2) ? sorted[middle - 1] / 2 + sorted[middle] / 2 : sorted[middle]
        self.least = least
        self.most = most
        self.rounds = rounds ?? sorted.count
    }

    init?(_ values: [Int]) { self.init(values.map(Double.init)) }

    /// Of the ratios of each round. The contenders took turns, so that what disturbed a round disturbed both: such a
    /// ratio says more than one of medians.
    init?(of ours: [Double], to theirs: [Double]) {
        self.init(zip(ours, theirs).compactMap { $0 >= 0 && $1 > 0 ? $0 / $1 : nil })
    }

    /// From the least to the most, or nil where one round does not tell.
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
