public import SluiceRuntime
import SluiceWire

extension RemoteChannel {
    /// Receives the next message under a lease: its sender waits until the message is acknowledged. The message goes back to
    /// its place when it is nacked, when `lease` ends, when the connection is lost, and when the last reference to the
    /// delivery is gone.
    ///
    /// - Parameters:
    ///   - lease: how long the message may be held before it is acknowledged or the lease is renewed.
    ///   - timeout: how long to wait for a message; zero tries once, nil waits for ever.
    /// - Returns: nil when the channel is closed and empty.
    /// - Throws: as `receive(timeout:)`; `.conflict` on a broadcast; `.limit` when the client holds too many messages.
    public func receive(lease: Duration, timeout: Duration? = nil) async throws(SluiceError) -> LeasedDelivery? {
        try Self.check(lease)
        let command = ReceiveCommand(channel: channelName, timeout: timeout, lease: lease)
        let (reply, connection) = try await client.perform(.receive(command))
        switch reply {
        case .message(_, let bytes, let attributes):
            guard let delivery = LeasedDelivery(bytes, attributes, over: connection, of: client, lease: lease) else {
                throw SluiceError(.misuse, "the server has sent a message under a lease without its did")
            }
            return delivery
        case .closed: return nil
        default: throw reply.error()
        }
    }

    /// Receives the next message, runs `body` with it, and acknowledges it when `body` returns. When `body` throws, the
    /// message goes back for another attempt, after a delay that grows with the number of attempts. When `body` throws a
    /// `SluiceError` with the code `.rejected`, or the attempt was the last that `policy` permits, the message is rejected
    /// instead. The lease is renewed while `body` runs.
    ///
    /// ```swift
    /// try await jobs.receive(lease: .seconds(30)) { message in
    ///     try await work(on: message.text)
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - lease: after how long another receiver gets the message when this process stops.
    ///   - timeout: how long to wait for a message; zero tries once, nil waits for ever.
    ///   - policy: what becomes of the message when `body` throws.
    ///   - body: the work.
    /// - Returns: what `body` returns; nil when the channel is closed and empty.
    /// - Throws: as `receive(lease:timeout:)`; what `body` throws; `.stale` when the message went back all the same, so that
    ///   another receiver does the work too; `.inDoubt` when the connection was lost before the acknowledgement was answered.
    public func receive<Result>(
        lease: Duration, timeout: Duration? = nil, policy: RetryPolicy = RetryPolicy(),
        _ body: (Message) async throws -> Result
    ) async throws -> Result? {
        guard let delivery = try await receive(lease: lease, timeout: timeout) else { return nil }
        let touching = try delivery.keepTouching()
        let result: Result
        do {
            result = try await body(delivery.message)
        } catch {
            touching.stop()
            let attempt = delivery.message.attempt
            if policy.rejects(after: attempt, error) {
                let reason = (error as? SluiceError).map(\.message) ?? "attempts"
                try? await delivery.reject(reason: reason)
            } else {
                _ = try? await delivery.nack(delay: policy.delay(after: attempt))
            }
            throw error
        }
        touching.stop()
        try await delivery.acknowledge()
        return result
    }

    /// Returns the messages of the channel, each held under a lease. The client receives up to `window` of them ahead.
    ///
    /// ```swift
    /// for try await delivery in try jobs.deliveries(lease: .seconds(30), window: 16) {
    ///     try await work(on: delivery.message)
    ///     try await delivery.acknowledge()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - lease: how long each message may be held, from the moment when the loop gets it.
    ///   - window: the most messages that may be on their way or held, at least 1. The server sends the next one when one of
    ///     them is acknowledged or nacked.
    /// - Throws: `.misuse` when `lease` or `window` is not positive.
    public func deliveries(lease: Duration, window: Int = 1) throws(SluiceError) -> LeasedDeliveries {
        try Self.check(lease)
        try Self.check(window: window)
        return LeasedDeliveries(self, lease: lease, window: window)
    }

    /// Returns the messages of the channel. The client receives up to `window` of them ahead, which is many times faster than
    /// one `receive` after the other.
    ///
    /// ```swift
    /// for try await message in try jobs.messages(count: 1000) { print(message.text) }
    /// ```
    ///
    /// A message belongs to this client as soon as the server has sent it: what was received ahead is lost when the loop is
    /// left early, and when the connection is lost. End the loop with `count`, with `stop()`, or by cancelling its task, to
    /// get every message; use `deliveries(lease:window:)` where none may be lost with this process. After a lost connection
    /// the sequence goes on over the next one.
    ///
    /// - Parameters:
    ///   - count: how many messages to receive; nil receives until the channel is closed and empty.
    ///   - timeout: how long to wait for each message; zero tries once, nil waits for ever.
    ///   - window: the most messages that may be on their way or waiting for the loop, at least 1. Together they have about
    ///     2 MiB, unless a single message is longer.
    /// - Throws: `.misuse` when `count` or `window` is not positive.
    public func messages(
        count: Int? = nil, timeout: Duration? = nil, window: Int = 256
    ) throws(SluiceError) -> ReceivedMessages {
        guard count.map({ $0 > 0 }) ?? true else { throw SluiceError(.misuse, "count must be at least 1") }
        try Self.check(window: window)
        let demand = Intake.Demand(channel: channelName, timeout: timeout, total: count, window: window)
        return ReceivedMessages(Intake(demand, of: client))
    }

    private static func check(_ lease: Duration) throws(SluiceError) {
        guard lease > .zero else { throw SluiceError(.misuse, "a lease must be longer than zero") }
    }

    private static func check(window: Int) throws(SluiceError) {
        guard window > 0 else { throw SluiceError(.misuse, "window must be at least 1") }
    }
}
