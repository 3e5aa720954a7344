/// The name a client gives a command to tell its reply from others': 1 to 32 bytes of `A-Z a-z 0-9 . _ -`.
///
/// The `#` that introduces a tag on the wire is no part of it.
package struct Tag: Hashable, Sendable, CustomStringConvertible {
    /// The tag as it is written on the wire, without `#`.
    package let description: String

    /// The tag that `text` spells, or nil if it breaks the rules above.
    package init?(_ text: String) {
        guard (1...Limits.maxTagBytes).contains(text.utf8.count), text.utf8.allSatisfy(\.isTagByte) else { return nil }
        description = text
    }

    init?(_ word: ByteView) {
        guard (1...Limits.maxTagBytes).contains(word.count), word.allSatisfy(\.isTagByte) else { return nil }
        description = word.string
    }
}
