/// The first word of a request.
///
/// For a new case the compiler asks for its parser, its encoder and its help text.
package enum Verb: String, CaseIterable, Sendable, Hashable {
    case hello = "HELLO"
    case authenticate = "AUTH"
    case name = "NAME"
    case ping = "PING"
    case send = "SEND"
    case call = "CALL"
    case receive = "RECV"
    case select = "SELECT"
    case barrier = "BARRIER"
    case acknowledge = "ACK"
    case nack = "NACK"
    case reject = "REJECT"
    case touch = "TOUCH"
    case open = "OPEN"
    case close = "CLOSE"
    case poison = "POISON"
    case redrive = "REDRIVE"
    case join = "JOIN"
    case leave = "LEAVE"
    case info = "INFO"
    case channels = "CHANNELS"
    case waiters = "WAITERS"
    case clients = "CLIENTS"
    case stuck = "STUCK"
    case trace = "TRACE"
    case kill = "KILL"
    case cancel = "CANCEL"
    case help = "HELP"
    case quit = "QUIT"

    static let vocabulary = Vocabulary<Self>()

    /// Creates the verb for a word that other programs understand: `?` for help, `exit` or `bye` to quit.
    init?(habitual word: ByteView) {
        switch Keyword(ignoringCase: word) {
        case Self.questionMark: self = .help
        case Self.exit, Self.bye: self = .quit
        default: return nil
        }
    }

    private static let questionMark = Keyword(spelling: "?")
    private static let exit = Keyword(spelling: "EXIT")
    private static let bye = Keyword(spelling: "BYE")
}
