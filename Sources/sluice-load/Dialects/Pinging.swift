/// A request that is always the same and is answered in order.
struct PingExchange {
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

struct SluicePinging: SendingDialect {
    private var exchange: PingExchange
    private let greeting: SluiceGreeting

    init(_ greeting: SluiceGreeting, depth: Int) {
        self.greeting = greeting
        exchange = PingExchange(request: "PING\n", answer: "OK\n", depth: depth)
    }

    func greet(_ output: inout ByteQueue) { greeting.write(to: &output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) { output.append(exchange.request) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if exchange.isGreeted { return try exchange.answer(bytes) }
        guard let length = try greeting.answerLength(in: bytes) else { return nil }
        exchange.isGreeted = true
        return SendingAnswer(length: length, meaning: .ready)
    }
}

struct RedisPinging: SendingDialect {
    private var exchange: PingExchange

    init(depth: Int) {
        exchange = PingExchange(
            request: String(decoding: Redis.ping, as: UTF8.self), answer: String(decoding: Redis.pong, as: UTF8.self),
            depth: depth)
    }

    func greet(_ output: inout ByteQueue) { output.append(exchange.request) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) { output.append(exchange.request) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if exchange.isGreeted { return try exchange.answer(bytes) }
        guard try bytes.holds(Redis.pong, at: 0) != nil else { return nil }
        exchange.isGreeted = true
        return SendingAnswer(length: Redis.pong.count, meaning: .ready)
    }
}

struct NatsPinging: SendingDialect {
    private var conversation = NatsConversation()
    private var exchange: PingExchange

    init(depth: Int) { exchange = PingExchange(request: "PING\r\n", answer: "PONG\r\n", depth: depth) }

    func greet(_ output: inout ByteQueue) { conversation.greet(subscribing: "", &output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) { output.append(exchange.request) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if conversation.isGreeted, bytes.mayHold(exchange.answer, at: 0) { return try exchange.answer(bytes) }
        guard let (length, isReady) = try conversation.answer(bytes, &output) else { return nil }
        return SendingAnswer(length: length, meaning: isReady ? .ready : .nothing)
    }
}
