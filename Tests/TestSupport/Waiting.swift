import Glibc
public import Testing

/// How long a test waits for an event before it fails. The event takes milliseconds.
public let patience: Duration = isThreadSanitized ? .seconds(60) : .seconds(10)

/// Lets other tasks run until `condition` holds; throws, and fails the test, when it does not come to hold.
///
/// - Parameter event: what the test waits for, such as "the receiver is parked".
public func until(
    _ event: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) async throws {
    let start = ContinuousClock.now
    while try !condition() {
        try #require(
            start.duration(to: .now) < patience, "waited \(patience) until \(event())", sourceLocation: sourceLocation)
        await Task.yield()
    }
}

/// Keeps the calling thread busy until `condition` holds.
///
/// - Returns: false when the condition did not come to hold.
public func spin(until condition: () throws -> Bool) rethrows -> Bool {
    let start = ContinuousClock.now
    while try !condition() {
        if start.duration(to: .now) > patience { return false }
    }
    return true
}

/// Runs `body` on a thread of its own, in the context of the calling test: a failed expectation names the test.
@discardableResult
public func onOwnThread<Success: Sendable>(
    _ body: @escaping @Sendable () throws -> Success
) -> Task<Success, any Error> {
    let threads = TestThreads(count: 1)
    return Task(executorPreference: threads) {
        defer { threads.close() }
        return try body()
    }
}

/// Runs `body` on a thread of its own and without the context of the test: no task-local value is set. An expectation in
/// `body` would not name the test.
public func outsideOfTest<Success: Sendable>(
    _ body: @escaping @Sendable () throws -> Success
) async throws -> Success {
    let threads = TestThreads(count: 1)
    defer { threads.close() }
    return try await Task.detached(executorPreference: threads) { try body() }.value
}

/// Ends the process, which is that of an exit test, when it has not ended after a minute.
public func endExitTestInTime() {
    alarm(UInt32(patience.components.seconds) * 6)
}
