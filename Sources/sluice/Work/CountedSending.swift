import SluiceClient
import SluiceRuntime
import SluiceWire

/// Sends messages to a channel in order, many at a time, and counts their outcomes. On the reactor's thread only.
final class CountedSending: @unchecked Sendable {
    // Sendable: see above.

    /// What the closure for all messages changes: a closure for each would cost an allocation.
    private final class Counter: @unchecked Sendable {
        // Sendable: on the reactor's thread only.
        let channel: ChannelName
        var tally = SendTally()
        var onOutcome: () -> Void = {}

        init(of channel: ChannelName) { self.channel = channel }

        func count(_ outcome: OperationOutcome) {
            tally.count(outcome, on: channel)
            onOutcome()
        }
    }

    private static let window = 512

    private let pipeline: SendPipeline
    private let counter: Counter
    private let count: @Sendable (OperationOutcome) -> Void

    /// - Parameter template: the command that is sent with each message.
    init(_ template: SendCommand, of client: Client) {
        pipeline = SendPipeline(template, window: Self.window, of: client)
        let counter = Counter(of: template.channel)
        self.counter = counter
        count = { counter.count($0) }
    }

    var tally: SendTally { counter.tally }

    /// Calls `reaction` with each outcome.
    func onOutcome(_ reaction: @escaping () -> Void) { counter.onOutcome = reaction }

    /// Sends a message as soon as the window permits it. After `stop`, does nothing.
    ///
    /// - Parameter outcome: called with the outcome of this message, after it is counted.
    func send(_ body: Body, outcome: (@Sendable (OperationOutcome) -> Void)? = nil) async {
        guard let outcome else {
            _ = await pipeline.submit(body, onOutcome: count)
            return
        }
        _ = await pipeline.submit(body) { [count] result in
            count(result)
            outcome(result)
        }
    }

    /// Sends no more, and withdraws the messages that no receiver has taken yet.
    func stop() { pipeline.withdraw() }

    /// Waits until every message has its outcome.
    func settle() async { await pipeline.settled() }
}
