/// The first word of a request.
///
/// A new verb is a new case here; the compiler then asks for its parser, its encoder and its help.
package enum Verb: String, CaseIterable, Sendable, Hashable {
    case hello = "HELLO"
    case ping = "PING"
    case send = "SEND"
    case receive = "RECV"
    case select = "SELECT"
    case cancel = "CANCEL"
    case help = "HELP"
    case quit = "QUIT"

    /// The length of the longest verb that is a command by itself, `HELLO`.
    static var longestBare: Int { 5 }

    static let vocabulary = Vocabulary<Self>()
}
