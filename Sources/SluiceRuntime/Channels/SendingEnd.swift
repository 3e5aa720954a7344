/// A counted right to send on a channel. Made by `Channel.ends`, multiplied by `copy()`.
///
/// It is given back by `leave()`, or when nothing refers to the end any more, which may be right after its last use.
/// The last one that goes closes the channel. Several tasks may use one end; a task that is to leave by itself needs
/// its own.
public final class SendingEnd<Element: Sendable>: Sendable {
    @usableFromInline let counter: EndCounter<Element>
    @usableFromInline let life = EndLife()

    /// Takes over one sending end that `counter` counts already.
    init(_ counter: EndCounter<Element>) {
        self.counter = counter
    }

    deinit { leave() }

    /// What the channel is called in reports.
    public var name: String { counter.channel.name }

    /// Sends `message`: see `Channel.send`.
    ///
    /// - Parameter timeout: how long to wait at most; nil waits for ever.
    /// - Throws: `.closed` when every receiver has gone; `.poisoned`; `.timedOut`, `.cancelled`: then nobody has
    ///   received the message, and nobody will; `.misuse` when this end was left.
    @inlinable
    public func send(_ message: Element, timeout: Duration? = nil) async throws(SluiceError) {
        try life.check(counter.channel)
        try await counter.channel.send(message, timeout: timeout)
    }

    /// Sends `message` only if that needs no waiting.
    ///
    /// - Returns: whether a receiver took it or the channel keeps it.
    /// - Throws: `.closed` when every receiver has gone; `.poisoned`; `.misuse` when this end was left.
    @inlinable
    public func trySend(_ message: Element) throws(SluiceError) -> Bool {
        try life.check(counter.channel)
        return try counter.channel.trySend(message)
    }

    /// A select arm that sends `message` through this end; never taken when the end was left.
    @inlinable
    public func sending<Output>(
        _ message: Element, _ action: @escaping () async throws -> Output
    ) -> SelectArm<Output> {
        counter.channel.sending(message) { [self] in
            defer { withExtendedLifetime(self) {} }
            return try await action()
        }.when(!life.isOver)
    }

    /// One more end of the same side, which counts by itself.
    ///
    /// - Throws: `.misuse` when this end was left.
    public func copy() throws(SluiceError) -> SendingEnd {
        try life.check(counter.channel)
        counter.addSendingEnd()
        return SendingEnd(counter)
    }

    /// Gives the end back: it can no longer be used, and if it was the last one, the channel is closed. Leaving again
    /// does nothing. A send that waits on this end goes on.
    public func leave() {
        if life.end() { counter.removeSendingEnd() }
    }

    /// Ends both sides of the channel at once: see `Channel.poison`.
    public func poison(reason: String? = nil) {
        counter.poison(reason: reason)
    }
}
