public import Dispatch
public import Testing

/// How long a test waits for an event before it fails; what it waits for takes milliseconds.
public let patience: Duration = isThreadSanitized ? .seconds(60) : .seconds(10)

/// Lets others run until `condition` holds, and fails the test when it does not come to hold.
///
/// - Parameter event: what the test waits for, as in "the receiver is parked".
public func until(
    _ event: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) async throws {
    let start = ContinuousClock.now
    while try !condition() {
        try requirePatience(since: start, for: event(), sourceLocation)
        await Task.yield()
    }
}

/// The same on a thread, which is kept busy.
public func spin(
    until event: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) throws {
    let start = ContinuousClock.now
    while try !condition() { try requirePatience(since: start, for: event(), sourceLocation) }
}

private func requirePatience(since start: ContinuousClock.Instant, for event: String, _ location: SourceLocation) throws
{
    try #require(start.duration(to: .now) < patience, "waited \(patience) until \(event)", sourceLocation: location)
}

extension DispatchSemaphore {
    /// Blocks the thread until the semaphore is signalled, and fails the test when it is not.
    public func wait(until event: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let limit = DispatchTimeInterval.seconds(Int(patience.components.seconds))
        try #require(
            wait(timeout: .now() + limit) == .success, "waited \(patience) until \(event)",
            sourceLocation: sourceLocation)
    }
}
