/// The first word of a reply. For a new case the compiler asks for the code that reads its line.
enum ReplyWord: String, CaseIterable {
    case ok = "OK"
    case message = "MSG"
    case data = "DATA"
    case timeout = "TIMEOUT"
    case closed = "CLOSED"
    case poisoned = "POISONED"
    case rejected = "REJECTED"
    case cancelled = "CANCELLED"
    case maybe = "MAYBE"
    case otherwise = "ELSE"
    case end = "END"
    case error = "ERR"

    static let vocabulary = Vocabulary<Self>()
}
