import Testing

@testable import SluiceClient

@Suite("The wait before a lost connection is tried again") struct BackoffTests {
    private let backoff = Backoff(initial: .milliseconds(50), longest: .seconds(5))

    @Test("The bound doubles with each failure, up to the longest")
    func growth() {
        let bounds = (0..<9).map { backoff.bound(afterFailures: $0) }
        #expect(bounds == [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000].map { .milliseconds($0) })
        #expect(backoff.bound(afterFailures: .max) == .seconds(5))
    }

    @Test("The wait is random, and within the bound")
    func jitter() {
        let delays = (0..<100).map { _ in backoff.delay(afterFailures: 3) }
        #expect(delays.allSatisfy { $0 >= .zero && $0 <= .milliseconds(400) })
        #expect(Set(delays).count > 50)
    }
}
