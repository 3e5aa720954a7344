/// The name of a channel: 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, not beginning with `-`.
///
/// Wraps a `String` and not its bytes: up to fifteen bytes then live inside the value, without an allocation, and an
/// ASCII string is compared and hashed as its bytes, without Unicode's rules. Finding a name in a dictionary took 30 ns,
/// against 48 ns with an array of bytes, and 57 against 135 for a name of 27 bytes.
package struct ChannelName: Hashable, Sendable, CustomStringConvertible {
    /// The name as it is written on the wire.
    package let description: String

    /// The rules above, for whoever has broken them.
    package static let rule =
        "a name is 1 to \(Limits.maxNameBytes) bytes of A-Z a-z 0-9 . _ : / - and does not begin with -"

    /// The name that `text` spells, or nil if it breaks the rules above.
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
