/// What a sender says to a server, and what it makes of the answers. Pure: bytes in, bytes out, so that one can be tested
/// wherever its bytes are split.
///
/// A message has a place among those that are on their way, less than the depth.
protocol SendingDialect {
    /// What is said first; some answer of it is `ready`.
    mutating func greet(_ output: inout ByteQueue)
    mutating func send(_ number: Int, at place: Int, _ output: inout ByteQueue)
    /// The first answer in the bytes; nil when it is not complete. What it says by itself goes into the output.
    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer?
    /// What is said last, when everything was answered.
    func farewell(_ output: inout ByteQueue)
    /// Whether a message is done when it is said.
    var isUnanswered: Bool { get }
}

extension SendingDialect {
    var isUnanswered: Bool { false }
    func farewell(_ output: inout ByteQueue) {}
}

struct SendingAnswer: Hashable {
    enum Meaning: Hashable {
        /// The connection is as it has to be.
        case ready
        /// It was to come, and means nothing here.
        case nothing
        /// The message at this place is done.
        case done(place: Int)
    }

    var length: Int
    var meaning: Meaning
}

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
