/// Hands every message of a source to every tap: core.async's `mult`.
///
/// ```swift
/// let prices = try Broadcast(of: feed, name: "prices")
/// let (chart, log) = (prices.tap(), prices.tap(.droppingOldest(capacity: 100)))
/// ```
///
/// - A message is offered to all taps at once. The next is taken when each of them has it: the slowest reader gates,
///   unless its tap buffers or drops. A tap that leaves holds nobody up, and neither does one that comes: it begins
///   with the next message.
/// - Without a tap, nothing is taken from the source, and nothing is lost.
/// - When the source ends, the taps do, once they have all that came before; when it is poisoned, so are they. A tap
///   that is poisoned has left, and no more.
/// - A green task with the broadcast's name does this. It ends with the source, or when neither the broadcast nor a tap
///   is in use any more. The source belongs to it from now on: it leaves a receiving end, once it ends.
public final class Broadcast<Element: Sendable>: Sendable {
    /// The one key of all messages.
    @usableFromInline
    enum Everything: Hashable, Sendable { case messages }

    /// What the broadcast's task is called in reports.
    public let name: String
    @usableFromInline let fanout: Fanout<Element, Everything>

    /// Starts the task.
    ///
    /// - Parameters:
    ///   - source: where the messages come from.
    ///   - name: that of the task.
    ///   - reactor: where the task lives; nil for the reactor of the calling task.
    /// - Throws: `.misuse` off the reactors when none is given.
    @inlinable
    public init(
        of source: some MessageSource<Element>, name: String = "broadcast", on reactor: Reactor? = nil
    ) throws(SluiceError) {
        self.name = name
        fanout = Fanout(name) { _ in .messages }
        fanout.start(on: try Reactor.given(reactor, for: name), from: source)
    }

    deinit { fanout.disown() }

    /// Adds a tap, which leaves as every receiving end does. May be called from any thread.
    ///
    /// - Parameters:
    ///   - kind: what the tap does with a message while nobody waits for one.
    ///   - name: that of the tap's channel, in reports.
    /// - Returns: the end that gets every message from the next on; one that has ended, if the source has.
    public func tap(_ kind: ChannelKind = .rendezvous, name: String = "") -> ReceivingEnd<Element> {
        fanout.addTap(for: .messages, kind, name: name)
    }
}
