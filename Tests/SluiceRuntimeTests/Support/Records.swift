import Synchronization

@testable import SluiceRuntime

/// Collects values from any thread.
final class Recorder<Value: Sendable>: Sendable {
    private let recorded = Lock<[Value]>([])

    var values: [Value] { recorded.withLock { $0 } }

    func record(_ value: Value) {
        recorded.withLock { $0.append(value) }
    }
}

/// Records the messages that were sent and received, on any thread.
final class Ledger: Sendable {
    private let entries = Lock<(sent: Set<Int>, received: [Int])>(([], []))

    func noteSent(_ message: Int) { entries.withLock { _ = $0.sent.insert(message) } }
    func noteReceived(_ message: Int) { entries.withLock { $0.received.append(message) } }

    /// Whether every message that was sent was received once, and no other message was.
    var balances: Bool { entries.withLock { $0.received.count == $0.sent.count && Set($0.received) == $0.sent } }

    var sentCount: Int { entries.withLock { $0.sent.count } }
    var receivedCount: Int { entries.withLock { $0.received.count } }
    var received: [Int] { entries.withLock { $0.received } }
}
