/// Publishes, and is never answered.
struct NatsPublishing: SendingDialect {
    private var session = NatsSession()
    private let pattern: MessagePattern
    private let sender: Int
    private let head: [UInt8]

    var isUnanswered: Bool { true }

    init(_ subject: String, _ pattern: MessagePattern, sender: Int) {
        self.pattern = pattern
        self.sender = sender
        head = Array("PUB \(subject) \(pattern.bodyBytes)\r\n".utf8)
    }

    func greet(_ output: inout ByteQueue) { session.greet(subscribing: "", &output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) {
        output.append(head)
        pattern.write(sender: sender, number: number, to: &output)
        output.append(NatsSession.lineEnd)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        guard let (length, isReady) = try session.answer(bytes, &output) else { return nil }
        return SendingAnswer(length: length, meaning: isReady ? .ready : .nothing)
    }
}
