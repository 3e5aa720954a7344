/// What messages can be received from: a `Channel`, or a `ReceivingEnd` of one.
///
/// A loop over it receives until the channel is closed and empty:
///
/// ```swift
/// for try await message in channel { … }
/// ```
///
/// The loop throws what `receive` throws: `.poisoned`, `.cancelled`. Leaving it takes no message and ends nothing;
/// several loops over one source share its messages.
public protocol MessageSource<Element>: AsyncSequence, Sendable
where Element: Sendable, AsyncIterator == MessageIterator<Element> {
    /// What the source is called in reports.
    var name: String { get }

    /// Receives the next message; nil at the end. See `Channel.receive`.
    func receive(timeout: Duration?) async throws(SluiceError) -> Element?

    /// Receives a message only if that needs no waiting. See `Channel.tryReceive`.
    func tryReceive() throws(SluiceError) -> Element?

    /// A select arm that receives from the source. See `Channel.receiving`.
    func receiving<Output>(_ action: @escaping (Element?) async throws -> Output) -> SelectArm<Output>

    /// Ends both sides of the channel at once. See `Channel.poison`.
    func poison(reason: String?)
}

extension Channel: MessageSource {
    /// An iterator that receives until the channel is closed and empty; see `MessageSource`.
    @inlinable
    public func makeAsyncIterator() -> MessageIterator<Element> { MessageIterator(of: self, through: nil) }
}

extension ReceivingEnd: MessageSource {
    /// An iterator that receives until the channel is closed and empty; see `MessageSource`. It keeps the end in use.
    @inlinable
    public func makeAsyncIterator() -> MessageIterator<Element> { MessageIterator(of: counter.channel, through: self) }
}

/// Receives the messages of a channel, one after the other.
public struct MessageIterator<Element: Sendable>: AsyncIteratorProtocol, Sendable {
    @usableFromInline let channel: Channel<Element>
    /// The end that the messages are received through, where there is one.
    @usableFromInline let end: ReceivingEnd<Element>?

    @inlinable
    init(of channel: Channel<Element>, through end: ReceivingEnd<Element>?) {
        self.channel = channel
        self.end = end
    }

    /// Ends both sides of the channel at once.
    @usableFromInline
    func poison(reason: String?) {
        if let end { end.poison(reason: reason) } else { channel.poison(reason: reason) }
    }

    /// Gives the end back that the messages are received through, where there is one.
    @usableFromInline
    func leave() {
        end?.leave()
    }

    /// The next message; nil when the channel is closed and empty.
    ///
    /// - Throws: what `receive` throws.
    @inlinable
    public mutating func next(
        isolation actor: isolated (any Actor)? = #isolation
    ) async throws(SluiceError) -> Element? {
        if let end { try end.life.check(channel) }
        return try await channel.receive()
    }
}
