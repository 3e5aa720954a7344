import Testing

@testable import SluiceWeb

@Suite struct ConfirmationScheduleTests {
    private let limit = Duration.seconds(10)
    private let second: UInt64 = 1_000_000_000

    @Test("Checks become rarer, up to ten a second, until the client's kernel has confirmed nothing for the limit")
    func limits() {
        var schedule = ConfirmationSchedule()
        let delays = (0..<20).map { _ in schedule.next(confirmedBytes: 5, at: second, atMost: limit) }
        #expect(delays.prefix(3) == [.milliseconds(1), .milliseconds(2), .milliseconds(4)])
        // A kernel may delay its confirmation by 40 ms.
        #expect(delays.prefix(12).allSatisfy { $0 ?? .zero <= .milliseconds(4) } && delays.last == .milliseconds(100))
        #expect(schedule.next(confirmedBytes: 5, at: 11 * second - 1, atMost: limit) != nil)
        #expect(schedule.next(confirmedBytes: 5, at: 11 * second, atMost: limit) == nil)
    }

    @Test("Every confirmed byte begins the limit anew, and more output does not")
    func progress() {
        var schedule = ConfirmationSchedule()
        for step in 0..<20 {
            #expect(schedule.next(confirmedBytes: step, at: UInt64(step) * 9 * second, atMost: limit) != nil)
        }
        schedule.checkSoon()
        let end = 19 * 9 * second + 10 * second
        #expect(schedule.next(confirmedBytes: 19, at: end - 1, atMost: limit) == .milliseconds(1))
        #expect(schedule.next(confirmedBytes: 19, at: end, atMost: limit) == nil)
        #expect(schedule.next(confirmedBytes: 20, at: end, atMost: limit) != nil)
    }
}
