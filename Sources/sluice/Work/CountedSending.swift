import SluiceClient
import SluiceRuntime
import SluiceWire

/// Sends messages to a channel in order, many at a time, and counts their outcomes. On the reactor's thread only.
final class CountedSending: @unchecked Sendable {
    // Sendable: see above.

    private static let window = 512

    private let pipeline: SendPipeline
    private(set) var tally = SendTally()
    /// Called with each outcome.
    var onOutcome: () -> Void = {}

    /// - Parameter template: the command that is sent with each message.
    init(_ template: SendCommand, of client: Client) {
        pipeline = SendPipeline(template, window: Self.window, of: client)
    }

    /// Sends a message as soon as there is room for it. After `stop`, does nothing.
    ///
    /// - Parameter outcome: called with the outcome of this message.
    func send(_ body: Body, outcome: (@Sendable (OperationOutcome) -> Void)? = nil) async {
        _ = await pipeline.submit(body) { [self] result in
            tally.count(result)
            outcome?(result)
            onOutcome()
        }
    }

    /// Sends no more, and withdraws the messages that no receiver has taken yet.
    func stop() { pipeline.withdraw() }

    /// Waits until every message has its outcome.
    func settle() async { await pipeline.settled() }
}
