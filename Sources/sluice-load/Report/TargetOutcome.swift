enum TargetVerdict: String, Sendable {
    case met
    case missed
    /// No round has a value of both contenders.
    case unmeasured = "not measured"
}

/// Whether a wanted ratio was reached.
struct TargetOutcome: Sendable {
    let wanted: WantedRatio
    let isHigherBetter: Bool
    let theirs: ComparisonEntry?
    /// The ratio of Sluice to the other contender, round by round.
    let ratio: Spread?
    let p99Ratio: Spread?

    init(_ wanted: WantedRatio, in row: ComparisonRow) {
        self.wanted = wanted
        isHigherBetter = row.isHigherBetter
        let theirs = row.entries.indices.contains(wanted.against) ? row.entries[wanted.against] : nil
        let ours = row.entries.first
        self.theirs = theirs
        ratio = theirs.flatMap { ours?.ratio(to: $0) }
        p99Ratio = theirs.flatMap { ours?.p99Ratio(to: $0) }
    }

    /// Whether the ratio is reached, regardless of the 99th percentile.
    var isRatioReached: Bool? {
        ratio.map { isHigherBetter ? $0.median >= wanted.ratio : $0.median <= wanted.ratio }
    }

    var isP99Lower: Bool? { p99Ratio.map { $0.median < 1 } }

    var verdict: TargetVerdict {
        guard let isRatioReached else { return .unmeasured }
        guard isRatioReached else { return .missed }
        guard wanted.needsLowerP99 else { return .met }
        guard let isP99Lower else { return .unmeasured }
        return isP99Lower ? .met : .missed
    }

    /// The ratio relative to the wanted one, such that more than 1 is always better than wanted.
    var reached: Spread? {
        guard let ratio, wanted.ratio > 0 else { return nil }
        let values = [ratio.least, ratio.median, ratio.most]
        return Spread(values.map { isHigherBetter ? $0 / wanted.ratio : wanted.ratio / $0 }, rounds: ratio.rounds)
    }

    /// `at least 2×, and a lower p99`.
    var demand: String {
        let bound = (isHigherBetter ? "at least " : "at most ") + Quantity.ratio.tick(wanted.ratio)
        return wanted.needsLowerP99 ? bound + ", and a lower p99" : bound
    }

    /// `p99 lower (0.41×)`; nil when nothing is timed and no percentile is wanted.
    var p99Finding: String? {
        guard let isP99Lower else { return wanted.needsLowerP99 ? "p99 not measured" : nil }
        return "p99 \(isP99Lower ? "lower" : "not lower") (\(Quantity.ratio.text(p99Ratio?.median)))"
    }
}

extension ComparisonRow {
    var outcomes: [TargetOutcome] { wanted.map { TargetOutcome($0, in: self) } }

    var direction: String { isHigherBetter ? "more is better" : "less is better" }
}

extension Comparison {
    var outcomes: [TargetOutcome] { rows.flatMap(\.outcomes) }

    /// Returns a contender's title, or its key when the comparison has no title for it.
    func title(of key: String) -> String { contenders.first { $0.key == key }?.title ?? key }

    /// `7 of 9 targets met`, and how many were not measured; nil without targets.
    var summary: String? {
        let verdicts = outcomes.map(\.verdict)
        guard !verdicts.isEmpty else { return nil }
        let met = verdicts.count { $0 == .met }
        let unmeasured = verdicts.count { $0 == .unmeasured }
        let text = "\(met) of \(verdicts.count) \(verdicts.count == 1 ? "target" : "targets") met"
        return unmeasured > 0 ? "\(text), \(unmeasured) not measured" : text
    }
}

extension ComparisonRow {
    /// Whether the first entry reaches all wanted ratios, by its median.
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
    /// The middle value, or the mean of the two in the middle; NaN for an empty array.
    var median: Double {
        guard !isEmpty else { return .nan }
        let ordered = sorted()
        return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
    }
}
