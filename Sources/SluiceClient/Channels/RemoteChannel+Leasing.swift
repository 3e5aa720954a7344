public import SluiceRuntime
import SluiceWire

extension RemoteChannel {
    /// Receives the next message and holds it: its sender waits until it is acknowledged. It goes back to where it stood
    /// when it is given back, when `lease` is over, when the connection is lost, and when nobody refers to it any more.
    ///
    /// - Parameters:
    ///   - lease: how long it may be held before it is touched or acknowledged.
    ///   - timeout: how long to wait for a message at most; zero tries once, nil waits for ever.
    /// - Returns: nil when the channel is closed and empty.
    /// - Throws: as `receive(timeout:)`; `.conflict` on a broadcast; `.limit` when too many messages are held.
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

    /// Receives the next message, has `body` work on it, and acknowledges it when `body` returns; when `body` throws, the
    /// message goes back, for another attempt. The lease is renewed for as long as the work takes.
    ///
    /// ```swift
    /// try await jobs.receive(lease: .seconds(30)) { message in
    ///     try await work(on: message.text)
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - lease: after how long the message goes to somebody else when this process stops.
    ///   - timeout: how long to wait for a message at most; zero tries once, nil waits for ever.
    ///   - body: the work.
    /// - Returns: what `body` returns; nil when the channel is closed and empty.
    /// - Throws: as `receive(lease:timeout:)`; what `body` throws; `.stale` when the message went back in spite of all, so
    ///   that somebody else does the work too, and `.inDoubt` when the connection was lost with the acknowledgement.
    public func receive<Result>(
        lease: Duration, timeout: Duration? = nil, _ body: (Message) async throws -> Result
    ) async throws -> Result? {
        guard let delivery = try await receive(lease: lease, timeout: timeout) else { return nil }
        let touching = try delivery.keepTouching()
        let result: Result
        do {
            result = try await body(delivery.message)
        } catch {
            touching.stop()
            try? await delivery.giveBack()
            throw error
        }
        touching.stop()
        try await delivery.acknowledge()
        return result
    }

    /// The messages of the channel, each to be acknowledged: up to `window` are fetched ahead and held.
    ///
    /// ```swift
    /// for try await delivery in jobs.deliveries(lease: .seconds(30), window: 16) {
    ///     try await work(on: delivery.message)
    ///     try await delivery.acknowledge()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - lease: how long each may be held, from the moment when the loop gets it.
    ///   - window: how many may be on their way or held at a time, at least 1: the server sends no more before some are
    ///     acknowledged or given back.
    public func deliveries(lease: Duration, window: Int = 1) -> LeasedDeliveries {
        LeasedDeliveries(channel: self, lease: lease, window: window)
    }

    static func check(_ lease: Duration) throws(SluiceError) {
        guard lease > .zero else { throw SluiceError(.misuse, "a lease lasts longer than nothing") }
    }
}
