import Testing

@testable import sluice_load

@Suite("Target outcomes")
struct TargetOutcomeTests {
    private func outcome(
        _ ours: [Double], _ theirs: [Double], wanted: Double, isHigherBetter: Bool = true, needsLowerP99: Bool = false,
        p99: (ours: [Int], theirs: [Int]) = ([], []), against: Int = 1
    ) -> TargetOutcome {
        let wanted = WantedRatio(against: against, ratio: wanted, needsLowerP99: needsLowerP99)
        let row = ComparisonRow(
            title: "row", unit: "things/s", isHigherBetter: isHigherBetter,
            entries: [Sample.entry("us", ours, p99: p99.ours), Sample.entry("them", theirs, p99: p99.theirs)],
            wanted: [wanted])
        return TargetOutcome(wanted, in: row)
    }

    @Test("A spread is the median and both ends of the finite values")
    func aSpreadIsTheMedianAndTheEnds() {
        #expect(Spread([3, 1, 2]).map { [$0.least, $0.median, $0.most] } == [1, 2, 3])
        #expect(Spread([4, 1, 2, 3])?.median == 2.5)
        #expect(Spread([5])?.median == 5)
        #expect(Spread([.nan, 7, .infinity])?.rounds == 1)
        #expect(Spread([] as [Double]) == nil)
        #expect(Spread([Double.nan]) == nil)
        let largest = Double.greatestFiniteMagnitude
        #expect(Spread([largest, largest])?.median == largest)
    }

    @Test("A ratio is the median of the ratios of the rounds")
    func aRatioIsTheMedianOfThoseOfTheRounds() {
        // The medians are 20 and 10, but the ratios of the rounds are 1, 3 and 4.
        let ratio = Spread(of: [10, 30, 20], to: [10, 10, 5])
        #expect(ratio.map { [$0.least, $0.median, $0.most] } == [1, 3, 4])
    }

    @Test("A round without both values is left out")
    func aRoundThatOneDidNotFinishIsLeftOut() {
        #expect(Spread(of: [10, 30, 20], to: [10, 0]).map { [$0.median, Double($0.rounds)] } == [1, 1])
        #expect(Spread(of: [.nan, 30], to: [1, 10])?.median == 3)
        #expect(Spread(of: [1], to: []) == nil)
    }

    @Test("When more is better, the ratio must be reached")
    func moreMustReachTheRatio() {
        #expect(outcome([20, 20, 20], [10, 10, 10], wanted: 2).verdict == .met)
        #expect(outcome([19, 19, 19], [10, 10, 10], wanted: 2).verdict == .missed)
    }

    @Test("When less is better, the ratio must not be exceeded")
    func lessMustStayWithinTheRatio() {
        #expect(outcome([5], [10], wanted: 0.5, isHigherBetter: false).verdict == .met)
        #expect(outcome([6], [10], wanted: 0.5, isHigherBetter: false).verdict == .missed)
        #expect(outcome([5], [10], wanted: 0.5, isHigherBetter: false).demand == "at most 0.5×")
    }

    @Test("The reached share is above 1 when the result is better than wanted")
    func reachedIsMoreThanOneWhereItIsBetter() {
        #expect(outcome([30], [10], wanted: 2).reached?.median == 1.5)
        #expect(outcome([2], [10], wanted: 0.5, isHigherBetter: false).reached?.median == 2.5)
        #expect(outcome([0], [10], wanted: 0.5, isHigherBetter: false).reached == nil)
    }

    @Test("A target can demand a lower 99th percentile")
    func aLowerP99CanBePartOfTheTarget() {
        let lower = (ours: [1, 3], theirs: [2, 4])
        let higher = (ours: [2, 4], theirs: [1, 3])
        #expect(outcome([20, 20], [10, 10], wanted: 2, needsLowerP99: true, p99: lower).verdict == .met)
        #expect(outcome([20, 20], [10, 10], wanted: 2, needsLowerP99: true, p99: higher).verdict == .missed)
        #expect(
            outcome([20, 20], [10, 10], wanted: 2, needsLowerP99: true, p99: lower).p99Finding == "p99 lower (0.625×)")
        #expect(outcome([20, 20], [10, 10], wanted: 2, p99: higher).verdict == .met)
    }

    @Test("An equal 99th percentile is not lower")
    func anEqualP99IsNotLower() {
        #expect(outcome([2], [1], wanted: 1, needsLowerP99: true, p99: ([5], [5])).verdict == .missed)
    }

    @Test("A target that was not measured is neither met nor missed")
    func whatWasNotMeasuredIsNeitherMetNorMissed() {
        #expect(outcome([], [10], wanted: 2).verdict == .unmeasured)
        #expect(outcome([20], [10], wanted: 2, against: 7).verdict == .unmeasured)
        #expect(outcome([20], [10], wanted: 2, needsLowerP99: true).verdict == .unmeasured)
        // The ratio is missed, regardless of the percentile.
        #expect(outcome([10], [10], wanted: 2, needsLowerP99: true).verdict == .missed)
    }

    @Test("A comparison counts the targets that were met")
    func aComparisonSumsUp() {
        #expect(Sample.comparison.summary == "1 of 2 targets met")
        #expect(Sample.comparison([]).summary == nil)
    }
}
