/// Something to receive messages from: a `Channel`, or a `ReceivingEnd` of one.
///
/// A loop over it receives until the channel is closed and empty:
///
/// ```swift
/// for try await message in channel { … }
/// ```
///
/// The loop throws what `receive` throws: `.poisoned`, `.cancelled`. Breaking out of the loop takes no message and does
/// not end the source. Several loops over one source share its messages.
public protocol MessageSource<Element>: AsyncSequence, Sendable
where Element: Sendable, AsyncIterator == MessageIterator<Element> {
    /// The source's name in reports.
    var name: String { get }

    /// Receives the next message; nil at the end. See `Channel.receive`.
    func receive(timeout: Duration?) async throws(SluiceError) -> Element?

    /// Receives a message if that needs no waiting. See `Channel.tryReceive`.
    func tryReceive() throws(SluiceError) -> Element?

    /// Creates a select arm that receives from the source. See `Channel.receiving`.
    func receiving<Output>(_ action: @escaping (Element?) async throws -> Output) -> SelectArm<Output>

    /// Ends both sides of the channel. See `Channel.poison`.
    func poison(reason: String?)
}

extension Channel: MessageSource {
    /// Returns an iterator that receives until the channel is closed and empty; see `MessageSource`.
    @inlinable
    public func makeAsyncIterator() -> MessageIterator<Element> { MessageIterator(of: self, through: nil) }
}

extension ReceivingEnd: MessageSource {
    /// Returns an iterator that receives until the channel is closed and empty; see `MessageSource`. The iterator
    /// retains the end.
    @inlinable
    public func makeAsyncIterator() -> MessageIterator<Element> { MessageIterator(of: counter.channel, through: self) }
}

/// An iterator that receives the messages of a channel.
public struct MessageIterator<Element: Sendable>: AsyncIteratorProtocol, Sendable {
    @usableFromInline let channel: Channel<Element>
    /// The end through which the messages are received; nil for a plain channel.
    @usableFromInline let end: ReceivingEnd<Element>?

    @inlinable
    init(of channel: Channel<Element>, through end: ReceivingEnd<Element>?) {
        self.channel = channel
        self.end = end
    }

    /// Ends both sides of the channel.
    @usableFromInline
    func poison(reason: String?) {
        if let end { end.poison(reason: reason) } else { channel.poison(reason: reason) }
    }

    /// Retires the end through which the messages are received, if there is one.
    @usableFromInline
    func retire() {
        end?.retire()
    }

    /// Receives the next message; nil when the channel is closed and empty.
    ///
    /// - Throws: what `Channel.receive` throws; `.misuse` when the end has retired.
    @inlinable
    @inline(never)
    public mutating func next(
        isolation actor: isolated (any Actor)? = #isolation
    ) async throws(SluiceError) -> Element? {
        if let error = end?.life.misuse(of: channel) { throw error }
        return try await channel.receive()
    }
}
