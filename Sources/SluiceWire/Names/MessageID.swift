/// Identifies one attempt to deliver a message under a lease (`did=`).
///
/// On the wire it is two numbers without leading zeros and a dot between them. To a client it is an opaque word.
package struct DeliveryID: Sendable, Hashable, CustomStringConvertible {
    /// Distinguishes the attempt from earlier ones in the same slot.
    package let serial: UInt32
    /// The server's index of the attempt.
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

    /// Creates an id from `text`. Returns nil if the text is not a valid id.
    package init?(_ text: String) {
        var text = text
        guard let delivery = text.withUTF8({ DeliveryID(ByteView(UnsafeRawBufferPointer($0))) }) else { return nil }
        self = delivery
    }

    /// The id as it is written on the wire.
    package var description: String { "\(serial).\(slot)" }
}

/// Identifies a message, so that its client can send it again without a second delivery (`id=`): 1 to 64 bytes of
/// `A-Z a-z 0-9 . _ : / -`.
package struct MessageID: Hashable, Sendable, CustomStringConvertible {
    /// The id as it is written on the wire.
    package let description: String

    /// Creates an id from `text`. Returns nil if the text breaks the rules above.
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
