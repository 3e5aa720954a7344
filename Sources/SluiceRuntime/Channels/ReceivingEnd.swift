/// A counted right to receive from a channel. Made by `Channel.ends` and by whatever produces messages (timers,
/// `merge`, `pipeline`, taps and subscriptions), multiplied by `copy()`.
///
/// It is given back by `leave()`, or when nothing refers to the end any more, which may be right after its last use.
/// The last one that goes has the channel refuse its senders, and ends the tasks or timers that feed it. Several tasks
/// may use one end; a task that is to leave by itself needs its own.
public final class ReceivingEnd<Element: Sendable>: Sendable {
    @usableFromInline let counter: EndCounter<Element>
    @usableFromInline let life = EndLife()

    /// Takes over one receiving end that `counter` counts already.
    init(_ counter: EndCounter<Element>) {
        self.counter = counter
    }

    /// The first receiving end of a channel whose messages do not come through counted ends.
    ///
    /// - Parameter whenUnwanted: see `EndCounter`.
    convenience init(of channel: Channel<Element>, whenUnwanted: @escaping @Sendable () -> Void) {
        self.init(EndCounter(of: channel, sendingEnds: 0, whenUnwanted: whenUnwanted))
    }

    deinit { leave() }

    /// What the channel is called in reports.
    public var name: String { counter.channel.name }

    /// Receives the next message; nil when the channel is closed and everything sent before has been received.
    ///
    /// - Parameter timeout: how long to wait at most; nil waits for ever.
    /// - Throws: `.poisoned`; `.timedOut`, `.cancelled`: then no message was taken; `.misuse` when this end was left.
    @inlinable
    public func receive(timeout: Duration? = nil) async throws(SluiceError) -> Element? {
        try life.check(counter.channel)
        return try await counter.channel.receive(timeout: timeout)
    }

    /// Receives a message only if that needs no waiting; nil when there is none, or none any more.
    ///
    /// - Throws: `.poisoned`; `.misuse` when this end was left.
    @inlinable
    public func tryReceive() throws(SluiceError) -> Element? {
        try life.check(counter.channel)
        return try counter.channel.tryReceive()
    }

    /// A select arm that receives through this end; `action` gets the message, or nil when the channel is closed. Never
    /// taken when the end was left.
    @inlinable
    public func receiving<Output>(_ action: @escaping (Element?) async throws -> Output) -> SelectArm<Output> {
        counter.channel.receiving { [self] message in
            defer { withExtendedLifetime(self) {} }
            return try await action(message)
        }.when(!life.isOver)
    }

    /// How the channel has ended; nil while it takes messages.
    public var ending: ChannelEnding? { counter.channel.ending }

    /// The number of messages that the channel holds for receivers to come.
    public var bufferedCount: Int { counter.channel.bufferedCount }

    /// One more end of the same side, which counts by itself. Each message still goes to one receiver only.
    ///
    /// - Throws: `.misuse` when this end was left.
    public func copy() throws(SluiceError) -> ReceivingEnd {
        try life.check(counter.channel)
        counter.addReceivingEnd()
        return ReceivingEnd(counter)
    }

    /// Gives the end back: it can no longer be used, and if it was the last one, senders get `.closed`. Leaving again
    /// does nothing. A receive that waits on this end goes on, unless it was the last one.
    public func leave() {
        if life.end() { counter.removeReceivingEnd() }
    }

    /// Ends both sides of the channel at once: see `Channel.poison`.
    public func poison(reason: String? = nil) {
        counter.poison(reason: reason)
    }
}
