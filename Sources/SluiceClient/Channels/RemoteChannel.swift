public import SluiceRuntime
import SluiceWire

/// A named channel of a server. All clients that use the name meet on it.
///
/// A loop over the channel receives until the channel is closed and empty. It takes the next message only when it asks for
/// it:
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

    /// The name of the channel.
    public var name: String { channelName.description }

    // MARK: Sending

    /// Sends bytes. Returns when a receiver has taken them or, under a lease, has acknowledged them; on a channel that
    /// buffers, when the channel has kept them, which `isKept` of the receipt tells.
    ///
    /// - Parameters:
    ///   - bytes: the message.
    ///   - timeout: how long to wait; zero tries once, nil waits for ever. The time also runs while there is no connection.
    ///   - id: makes the message safe to repeat: 1 to 64 bytes of `A-Z a-z 0-9 . _ : / -`, never the same for two messages
    ///     of a channel. With an id, the client itself repeats the send when the connection is lost, and you may repeat it
    ///     within two minutes after `.inDoubt`: it arrives once.
    ///   - delay: the time before which no receiver gets the message. A channel that buffers keeps it meanwhile.
    ///   - trace: a word that comes with the message to its receivers, such as a W3C `traceparent`: 1 to 128 visible ASCII
    ///     characters. A server that does not know the feature `trace` refuses it.
    /// - Throws: `.timedOut`, `.cancelled`, `.closed`, `.poisoned`, `.rejected`, `.draining`, `.disconnected` and refusals of the server:
    ///   no receiver has the message, and none will; `hadNoReceivers` of a `.timedOut` tells whether nobody receives. `.inDoubt`: a
    ///   receiver may have it, or may get it.
    @discardableResult
    // Swift 6.3 crashes in optimised builds when it inlines this into `send(json:)`, which throws other errors too.
    @inline(never)
    public func send(
        _ bytes: [UInt8], timeout: Duration? = nil, id: String? = nil, delay: Duration? = nil, trace: String? = nil
    ) async throws(SluiceError) -> SendReceipt {
        let trace = try trace.map(TraceContext.init(checking:))
        return try await send(
            SendCommand(channel: channelName, body: bytes, timeout: timeout, delay: delay, trace: trace), id: id)
    }

    /// Sends the bytes of a text; see `send(_:timeout:id:delay:trace:)` for bytes.
    @discardableResult
    public func send(
        _ text: String, timeout: Duration? = nil, id: String? = nil, delay: Duration? = nil, trace: String? = nil
    ) async throws(SluiceError) -> SendReceipt {
        try await send(Array(text.utf8), timeout: timeout, id: id, delay: delay, trace: trace)
    }

    /// Sends bytes on a broadcast as soon as it has this many receivers.
    ///
    /// - Throws: as `send`; `.conflict` when the channel is not a broadcast.
    @discardableResult
    public func broadcast(
        _ bytes: [UInt8], toAtLeast receivers: Int, timeout: Duration? = nil
    ) async throws(SluiceError) -> SendReceipt {
        let command = SendCommand(
            channel: channelName, body: bytes, timeout: timeout, minimumReceivers: receivers)
        return try await send(command, id: nil)
    }

    /// Sends bytes if a receiver waits for them, or the channel has room; returns false if not, and then nothing was sent.
    ///
    /// When the receiver has a lease, this waits until the lease ends.
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

    /// Sends a text if a receiver waits for it; see `trySend(_:)` for bytes.
    public func trySend(_ text: String) async throws(SluiceError) -> Bool { try await trySend(Array(text.utf8)) }

    private func send(_ command: SendCommand, id: String?) async throws(SluiceError) -> SendReceipt {
        var command = command
        command.identity = try id.map(SendIdentity.init(checking:))
        return SendReceipt(try await client.request(.send(command)))
    }

    // MARK: Receiving

    /// Receives the next message; returns nil when the channel is closed and everything sent before has been received.
    ///
    /// A message is received at most once: one that was on its way when the connection was lost is gone. Receive under a
    /// lease where that must not happen.
    ///
    /// - Parameter timeout: how long to wait; zero tries once, nil waits for ever. The time also runs while there is no
    ///   connection.
    /// - Throws: `.timedOut`, `.cancelled`: then no message was taken. `.poisoned`; refusals of the server. A server that
    ///   is about to stop ends no receive, unless the client does not reconnect or `timeout` is zero: then this throws
    ///   `.draining`.
    public func receive(timeout: Duration? = nil) async throws(SluiceError) -> Message? {
        let reply = try await client.perform(
            .receive(ReceiveCommand(channel: channelName, timeout: timeout))
        ).0
        switch reply {
        case .message(_, let bytes, let attributes): return Message(bytes, attributes)
        case .closed: return nil
        default: throw reply.error()
        }
    }

    /// Receives a message if there is one; returns nil if not.
    ///
    /// - Throws: `.closed` when none will come; as `receive`; `.disconnected` while there is no connection.
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
    /// Returns an iterator that receives until the channel is closed and empty.
    public func makeAsyncIterator() -> Iterator { Iterator(channel: self) }

    /// Receives the messages of a channel, one after the other.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let channel: RemoteChannel

        /// Receives the next message; returns nil when the channel is closed and empty, and when the task was cancelled.
        ///
        /// - Throws: what `receive` throws, except `.cancelled`.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SluiceError) -> Message? {
            do throws(SluiceError) {
                return try await channel.receive()
            } catch  where error.code == .cancelled && Task.isCancelled {
                return nil
            }
        }
    }
}

/// What the server says about a send that succeeded.
public struct SendReceipt: Sendable, Hashable {
    /// The number of receivers, on a broadcast; nil on any other channel.
    public let receivers: Int?
    /// Whether an earlier send with the same id has delivered the message.
    public let isDuplicate: Bool
    /// Whether the channel was full and has dropped this message, as it was declared to.
    public let wasDropped: Bool
    /// Whether the channel's buffer keeps the message, and no receiver has acknowledged it yet. False if the server does
    /// not know the feature `kept`.
    public let isKept: Bool

    init(_ attributes: Attributes) {
        receivers = attributes.receivers
        isDuplicate = attributes.isDuplicate
        wasDropped = attributes.isDropped
        isKept = attributes.isKept
    }
}
