import Testing

@testable import SluiceHub

@Suite struct TurnTimeTests {
    private let portion = TurnTime.Portion(most: 2_000_000, least: 300_000)

    @Test("A kind of work has its longest time while the turn has time left, and its least time afterwards")
    func portions() {
        var time = TurnTime()
        let begin: UInt64 = 1000
        #expect(time.end(of: portion, from: begin) == begin + portion.most)
        let end = begin + Budget.timeOfTurn
        #expect(time.end(of: portion, from: end - 1_000_000) == end)
        #expect(time.end(of: portion, from: end) == end + portion.least)
        #expect(time.end(of: portion, from: end + 7) == end + 7 + portion.least)
        time.renew()
        #expect(time.end(of: portion, from: end) == end + portion.most)
    }

    @Test("The time of a turn with all kinds of work is bounded")
    func sum() {
        var time = TurnTime()
        var now: UInt64 = 0
        let portions = [
            Budget.timeOfInput, Budget.timeOfNewcomers, Budget.timeOfCalls, Budget.timeOfCrowdedInput,
            Budget.timeOfCalls, Budget.timeOfReports,
        ]
        for portion in portions { now = time.end(of: portion, from: now) }
        #expect(now < 9_000_000)
    }
}
