public import SluiceRuntime
public import SluiceWire

/// A named channel of a hub, for code in the hub's process. Remote and in-process clients use the same channels.
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

    /// Sends a message. Returns when a receiver has taken it or, under a lease, acknowledged it; on a channel with a
    /// buffer, when the message is in the buffer.
    ///
    /// - Parameters:
    ///   - timeout: the longest time to wait; zero tries once, nil waits without limit.
    ///   - delay: the time before which no receiver gets the message; a channel with a buffer keeps it meanwhile.
    ///   - trace: a word that comes with the message to its receivers, such as a W3C `traceparent`: 1 to 128 visible ASCII
    ///     characters.
    /// - Throws: `.closed` or `.poisoned`; `.timedOut` or `.cancelled`, if no receiver has the message or will get it;
    ///   `.rejected`, if a receiver or the channel's failure policy has refused it; `.inDoubt`, if a receiver held it
    ///   under a lease when the time ran out or the task was cancelled; `.refused`, if a limit of the hub is reached;
    ///   `.misuse`, if `trace` is not valid.
    public func send(
        _ bytes: [UInt8], timeout: Duration? = nil, delay: Duration? = nil, trace: String? = nil
    ) async throws(SluiceError) {
        let trace = try trace.map(TraceContext.init(checking:))
        let reply = await client.perform(
            .send(SendCommand(channel: name, body: bytes, timeout: timeout, delay: delay, trace: trace)), .send)
        guard case .ok = reply else { throw reply.error }
    }

    /// Sends the UTF-8 bytes of a text. See `send(_:timeout:delay:trace:)`.
    public func send(
        _ text: String, timeout: Duration? = nil, delay: Duration? = nil, trace: String? = nil
    ) async throws(SluiceError) {
        try await send(Array(text.utf8), timeout: timeout, delay: delay, trace: trace)
    }

    /// Sends a message, and waits for its answer.
    ///
    /// The receiver needs a lease. If it dies before it answers, the next receiver gets the message.
    ///
    /// - Parameters:
    ///   - timeout: the longest time to wait; zero tries once, nil waits without limit.
    ///   - trace: a word that comes with the message, as in `send`.
    /// - Returns: the answer. Nil if the message was taken without one: it was only acknowledged, or was received without
    ///   a lease.
    /// - Throws: the errors of `send`. After `.inDoubt`, a receiver may have worked on the message, and its answer is
    ///   lost.
    public func call(
        _ bytes: [UInt8], timeout: Duration? = nil, trace: String? = nil
    ) async throws(SluiceError) -> [UInt8]? {
        let trace = try trace.map(TraceContext.init(checking:))
        let reply = await client.perform(
            .send(SendCommand(channel: name, body: bytes, timeout: timeout, trace: trace, wantsAnswer: true)), .send)
        switch reply {
        case .data(let answer, _): return answer
        case .ok: return nil
        default: throw reply.error
        }
    }

    /// Sends the UTF-8 bytes of a text, and waits for the answer. See `call(_:timeout:trace:)`.
    public func call(
        _ text: String, timeout: Duration? = nil, trace: String? = nil
    ) async throws(SluiceError) -> [UInt8]? {
        try await call(Array(text.utf8), timeout: timeout, trace: trace)
    }

    // MARK: Receiving

    /// Receives the next message. Returns nil if the channel is closed and all its messages have been received.
    ///
    /// - Parameter timeout: the longest time to wait; zero tries once, nil waits without limit.
    /// - Throws: `.poisoned`; `.timedOut` or `.cancelled`, if no message was received.
    public func receive(timeout: Duration? = nil) async throws(SluiceError) -> [UInt8]? {
        let reply = await client.perform(.receive(ReceiveCommand(channel: name, timeout: timeout)), .receive)
        switch reply {
        case .message(_, let bytes, _): return bytes
        case .closed: return nil
        default: throw reply.error
        }
    }

    /// Receives the next message under a lease: its sender waits until it is acknowledged.
    ///
    /// The message returns to its place in the channel when it is given back, when the lease expires, and when the
    /// returned object is released.
    ///
    /// - Parameters:
    ///   - lease: the time in which the message must be acknowledged or touched.
    ///   - timeout: the longest time to wait for a message; zero tries once, nil waits without limit.
    /// - Returns: nil if the channel is closed and empty.
    /// - Throws: as `receive(timeout:)`; `.refused` on a broadcast channel, and if the client holds too many leases.
    public func receive(lease: Duration, timeout: Duration? = nil) async throws(SluiceError) -> LeasedMessage? {
        guard lease > .zero else { throw SluiceError(.misuse, "lease must be longer than zero") }
        let command = ReceiveCommand(channel: name, timeout: timeout, lease: lease)
        let reply = await client.perform(.receive(command), .receive)
        switch reply {
        case .message(_, let bytes, let attributes): return LeasedMessage(bytes, attributes, of: client)
        case .closed: return nil
        default: throw reply.error
        }
    }

    // MARK: Declaring and ending

    /// Declares the channel, and what happens to messages that receivers do not acknowledge.
    ///
    /// - Parameters:
    ///   - declaration: what the channel does with its messages.
    ///   - maxAttempts: the number of attempts after which a message is rejected; nil means no limit.
    ///   - dead: the channel that rejected messages move to, which must have a buffer; nil discards them.
    ///   - retry: the time between the first two attempts, doubled for each further one; nil offers a message again at
    ///     once.
    /// - Throws: `.refused` if the channel is in use with another declaration, or a limit of the hub is reached;
    ///   `.misuse` if an argument is invalid.
    public func open(
        _ declaration: ChannelDeclaration = .rendezvous, maxAttempts: Int? = nil, dead: String? = nil,
        retry: Duration? = nil
    ) throws(SluiceError) {
        let command: OpenCommand
        do throws(WireError) {
            command = try OpenCommand(
                checking: name, declaration, maxAttempts: maxAttempts, dead: dead, retry: retry)
        } catch {
            throw SluiceError(.misuse, error.message)
        }
        try client.performAtOnce(.open(command))
    }

    /// Sends rejected messages of this dead channel back to the channels that they come from.
    ///
    /// - Parameter count: the most messages to send back; nil sends back all that the channel keeps now.
    /// - Returns: the number of messages that went back.
    /// - Throws: `.refused` if there is no such channel, or a limit of the hub is reached; `.inDoubt` if the task was
    ///   cancelled meanwhile.
    @discardableResult
    public func redrive(count: Int? = nil) async throws(SluiceError) -> Int {
        let reply = await client.perform(.redrive(RedriveCommand(name, count: count)), .send)
        guard case .ok(let attributes) = reply else { throw reply.error }
        return attributes.count
    }

    /// Closes the channel to senders. Its messages can still be received; then every receive returns nil.
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

        /// Returns the next message, or nil if the channel is closed and empty.
        ///
        /// - Throws: the errors of `receive`.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SluiceError) -> [UInt8]? {
            try await channel.receive()
        }
    }
}
