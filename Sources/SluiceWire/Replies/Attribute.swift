/// One `key=value` of a reply.
///
/// A value holds visible ASCII only, so an attribute never splits in two and never ends a line.
package struct Attribute: Sendable, Hashable {
    package let key: Key
    package let value: String

    package init(_ key: Key, _ number: Int) {
        self.key = key
        value = String(number)
    }

    /// An attribute that names an attempt to deliver a message.
    package init(_ key: Key, _ delivery: DeliveryID) {
        self.key = key
        value = delivery.description
    }

    /// An attribute that says that something is so: `yes`, or `no`.
    package init(_ key: Key, flag: Bool) {
        self.key = key
        value = flag ? "yes" : "no"
    }

    /// An attribute with a word for a value, or nil if the word has a byte that is not visible ASCII.
    package init?(_ key: Key, _ word: String) {
        guard word.utf8.allSatisfy(\.isVisible) else { return nil }
        self.key = key
        value = word
    }

    init?(_ word: ByteView) {
        guard let separator = word.firstIndex(of: .equals), let key = Key(word.prefix(separator)) else { return nil }
        let value = word.dropping(separator + 1)
        guard value.allSatisfy(\.isVisible) else { return nil }
        self.key = key
        self.value = value.string
    }

    /// The key of an attribute. The protocol may gain keys: a client meets unknown ones as values like any other.
    package struct Key: Sendable, Hashable, CustomStringConvertible {
        package let description: String

        private init(known key: String) {
            description = key
        }

        init?(_ word: ByteView) {
            guard let first = word.first, first.isLetter, word.allSatisfy(\.isKeyByte) else { return nil }
            description = word.string
        }

        /// Which arm of a select committed.
        package static let arm = Key(known: "arm")
        /// Names one attempt to deliver a message, for `ACK`.
        package static let delivery = Key(known: "did")
        /// How often the message was handed out under a lease, this time included.
        package static let attempt = Key(known: "attempt")
        /// How many took a broadcast.
        package static let receivers = Key(known: "receivers")
        /// Whether an earlier send with the same id did it.
        package static let duplicate = Key(known: "dup")
        /// Whether the channel has dropped the message, as it was declared to.
        package static let dropped = Key(known: "dropped")
        /// The version of the protocol.
        package static let version = Key(known: "version")
        /// The life of the server: another one after every restart.
        package static let epoch = Key(known: "epoch")
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
