/// What a sender sends to a server, and how it reads the answers.
///
/// Dialects do no I/O: bytes in, bytes out, so that tests can split the input anywhere. Every message in flight has a
/// place, a number below the depth.
protocol SendingDialect {
    /// Writes the first requests, one of whose answers is `ready`.
    mutating func greet(_ output: inout ByteQueue)
    mutating func send(_ number: Int, at place: Int, _ output: inout ByteQueue)
    /// Returns the first answer in the bytes; nil when it is incomplete. Writes what the protocol demands in return.
    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer?
    /// Writes the last request, after everything was answered.
    func farewell(_ output: inout ByteQueue)
    /// Whether a message is done as soon as it is written.
    var isUnanswered: Bool { get }
}

extension SendingDialect {
    var isUnanswered: Bool { false }
    func farewell(_ output: inout ByteQueue) {}
}

struct SendingAnswer: Hashable {
    enum Meaning: Hashable {
        /// The connection is set up.
        case ready
        /// An expected answer that needs no reaction.
        case nothing
        /// The message at this place is done.
        case done(place: Int)
    }

    var length: Int
    var meaning: Meaning
}

/// What a receiver sends to a server, and how it reads the answers.
protocol ReceivingDialect {
    /// Writes the first requests, including the first one for a message. One of the answers is `ready`.
    mutating func greet(_ output: inout ByteQueue)
    /// Returns the first answer in the bytes; nil when it is incomplete.
    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer?
    /// Writes what follows an answer that was a message: its acknowledgement, and the request for the next message.
    mutating func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue)
}

struct ReceivingAnswer: Hashable {
    enum Meaning: Hashable {
        /// The connection is set up.
        case ready
        /// An expected answer that needs no reaction.
        case nothing
        /// A message, with its body at this range of the answer.
        case message(Range<Int>)
    }

    var length: Int
    var meaning: Meaning
}
