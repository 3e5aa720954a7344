public import SluiceRuntime
import SluiceWire

/// A named channel of a hub, for code in the hub's process. Remote clients and others in the process meet on it.
///
/// A message is bytes. A loop over the channel receives until it is closed and empty:
///
/// ```swift
/// for try await message in try hub.channel("jobs") { … }
/// ```
public struct HubChannel: Sendable {
    let name: ChannelName
    let client: InProcessClient

    init(_ name: ChannelName, for client: InProcessClient) {
        self.name = name
        self.client = client
    }

    // MARK: Sending

    /// Sends `bytes`: returns when a receiver has taken them or, under a lease, acknowledged them; on a channel that
    /// buffers, when they are kept.
    ///
    /// - Parameter timeout: how long to wait at most; zero tries once, nil waits for ever.
    /// - Throws: `.closed`, `.poisoned`; `.timedOut`, `.cancelled`: then nobody has received the message, and nobody
    ///   will; `.inDoubt` when a receiver held it when the time ran out or the task was cancelled; `.refused` when a
    ///   limit of the hub is reached.
    public func send(_ bytes: [UInt8], timeout: Duration? = nil) async throws(SluiceError) {
        let reply = await client.perform(
            .send(SendCommand(channel: name, body: bytes, timeout: timeout)), .send)
        guard case .ok = reply else { throw reply.error }
    }

    /// Sends the bytes of a text. See `send(_:timeout:)`.
    public func send(_ text: String, timeout: Duration? = nil) async throws(SluiceError) {
        try await send(Array(text.utf8), timeout: timeout)
    }

    // MARK: Receiving

    /// Receives the next message; nil when the channel is closed and everything sent before has been received.
    ///
    /// - Parameter timeout: how long to wait at most; zero tries once, nil waits for ever.
    /// - Throws: `.poisoned`; `.timedOut`, `.cancelled`: then no message was taken.
    public func receive(timeout: Duration? = nil) async throws(SluiceError) -> [UInt8]? {
        let reply = await client.perform(.receive(ReceiveCommand(channel: name, timeout: timeout)), .receive)
        switch reply {
        case .message(_, let bytes, _): return bytes
        case .closed: return nil
        default: throw reply.error
        }
    }

    /// Receives the next message and holds it: its sender waits until it is acknowledged. It goes back to where it stood
    /// when it is refused, when `lease` is over, and when nobody refers to it any more.
    ///
    /// - Parameters:
    ///   - lease: how long it may be held before it is touched or acknowledged.
    ///   - timeout: how long to wait for a message at most; zero tries once, nil waits for ever.
    /// - Returns: nil when the channel is closed and empty.
    /// - Throws: as `receive(timeout:)`; `.refused` on a broadcast, and when too many messages are held.
    public func receive(lease: Duration, timeout: Duration? = nil) async throws(SluiceError) -> LeasedMessage? {
        guard lease > .zero else { throw SluiceError(.misuse, "a lease lasts longer than nothing") }
        let command = ReceiveCommand(channel: name, timeout: timeout, lease: lease)
        let reply = await client.perform(.receive(command), .receive)
        switch reply {
        case .message(_, let bytes, let attributes): return LeasedMessage(bytes, attributes, of: client)
        case .closed: return nil
        default: throw reply.error
        }
    }

    // MARK: Declaring and ending

    /// Takes no more messages: what is there is still received, then every receive returns nil.
    public func close() throws(SluiceError) {
        try client.performAtOnce(.close(name))
    }

    /// Ends both sides at once: every parked or later operation throws `.poisoned` with `reason`.
    public func poison(reason: String? = nil) throws(SluiceError) {
        try client.performAtOnce(.poison(name, reason))
    }
}

extension HubChannel: AsyncSequence {
    /// Receives until the channel is closed and empty.
    public func makeAsyncIterator() -> Iterator { Iterator(channel: self) }

    /// Receives the messages of a channel, one after the other.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let channel: HubChannel

        /// The next message; nil when the channel is closed and empty.
        ///
        /// - Throws: what `receive` throws.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SluiceError) -> [UInt8]? {
            try await channel.receive()
        }
    }
}
