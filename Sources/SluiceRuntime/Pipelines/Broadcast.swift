/// Passes every message of a source to every tap, as core.async's `mult`.
///
/// ```swift
/// let prices = try Broadcast(of: feed, name: "prices")
/// let (chart, log) = (prices.tap(), prices.tap(.droppingOldest(capacity: 100)))
/// ```
///
/// - A message is offered to all taps at once, and the next one is taken when each tap has it. A slow reader applies
///   backpressure to all, unless its tap buffers or drops. A new tap begins with the next message. A tap that retires
///   no longer counts.
/// - While there is no tap, nothing is taken from the source, and nothing is lost.
/// - When the source ends, the taps end after the messages sent before. When it is poisoned, so are the taps. Poisoning
///   a tap retires that tap and has no other effect.
/// - The work is done by a green task with the broadcast's name. It ends with the source, or when neither the broadcast
///   nor a tap is in use any more. It owns the source: if that is a receiving end, the task retires it when it ends.
public final class Broadcast<Element: Sendable>: Sendable {
    /// The one key of all messages.
    @usableFromInline
    enum Everything: Hashable, Sendable { case messages }

    /// The name of the broadcast's task in reports.
    public let name: String
    @usableFromInline let fanout: Fanout<Element, Everything>

    /// Starts the task.
    ///
    /// - Parameters:
    ///   - source: what to receive the messages from.
    ///   - name: the task's name in reports.
    ///   - reactor: the task's reactor; nil for that of the calling task.
    /// - Throws: `.misuse` off the reactors if `reactor` is nil.
    @inlinable
    public init(
        of source: some MessageSource<Element>, name: String = "broadcast", on reactor: Reactor? = nil
    ) throws(SluiceError) {
        self.name = name
        fanout = Fanout(name) { _ in .messages }
        fanout.start(on: try Reactor.given(reactor, for: name), from: source)
    }

    deinit { fanout.disown() }

    /// Adds a tap. May be called from any thread.
    ///
    /// - Parameters:
    ///   - kind: what the tap does with a message while no receiver waits.
    ///   - name: the name of the tap's channel in reports.
    /// - Returns: a receiving end that gets every message from the next one on. If the source has ended, so has the
    ///   tap.
    public func tap(_ kind: ChannelKind = .rendezvous, name: String = "") -> ReceivingEnd<Element> {
        fanout.addTap(for: .messages, kind, name: name)
    }

    /// Ends all taps: their readers get nil after the messages that their taps have. May be called from any thread.
    public func removeAllTaps() { fanout.removeTaps(of: nil) }
}
