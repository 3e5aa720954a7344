/// How a piece of text looks on a terminal that shows colours. The raw value is the parameter of the escape sequence.
///
/// A style never carries a meaning of its own: the words around it say the same.
package enum TextStyle: String, Sendable {
    case plain = ""
    case strong = "1"
    case faint = "2"
    case good = "32"
    case bad = "31"

    package func apply(to text: String) -> String {
        self == .plain || text.isEmpty ? text : "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
    }
}
