import Glibc

/// What all connections to NATS have in common: the greeting, and the server's own pings.
struct NatsConversation {
    private static let information = Array("INFO ".utf8)
    private static let ping = Array("PING\r\n".utf8)
    static let pong = Array("PONG\r\n".utf8)
    static let connect = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"swift\",\"version\":\"1\"}\r\n"
    static let lineEnd = Array("\r\n".utf8)

    private(set) var isGreeted = false

    /// Writes `CONNECT`, the subscription, and a `PING` whose answer shows that both were accepted.
    func greet(subscribing subscription: String, _ output: inout ByteQueue) {
        output.append(Array("\(Self.connect)\(subscription)PING\r\n".utf8))
    }

    /// Reads what is not a message: the server's `INFO`, its pings, and the `PONG` that ends the greeting.
    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> (length: Int, isReady: Bool)? {
        if bytes.mayHold(Self.ping, at: 0) {
            guard bytes.count >= Self.ping.count else { return nil }
            output.append(Self.pong)
            return (Self.ping.count, false)
        }
        if !isGreeted, bytes.mayHold(Self.pong, at: 0) {
            guard bytes.count >= Self.pong.count else { return nil }
            isGreeted = true
            return (Self.pong.count, true)
        }
        guard try bytes.holds(Self.information, at: 0) != nil, let base = bytes.baseAddress,
            let end = memchr(base, 0x0A, bytes.count)
        else { return nil }
        return (end - UnsafeMutableRawPointer(mutating: base) + 1, false)
    }
}

/// Publishes without a reply subject: no message is ever answered.
struct NatsPublishing: SendingDialect {
    private var conversation = NatsConversation()
    private let pattern: MessagePattern
    private let sender: Int
    private let head: [UInt8]

    var isUnanswered: Bool { true }

    init(_ subject: String, _ pattern: MessagePattern, sender: Int) {
        self.pattern = pattern
        self.sender = sender
        head = Array("PUB \(subject) \(pattern.bodyBytes)\r\n".utf8)
    }

    func greet(_ output: inout ByteQueue) { conversation.greet(subscribing: "", &output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) {
        output.append(head)
        pattern.write(sender: sender, number: number, to: &output)
        output.append(NatsConversation.lineEnd)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        guard let (length, isReady) = try conversation.answer(bytes, &output) else { return nil }
        return SendingAnswer(length: length, meaning: isReady ? .ready : .nothing)
    }
}

/// Publishes with a reply subject. The reply shows that a receiver has the message.
struct NatsRequesting: SendingDialect {
    private var conversation = NatsConversation()
    private let pattern: MessagePattern
    private let sender: Int
    private let depth: Int
    private let inbox: String
    private let head: [UInt8]
    private let reply: [UInt8]
    private var place = -1

    init(_ subject: String, _ pattern: MessagePattern, sender: Int, depth: Int, inboxes: String) {
        self.pattern = pattern
        self.sender = sender
        self.depth = depth
        inbox = "\(inboxes)\(sender)"
        head = Array("PUB \(subject) \(inbox) \(pattern.bodyBytes)\r\n".utf8)
        reply = Array("MSG \(inbox) 1 2\r\nok\r\n".utf8)
    }

    func greet(_ output: inout ByteQueue) { conversation.greet(subscribing: "SUB \(inbox) 1\r\n", &output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) {
        output.append(head)
        pattern.write(sender: sender, number: number, to: &output)
        output.append(NatsConversation.lineEnd)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if bytes.first == reply[0] {
            guard try bytes.holds(reply, at: 0) != nil else { return nil }
            place = place + 1 == depth ? 0 : place + 1
            return SendingAnswer(length: reply.count, meaning: .done(place: place))
        }
        guard let (length, isReady) = try conversation.answer(bytes, &output) else { return nil }
        return SendingAnswer(length: length, meaning: isReady ? .ready : .nothing)
    }
}

/// Receives by subscription. A receiver that replies subscribes in a queue group, which delivers each message to one
/// member.
struct NatsReceiving: ReceivingDialect {
    private var conversation = NatsConversation()
    private let bodyBytes: Int
    private let subscription: String
    private let head: [UInt8]
    private let end: [UInt8]
    private let replies: Bool
    private var inbox = 0..<0

    private static let publish = Array("PUB ".utf8)
    private static let acceptance = Array(" 2\r\nok\r\n".utf8)

    init(_ subject: String, bodyBytes: Int, replies: Bool) {
        self.bodyBytes = bodyBytes
        self.replies = replies
        subscription = replies ? "SUB \(subject) load 1\r\n" : "SUB \(subject) 1\r\n"
        head = Array("MSG \(subject) 1 ".utf8)
        end = Array("\(bodyBytes)\r\n".utf8)
    }

    func greet(_ output: inout ByteQueue) { conversation.greet(subscribing: subscription, &output) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer? {
        if conversation.isGreeted, bytes.first == head[0] {
            guard try bytes.holds(head, at: 0) != nil, let begin = try endOfHead(bytes) else { return nil }
            let body = begin..<begin + bodyBytes
            guard bytes.count > body.upperBound, try bytes.holds(NatsConversation.lineEnd, at: body.upperBound) != nil
            else {
                return nil
            }
            return ReceivingAnswer(length: body.upperBound + 2, meaning: .message(body))
        }
        guard let (length, isReady) = try conversation.answer(bytes, &output) else { return nil }
        return ReceivingAnswer(length: length, meaning: isReady ? .ready : .nothing)
    }

    private mutating func endOfHead(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        var begin = head.count
        if replies {
            while begin < bytes.count, bytes[begin] > UInt8(ascii: " ") { begin += 1 }
            guard begin < bytes.count else { return nil }
            inbox = head.count..<begin
            begin += 1
        }
        return try bytes.holds(end, at: begin) == nil ? nil : begin + end.count
    }

    func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue) {
        guard replies else { return }
        output.append(Self.publish)
        output.append(UnsafeRawBufferPointer(rebasing: answer[inbox]))
        output.append(Self.acceptance)
    }
}
