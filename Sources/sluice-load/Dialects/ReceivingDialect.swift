/// What a receiver says to a server, and what it makes of the answers.
protocol ReceivingDialect {
    /// What is said first, with the first wish for a message; some answer of it is `ready`.
    mutating func greet(_ output: inout ByteQueue)
    /// The first answer in the bytes; nil when it is not complete.
    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer?
    /// What follows on a message that was the answer: its acknowledgement, and the wish for the next one.
    mutating func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue)
}

struct ReceivingAnswer: Hashable {
    enum Meaning: Hashable {
        case ready
        case nothing
        /// A message, whose body is here in the answer.
        case message(Range<Int>)
    }

    var length: Int
    var meaning: Meaning
}
