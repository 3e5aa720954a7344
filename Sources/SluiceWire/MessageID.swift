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
