struct NatsPinging: SendingDialect {
    private var session = NatsSession()
    private var words: PingWords

    init(depth: Int) { words = PingWords(request: "PING\r\n", answer: "PONG\r\n", depth: depth) }

    func greet(_ output: inout ByteQueue) { session.greet(subscribing: "", &output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) { output.append(words.request) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if session.isGreeted, bytes.mayHold(words.answer, at: 0) { return try words.answer(bytes) }
        guard let (length, isReady) = try session.answer(bytes, &output) else { return nil }
        return SendingAnswer(length: length, meaning: isReady ? .ready : .nothing)
    }
}
