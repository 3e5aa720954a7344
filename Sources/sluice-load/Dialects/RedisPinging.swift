struct RedisPinging: SendingDialect {
    private var words: PingWords

    init(depth: Int) {
        words = PingWords(
            request: String(decoding: Redis.ping, as: UTF8.self), answer: String(decoding: Redis.pong, as: UTF8.self),
            depth: depth)
    }

    func greet(_ output: inout ByteQueue) { output.append(words.request) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) { output.append(words.request) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if words.isGreeted { return try words.answer(bytes) }
        guard try bytes.holds(Redis.pong, at: 0) != nil else { return nil }
        words.isGreeted = true
        return SendingAnswer(length: Redis.pong.count, meaning: .ready)
    }
}
