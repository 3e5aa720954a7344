/// Hands every message of a source to those who subscribed to its key: core.async's `pub` and `sub`.
///
/// ```swift
/// let orders = try Publication(of: feed, by: \.symbol, name: "orders")
/// for try await order in orders.subscribe(to: "SLCE", .buffered(capacity: 10)) { … }
/// ```
///
/// - A message is offered to all subscribers of its key at once. The next is taken when each of them has it: the
///   slowest one gates all keys, unless its subscription buffers or drops. One that leaves holds nobody up.
/// - A message of a key that nobody subscribed to, while there are other subscribers, is dropped. Without any
///   subscriber, nothing is taken from the source.
/// - When the source ends, the subscriptions do, once they have all that came before; when it is poisoned, so are they.
///   A subscription that is poisoned has left, and no more.
/// - A green task with the publication's name does this. It ends with the source, or when neither the publication nor a
///   subscription is in use any more. The source belongs to it from now on: it leaves a receiving end, once it ends.
public final class Publication<Element: Sendable, Key: Hashable & Sendable>: Sendable {
    /// What the publication's task is called in reports.
    public let name: String
    @usableFromInline let fanout: Fanout<Element, Key>

    /// Starts the task.
    ///
    /// - Parameters:
    ///   - source: where the messages come from.
    ///   - key: the key of a message. It is called once for each, in the publication's task.
    ///   - name: that of the task.
    ///   - reactor: where the task lives; nil for the reactor of the calling task.
    /// - Throws: `.misuse` off the reactors when none is given.
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

    /// Subscribes to the messages of `key`; the subscription leaves as every receiving end does. May be called from any
    /// thread.
    ///
    /// - Parameters:
    ///   - kind: what the subscription does with a message while nobody waits for one.
    ///   - name: that of the subscription's channel, in reports.
    /// - Returns: the end that gets every message of the key from the next on; one that has ended, if the source has.
    public func subscribe(
        to key: Key, _ kind: ChannelKind = .rendezvous, name: String = ""
    ) -> ReceivingEnd<Element> {
        fanout.addTap(for: key, kind, name: name)
    }
}
