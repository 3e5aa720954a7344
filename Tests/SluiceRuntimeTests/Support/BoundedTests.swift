import Testing

@testable import TestSupport

@Suite(.bounded) struct BoundedTests {
    @Test("A test that takes too long fails under its own name and is cancelled")
    func aTestThatTakesTooLong() async throws {
        let test = try #require(Test.current)
        let (endings, ending) = AsyncStream.makeStream(of: Void.self)
        try await withKnownIssue {
            // In a task of its own, so that this one is not cancelled.
            try await Task {
                // Without a turn: a test that holds one must not wait for another behind all the tests in the queue.
                try await Bounded(limit: .milliseconds(10)).limit(test, onForfeit: {}) {
                    // Only a cancellation ends this loop.
                    for await _ in endings {}
                    #expect(Task.isCancelled)
                }
            }.value
        } matching: { issue in
            issue.comments == ["the test has not ended within \(Duration.milliseconds(10))"]
        }
        ending.finish()
    }

    @Test("A failed expectation on a thread of its own is recorded for the test")
    func aThread() async throws {
        try await withKnownIssue {
            try await onOwnThread { #expect(Bool(false), "on the thread") }.value
        } matching: {
            $0.comments == ["on the thread"]
        }
    }
}
