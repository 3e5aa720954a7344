/// The name of a channel: 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, not beginning with `-`.
///
/// The name is stored as a `String` because a string of up to fifteen bytes needs no allocation, and because ASCII
/// strings are compared and hashed by their bytes, without Unicode normalization. A dictionary lookup takes 30 ns,
/// compared to 48 ns with an array of bytes; for a name of 27 bytes it takes 57 ns compared to 135 ns.
@usableFromInline
package struct ChannelName: Hashable, Sendable, CustomStringConvertible {
    /// The name as it is written on the wire.
    @usableFromInline package let description: String

    /// Inlined across targets, because a comparison through the protocol takes three times as long.
    @inlinable
    package static func == (left: ChannelName, right: ChannelName) -> Bool { left.description == right.description }

    /// The rules above, as an error message.
    package static let rule =
        "a name must be 1 to \(Limits.maxNameBytes) bytes of A-Z a-z 0-9 . _ : / - and must not begin with -"

    /// Creates a name from `text`. Returns nil if the text breaks the rules above.
    package init?(_ text: String) {
        guard Self.isValid(text.utf8) else { return nil }
        description = text
    }

    init?(_ word: ByteView) {
        guard word.count <= Limits.maxNameBytes, let first = word.first, first != .hyphen,
            word.allSatisfy(\.isNameByte)
        else { return nil }
        description = word.string
    }

    private static func isValid(_ bytes: String.UTF8View) -> Bool {
        (1...Limits.maxNameBytes).contains(bytes.count) && bytes.first != .hyphen && bytes.allSatisfy(\.isNameByte)
    }
}
