import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

// What the tests of channels, selects and tasks share.

/// Who has sent and who has received what, from any thread.
final class Ledger: Sendable {
    private let entries = Lock<(sent: Set<Int>, received: [Int])>(([], []))

    func noteSent(_ message: Int) { entries.withLock { _ = $0.sent.insert(message) } }
    func noteReceived(_ message: Int) { entries.withLock { $0.received.append(message) } }

    /// Whether what was received is what was sent, each message once.
    var balances: Bool { entries.withLock { $0.received.count == $0.sent.count && Set($0.received) == $0.sent } }

    var sentCount: Int { entries.withLock { $0.sent.count } }
    var receivedCount: Int { entries.withLock { $0.received.count } }
    var received: [Int] { entries.withLock { $0.received } }
}

/// Waits until `channel` has `count` waiters. For tasks on and off the reactors.
func untilParked<Element: Sendable>(
    _ count: Int, on channel: Channel<Element>, location: SourceLocation = #_sourceLocation
) async throws {
    try await until("\(count) operations are parked, not \(channel.parkedCount)", sourceLocation: location) {
        channel.parkedCount == count
    }
}

/// Runs `body` on a reactor with a thread of its own, and returns once that has ended. For tests that are themselves
/// tasks of Swift's pool, whose few threads must not be blocked.
func withStartedReactor<Result>(
    _ name: String = "reactor", clock: any ReactorClock = SystemReactorClock(),
    _ body: (Reactor) async throws -> Result
) async throws -> Result {
    let reactor = try Reactor(name: name, clock: clock)
    try reactor.start()
    let result: Swift.Result<Result, any Error>
    do {
        result = .success(try await body(reactor))
    } catch {
        result = .failure(error)
    }
    reactor.stop()
    try await reactor.untilStopped()
    return try result.get()
}

extension Reactor {
    /// Waits until no thread runs the loop.
    func untilStopped(location: SourceLocation = #_sourceLocation) async throws {
        try await until("\(name) has stopped", sourceLocation: location) { !isRunning }
    }
}
