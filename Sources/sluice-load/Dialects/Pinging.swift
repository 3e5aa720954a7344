/// A question that is always the same, and answered in order.
struct PingWords {
    let request: [UInt8]
    let answer: [UInt8]
    let depth: Int
    var isGreeted = false
    private var place = -1

    init(request: String, answer: String, depth: Int) {
        self.request = Array(request.utf8)
        self.answer = Array(answer.utf8)
        self.depth = depth
    }

    @inline(__always)
    mutating func answer(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> SendingAnswer? {
        guard try bytes.holds(answer, at: 0) != nil else { return nil }
        place = place + 1 == depth ? 0 : place + 1
        return SendingAnswer(length: answer.count, meaning: .done(place: place))
    }
}

/// Pings, with no text.
struct SluicePinging: SendingDialect {
    private var words: PingWords
    private let greeting: SluiceGreeting

    init(_ greeting: SluiceGreeting, depth: Int) {
        self.greeting = greeting
        words = PingWords(request: "PING\n", answer: "OK\n", depth: depth)
    }

    func greet(_ output: inout ByteQueue) { greeting.write(&output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) { output.append(words.request) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if words.isGreeted { return try words.answer(bytes) }
        guard let length = try greeting.length(in: bytes) else { return nil }
        words.isGreeted = true
        return SendingAnswer(length: length, meaning: .ready)
    }
}

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
