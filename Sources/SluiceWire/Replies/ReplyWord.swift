/// The first word of a reply. A new one is a new case: the compiler then asks how its line reads.
enum ReplyWord: String, CaseIterable {
    case ok = "OK"
    case message = "MSG"
    case data = "DATA"
    case timeout = "TIMEOUT"
    case closed = "CLOSED"
    case poisoned = "POISONED"
    case cancelled = "CANCELLED"
    case maybe = "MAYBE"
    case otherwise = "ELSE"
    case end = "END"
    case error = "ERR"

    static let vocabulary = Vocabulary<Self>()
}
