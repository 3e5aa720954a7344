extension ComparisonRow {
    /// Whether the first entry reaches what is wanted of it, by the medians.
    var isReached: Bool { wanted.allSatisfy(isReached) }

    func isReached(_ wanted: WantedRatio) -> Bool {
        guard let first = entries.first, entries.indices.contains(wanted.against) else { return true }
        let other = entries[wanted.against]
        let ratio = first.values.median / other.values.median
        let isFast = isHigherBetter ? ratio >= wanted.ratio : ratio <= wanted.ratio
        let p99 = first.p99Nanoseconds.map(Double.init).median
        return isFast && (!wanted.needsLowerP99 || p99 < other.p99Nanoseconds.map(Double.init).median)
    }
}

extension [Double] {
    /// The one in the middle, or half-way between the two there; not a number where there is none.
    var median: Double {
        guard !isEmpty else { return .nan }
        let ordered = sorted()
        return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
    }
}
