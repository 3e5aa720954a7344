public import SluiceRuntime
import SluiceWire

/// A named channel of a server. All who use the name, over whatever connection, meet on it.
///
/// A loop over the channel receives until it is closed and empty, and takes the next message only when it asks for it:
///
/// ```swift
/// for try await message in try client.channel("jobs") { print(message.text) }
/// ```
public struct RemoteChannel: Sendable {
    let channelName: ChannelName
    let client: Client

    init(_ name: ChannelName, of client: Client) {
        channelName = name
        self.client = client
    }

    /// What the channel is called.
    public var name: String { channelName.description }

    // MARK: Sending

    /// Sends bytes: returns when a receiver has taken them or, under a lease, has acknowledged them; on a channel that
    /// buffers, when they are kept.
    ///
    /// - Parameters:
    ///   - bytes: the message.
    ///   - timeout: how long to wait at most; zero tries once, nil waits for ever. It goes on while there is no connection.
    ///   - id: what makes a repetition recognisable: 1 to 64 bytes of `A-Z a-z 0-9 . _ : / -`, never the same for two
    ///     messages of a channel. With it the client repeats the send by itself when the connection is lost, and you may
    ///     after `.inDoubt`, within two minutes; it arrives once.
    /// - Throws: `.timedOut`, `.cancelled`, `.closed`, `.poisoned`, `.draining`, `.disconnected` and refusals of the server:
    ///   nobody has received it, and nobody will. `.inDoubt`: somebody may have received it, or may yet.
    @discardableResult
    public func send(
        _ bytes: [UInt8], timeout: Duration? = nil, id: String? = nil
    ) async throws(SluiceError) -> SendReceipt {
        try await send(SendCommand(channel: channelName, body: bytes, timeout: timeout), id: id)
    }

    /// Sends the bytes of a text. See `send(_:timeout:id:)` for bytes.
    @discardableResult
    public func send(
        _ text: String, timeout: Duration? = nil, id: String? = nil
    ) async throws(SluiceError) -> SendReceipt {
        try await send(Array(text.utf8), timeout: timeout, id: id)
    }

    /// Sends bytes on a broadcast, when so many receivers at least are there.
    ///
    /// - Throws: as `send`; `.conflict` when the channel is no broadcast.
    @discardableResult
    public func broadcast(
        _ bytes: [UInt8], toAtLeast receivers: Int, timeout: Duration? = nil
    ) async throws(SluiceError) -> SendReceipt {
        let command = SendCommand(
            channel: channelName, body: bytes, timeout: timeout, minimumReceivers: receivers)
        return try await send(command, id: nil)
    }

    /// Sends bytes if somebody waits for them, or the channel has room; false if not, and then nothing was sent.
    ///
    /// When the receiver has a lease, this waits for what becomes of the message.
    ///
    /// - Throws: as `send`; `.disconnected` while there is no connection.
    public func trySend(_ bytes: [UInt8]) async throws(SluiceError) -> Bool {
        do throws(SluiceError) {
            try await send(bytes, timeout: .zero)
            return true
        } catch  where error.code == .timedOut {
            return false
        }
    }

    /// Sends a text if somebody waits for it. See `trySend(_:)` for bytes.
    public func trySend(_ text: String) async throws(SluiceError) -> Bool { try await trySend(Array(text.utf8)) }

    private func send(_ command: SendCommand, id: String?) async throws(SluiceError) -> SendReceipt {
        var command = command
        if let id {
            guard let valid = MessageID(id) else {
                throw SluiceError(
                    .misuse, "an id is 1 to \(Limits.maxMessageIDBytes) bytes of A-Z a-z 0-9 . _ : / -")
            }
            command.identity = SendIdentity(valid)
        }
        return SendReceipt(try await client.request(.send(command)))
    }

    // MARK: Receiving

    /// Receives the next message; nil when the channel is closed and everything sent before has been received.
    ///
    /// Received at most once: a message that was on its way when the connection was lost is gone. Where that must not be,
    /// receive under a lease.
    ///
    /// - Parameter timeout: how long to wait at most; zero tries once, nil waits for ever. It goes on while there is no
    ///   connection.
    /// - Throws: `.timedOut`, `.cancelled`: then no message was taken. `.poisoned`; refusals of the server.
    public func receive(timeout: Duration? = nil) async throws(SluiceError) -> Message? {
        let reply = try await client.perform(
            .receive(ReceiveCommand(channel: channelName, timeout: timeout))
        ).0
        switch reply {
        case .message(_, let bytes, _): return Message(bytes)
        case .closed: return nil
        default: throw reply.error()
        }
    }

    /// Receives a message if one is there; nil if not.
    ///
    /// - Throws: `.closed`, when none will come; as `receive`; `.disconnected` while there is no connection.
    public func tryReceive() async throws(SluiceError) -> Message? {
        do throws(SluiceError) {
            guard let message = try await receive(timeout: .zero) else {
                throw SluiceError(.closed, "channel '\(name)' is closed")
            }
            return message
        } catch  where error.code == .timedOut {
            return nil
        }
    }
}

extension RemoteChannel: AsyncSequence {
    /// Receives until the channel is closed and empty.
    public func makeAsyncIterator() -> Iterator { Iterator(channel: self) }

    /// Receives the messages of a channel, one after the other.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let channel: RemoteChannel

        /// The next message; nil when the channel is closed and empty.
        ///
        /// - Throws: what `receive` throws.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SluiceError) -> Message? {
            try await channel.receive()
        }
    }
}
