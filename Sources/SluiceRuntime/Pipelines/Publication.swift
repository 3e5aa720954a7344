/// Passes every message of a source to the subscriptions to its key, as core.async's `pub` and `sub`.
///
/// ```swift
/// let orders = try Publication(of: feed, by: \.symbol, name: "orders")
/// for try await order in orders.subscribe(to: "SLCE", .buffered(capacity: 10)) { … }
/// ```
///
/// - A message is offered to all subscriptions to its key at once, and the next one is taken when each of them has it.
///   A slow subscriber applies backpressure to all keys, unless its subscription buffers or drops. A subscription that
///   retires no longer counts.
/// - A message without a subscription to its key is dropped if there are other subscriptions. While there is none,
///   nothing is taken from the source.
/// - When the source ends, the subscriptions end after the messages sent before. When it is poisoned, so are they.
///   Poisoning a subscription retires that subscription and has no other effect.
/// - The work is done by a green task with the publication's name. It ends with the source, or when neither the
///   publication nor a subscription is in use any more. It owns the source: if that is a receiving end, the task
///   retires it when it ends.
public final class Publication<Element: Sendable, Key: Hashable & Sendable>: Sendable {
    /// The name of the publication's task in reports.
    public let name: String
    @usableFromInline let fanout: Fanout<Element, Key>

    /// Starts the task.
    ///
    /// - Parameters:
    ///   - source: what to receive the messages from.
    ///   - key: returns the key of a message. Called once for each message, in the publication's task.
    ///   - name: the task's name in reports.
    ///   - reactor: the task's reactor; nil for that of the calling task.
    /// - Throws: `.misuse` off the reactors if `reactor` is nil.
    @inlinable
    public init(
        of source: some MessageSource<Element>, by key: @escaping @Sendable (Element) -> Key,
        name: String = "publication", on reactor: Reactor? = nil
    ) throws(SluiceError) {
        self.name = name
        fanout = Fanout(name, by: key)
        fanout.start(on: try Reactor.given(reactor, for: name), from: source)
    }

    deinit { fanout.disown() }

    /// Subscribes to the messages with `key`. May be called from any thread.
    ///
    /// - Parameters:
    ///   - kind: what the subscription does with a message while no receiver waits.
    ///   - name: the name of the subscription's channel in reports.
    /// - Returns: a receiving end that gets every message with the key from the next one on. If the source has ended,
    ///   so has the subscription.
    public func subscribe(
        to key: Key, _ kind: ChannelKind = .rendezvous, name: String = ""
    ) -> ReceivingEnd<Element> {
        fanout.addTap(for: key, kind, name: name)
    }

    /// Ends the subscriptions to a key, or all of them: their readers get nil after the messages that their subscriptions
    /// have. May be called from any thread.
    ///
    /// - Parameter key: nil for every key.
    public func removeAllSubscriptions(to key: Key? = nil) { fanout.removeTaps(of: key) }
}
