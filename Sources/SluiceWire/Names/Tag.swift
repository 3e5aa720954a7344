/// Identifies a pending command, so that its client can match replies to commands: 1 to 32 bytes of
/// `A-Z a-z 0-9 . _ -`.
///
/// The `#` in front of a tag on the wire is not part of it.
package struct Tag: Hashable, Sendable, CustomStringConvertible {
    /// The tag as it is written on the wire, without `#`.
    package let description: String

    /// Creates a tag from `text`. Returns nil if the text breaks the rules above.
    package init?(_ text: String) {
        guard (1...Limits.maxTagBytes).contains(text.utf8.count), text.utf8.allSatisfy(\.isTagByte) else { return nil }
        description = text
    }

    init?(_ word: ByteView) {
        guard (1...Limits.maxTagBytes).contains(word.count), word.allSatisfy(\.isTagByte) else { return nil }
        description = word.string
    }
}
