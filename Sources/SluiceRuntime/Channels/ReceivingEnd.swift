/// A counted receiving end of a channel. Created by `Channel.ends`, by everything that produces messages (timers,
/// `merge`, `pipeline`, taps and subscriptions), and by `copy()`.
///
/// It retires by `retire()`, or when nothing refers to it any more, which may be right after its last use. When the
/// last receiving end has retired, senders throw `.closed`, and the tasks or timers that feed the channel end. Several
/// tasks may use one end; a task that retires on its own needs its own end.
public final class ReceivingEnd<Element: Sendable>: Sendable {
    @usableFromInline let counter: EndCounter<Element>
    @usableFromInline let life = EndLife()

    /// Creates an end that `counter` counts already.
    init(_ counter: EndCounter<Element>) {
        self.counter = counter
    }

    /// Creates the first receiving end of a channel whose messages do not come through counted ends.
    ///
    /// - Parameter whenUnwanted: see `EndCounter`.
    convenience init(of channel: Channel<Element>, whenUnwanted: @escaping @Sendable () -> Void) {
        self.init(EndCounter(of: channel, sendingEnds: 0, whenUnwanted: whenUnwanted))
    }

    deinit { retire() }

    /// The channel's name in reports.
    public var name: String { counter.channel.name }

    /// Receives the next message.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: the message; nil when the channel is closed and every message sent before has been received.
    /// - Throws: `.poisoned`; `.timedOut` or `.cancelled` when the wait was cut short; `.misuse` when this end has
    ///   retired. After an error no message was taken.
    @inlinable
    @inline(never)
    public func receive(timeout: Duration? = nil) async throws(SluiceError) -> Element? {
        if let error = life.misuse(of: counter.channel) { throw error }
        return try await counter.channel.receive(timeout: timeout)
    }

    /// Receives a message if that needs no waiting.
    ///
    /// - Returns: the message; nil when there is none now, and when the channel is closed and empty.
    /// - Throws: `.poisoned`; `.misuse` when this end has retired.
    @inlinable
    @inline(never)
    public func tryReceive() throws(SluiceError) -> Element? {
        if let error = life.misuse(of: counter.channel) { throw error }
        return try counter.channel.tryReceive()
    }

    /// Creates a select arm that receives through this end. `action` gets the message, or nil when the channel is
    /// closed. The arm is never taken if the end has retired.
    @inlinable
    public func receiving<Output>(_ action: @escaping (Element?) async throws -> Output) -> SelectArm<Output> {
        counter.channel.receiving { [self] message in
            defer { withExtendedLifetime(self) {} }
            return try await action(message)
        }.when(!life.hasRetired)
    }

    /// How the channel has ended; nil while it takes messages.
    public var ending: ChannelEnding? { counter.channel.ending }

    /// The number of buffered messages.
    public var bufferedCount: Int { counter.channel.bufferedCount }

    /// Creates another receiving end of the channel, which retires on its own. Each message still goes to one receiver.
    ///
    /// - Throws: `.misuse` when this end has retired.
    public func copy() throws(SluiceError) -> ReceivingEnd {
        if let error = life.misuse(of: counter.channel) { throw error }
        counter.addReceivingEnd()
        return ReceivingEnd(counter)
    }

    /// Retires the end, after which it cannot be used. If it was the last receiving end, senders throw `.closed`;
    /// otherwise a receive that waits on this end continues to wait. Retiring again does nothing.
    public func retire() {
        if life.retire() { counter.removeReceivingEnd() }
    }

    /// Ends both sides of the channel: see `Channel.poison`.
    public func poison(reason: String? = nil) {
        counter.poison(reason: reason)
    }
}
