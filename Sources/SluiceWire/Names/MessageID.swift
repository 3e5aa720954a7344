/// Names one attempt to deliver a message under a lease: what stands behind `did=`.
///
/// Two numbers without leading zeros and a dot between them; to a client it is a word without a meaning.
package struct DeliveryID: Sendable, Hashable, CustomStringConvertible {
    /// Tells the attempt from others that had the same slot.
    package let serial: UInt32
    /// Where the server finds it.
    package let slot: UInt32

    package init(serial: UInt32, slot: UInt32) {
        self.serial = serial
        self.slot = slot
    }

    init?(_ word: ByteView) {
        guard let dot = word.firstIndex(of: UInt8(ascii: ".")),
            let serial = word.prefix(dot).wholeNumber.flatMap({ UInt32(exactly: $0) }),
            let slot = word.dropping(dot + 1).wholeNumber.flatMap({ UInt32(exactly: $0) })
        else { return nil }
        self.init(serial: serial, slot: slot)
    }

    /// The name that `text` spells, or nil.
    package init?(_ text: String) {
        var text = text
        guard let delivery = text.withUTF8({ DeliveryID(ByteView(UnsafeRawBufferPointer($0))) }) else { return nil }
        self = delivery
    }

    /// The name as it is written on the wire.
    package var description: String { "\(serial).\(slot)" }
}

/// What a client calls a message, to be able to send it again (`id=`): 1 to 64 bytes of `A-Z a-z 0-9 . _ : / -`.
package struct MessageID: Hashable, Sendable, CustomStringConvertible {
    /// The identity as it is written on the wire.
    package let description: String

    /// The identity that `text` spells, or nil if it breaks the rules above.
    package init?(_ text: String) {
        guard (1...Limits.maxMessageIDBytes).contains(text.utf8.count), text.utf8.allSatisfy(\.isNameByte) else {
            return nil
        }
        description = text
    }

    init?(_ word: ByteView) {
        guard (1...Limits.maxMessageIDBytes).contains(word.count), word.allSatisfy(\.isNameByte) else { return nil }
        description = word.string
    }
}
