/// One `key=value` of a reply.
///
/// A value consists of visible ASCII characters, so it cannot split into two attributes or end the line.
package struct Attribute: Sendable, Hashable {
    package let key: Key
    package let value: String

    package init(_ key: Key, _ number: Int) {
        self.key = key
        value = String(number)
    }

    /// Creates an attribute with a delivery id.
    package init(_ key: Key, _ delivery: DeliveryID) {
        self.key = key
        value = delivery.description
    }

    /// Creates an attribute with the trace context of a message.
    package init(_ trace: TraceContext) {
        key = .trace
        value = trace.description
    }

    /// Creates an attribute with the value `yes` or `no`.
    package init(_ key: Key, flag: Bool) {
        self.key = key
        value = flag ? "yes" : "no"
    }

    /// Creates an attribute with a word as its value. Returns nil if the word has bytes other than visible ASCII.
    package init?(_ key: Key, _ word: String) {
        guard word.utf8.allSatisfy(\.isVisible) else { return nil }
        self.key = key
        value = word
    }

    /// Creates an attribute with any text as its value, which is percent-encoded where necessary.
    package init(_ key: Key, encoding text: String) {
        self.key = key
        value = PercentEncoding.encode(text)
    }

    init?(_ word: ByteView) {
        guard let separator = word.firstIndex(of: .equals), let key = Key(word.prefix(separator)) else { return nil }
        let value = word.dropping(separator + 1)
        guard value.allSatisfy(\.isVisible) else { return nil }
        self.key = key
        self.value = value.string
    }

    /// The key of an attribute. Later versions of the protocol may add keys, so a client accepts unknown ones.
    package struct Key: Sendable, Hashable, CustomStringConvertible {
        package let description: String

        private init(known key: String) {
            description = key
        }

        init?(_ word: ByteView) {
            guard let first = word.first, first.isLetter, word.allSatisfy(\.isKeyByte) else { return nil }
            description = word.string
        }

        /// The number of the arm that a select committed.
        package static let arm = Key(known: "arm")
        /// The id of an attempt to deliver a message, for `ACK`, `NACK` and `TOUCH`.
        package static let delivery = Key(known: "did")
        /// How often the message has been handed out under a lease, this time included.
        package static let attempt = Key(known: "attempt")
        /// A number that is greater for each later lease of the same channel.
        package static let fence = Key(known: "fence")
        /// The channel in which the message was rejected, for `REDRIVE`.
        package static let from = Key(known: "from")
        /// How often the message was handed out under a lease before it was rejected.
        package static let attempts = Key(known: "attempts")
        /// Why the message was rejected. Bytes other than visible ASCII are percent-encoded, as is the percent sign.
        package static let reason = Key(known: "reason")
        /// The id that the sender gave the message.
        package static let id = Key(known: "id")
        /// The trace context that the sender gave the message.
        package static let trace = Key(known: "trace")
        /// How many messages the command has moved.
        package static let count = Key(known: "count")
        /// Whether the sender waits for an answer.
        package static let call = Key(known: "call")
        /// The number of receivers that took a broadcast.
        package static let receivers = Key(known: "receivers")
        /// Whether another send with the same id delivered the message.
        package static let duplicate = Key(known: "dup")
        /// Whether the channel dropped the message because of its `overflow=`.
        package static let dropped = Key(known: "dropped")
        /// Whether the channel keeps the message, and no receiver has acknowledged it yet.
        package static let kept = Key(known: "kept")
        /// What happened to the answer of an `ACK`.
        package static let answer = Key(known: "answer")
        /// Whether a `NACK` has ended the last attempt that the channel's failure policy permits.
        package static let rejected = Key(known: "rejected")
        /// The number of connections that `KILL` closes.
        package static let connections = Key(known: "connections")
        /// The key after which the next page of a report begins.
        package static let more = Key(known: "more")
        /// The version of the protocol.
        package static let version = Key(known: "version")
        /// A number that changes with every restart of the server.
        package static let epoch = Key(known: "epoch")
        /// What the server can do besides the first version of the protocol.
        package static let features = Key(known: "features")
        package static let maxLine = Key(known: "max-line")
        package static let maxBody = Key(known: "max-body")
        package static let maxArms = Key(known: "max-arms")
        package static let maxTags = Key(known: "max-tags")
    }
}

extension Limits {
    /// The limits as `HELLO` announces them.
    package var attributes: Attributes {
        [
            Attribute(.maxLine, maxLineBytes), Attribute(.maxBody, maxBodyBytes),
            Attribute(.maxArms, maxSelectArms), Attribute(.maxTags, maxPendingTags),
        ]
    }
}
