/// A counted sending end of a channel. Created by `Channel.ends` and `copy()`.
///
/// It retires by `retire()`, or when nothing refers to it any more, which may be right after its last use. When the
/// last sending end has retired, the channel is closed. Several tasks may use one end; a task that retires on its own
/// needs its own end.
public final class SendingEnd<Element: Sendable>: Sendable {
    @usableFromInline let counter: EndCounter<Element>
    @usableFromInline let life = EndLife()

    /// Creates an end that `counter` counts already.
    init(_ counter: EndCounter<Element>) {
        self.counter = counter
    }

    deinit { retire() }

    /// The channel's name in reports.
    public var name: String { counter.channel.name }

    /// Sends `message`, as `Channel.send`.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.closed` when the channel is closed or every receiving end has retired; `.poisoned`; `.timedOut` or
    ///   `.cancelled` when the wait was cut short; `.misuse` when this end has retired. After an error no receiver has
    ///   the message, and none will get it.
    @inlinable
    @inline(never)
    public func send(_ message: Element, timeout: Duration? = nil) async throws(SluiceError) {
        if let error = life.misuse(of: counter.channel) { throw error }
        try await counter.channel.send(message, timeout: timeout)
    }

    /// Sends `message` if that needs no waiting, as `Channel.trySend`.
    ///
    /// - Returns: whether a receiver took the message or the channel's kind disposed of it.
    /// - Throws: `.closed`, `.poisoned`; `.misuse` when this end has retired.
    @inlinable
    @inline(never)
    public func trySend(_ message: Element) throws(SluiceError) -> Bool {
        if let error = life.misuse(of: counter.channel) { throw error }
        return try counter.channel.trySend(message)
    }

    /// Creates a select arm that sends `message` through this end. The arm is never taken if the end has retired.
    @inlinable
    public func sending<Output>(
        _ message: Element, _ action: @escaping () async throws -> Output
    ) -> SelectArm<Output> {
        counter.channel.sending(message) { [self] in
            defer { withExtendedLifetime(self) {} }
            return try await action()
        }.when(!life.hasRetired)
    }

    /// Creates another sending end of the channel, which retires on its own.
    ///
    /// - Throws: `.misuse` when this end has retired.
    public func copy() throws(SluiceError) -> SendingEnd {
        if let error = life.misuse(of: counter.channel) { throw error }
        counter.addSendingEnd()
        return SendingEnd(counter)
    }

    /// Retires the end, after which it cannot be used. If it was the last sending end, the channel is closed. A send
    /// that waits on this end continues to wait. Retiring again does nothing.
    public func retire() {
        if life.retire() { counter.removeSendingEnd() }
    }

    /// Ends both sides of the channel: see `Channel.poison`.
    public func poison(reason: String? = nil) {
        counter.poison(reason: reason)
    }
}
