/// A word that its sender gives to a message, and that comes with the message to its receivers (`trace=`): 1 to 128
/// visible ASCII characters.
///
/// It is made for the `traceparent` of W3C Trace Context. The hub does not look into it.
package struct TraceContext: Hashable, Sendable, CustomStringConvertible {
    /// The context as it is written on the wire.
    package let description: String

    /// Creates a context from `text`. Returns nil if the text breaks the rule above.
    package init?(_ text: String) {
        guard (1...Limits.maxTraceBytes).contains(text.utf8.count), text.utf8.allSatisfy(\.isVisible) else {
            return nil
        }
        description = text
    }

    init?(_ word: ByteView) {
        guard (1...Limits.maxTraceBytes).contains(word.count), word.allSatisfy(\.isVisible) else { return nil }
        description = word.string
    }

    /// The rule for contexts, as errors state it.
    package static let rule = "a trace must be 1 to \(Limits.maxTraceBytes) visible ASCII characters without spaces"
}
