/// The Redis protocol, RESP2: requests are arrays of bulk strings.
enum Redis {
    static let pong = Array("+PONG\r\n".utf8)
    static let lineEnd = Array("\r\n".utf8)
    static let ping = command("PING")

    static func command(_ words: String...) -> [UInt8] {
        Array(("*\(words.count)\r\n" + words.map(bulk).joined()).utf8)
    }

    static func bulk(_ word: String) -> String { "$\(word.utf8.count)\r\n\(word)\r\n" }

    /// Returns a push without the body and the line end that follow it.
    static func push(_ list: String, bodyBytes: Int) -> [UInt8] {
        Array("*3\r\n\(bulk("LPUSH"))\(bulk(list))$\(bodyBytes)\r\n".utf8)
    }

    /// Returns a pop without a timeout, from the end opposite to the pushes, so that the list is a queue.
    static func pop(_ list: String) -> [UInt8] { command("BRPOP", list, "0") }

    /// Returns a pop's answer up to the body.
    static func popped(_ list: String, bodyBytes: Int) -> [UInt8] { Array("*2\r\n\(bulk(list))$\(bodyBytes)\r\n".utf8) }

    /// Returns the end of a push's answer, which is the length of the list; nil when it is incomplete.
    static func endOfPushed(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        guard !bytes.isEmpty else { return nil }
        guard bytes[0] == UInt8(ascii: ":") else { throw bytes.unexpected(Array(":LENGTH".utf8), at: 0) }
        guard let (_, end) = try bytes.number(at: 1), try bytes.holds(lineEnd, at: end) != nil else { return nil }
        return end + lineEnd.count
    }
}

/// Pushes to a list. A message is done when the server has it or, with a reply list, when a receiver has pushed to that
/// list, which tells the sender what a rendezvous does.
struct RedisSending: SendingDialect {
    private let pattern: MessagePattern
    private let sender: Int
    private let depth: Int
    private let head: [UInt8]
    /// The pop of the reply list, and its answer; empty without a reply list.
    private let replyRequest: [UInt8]
    private let reply: [UInt8]
    private var isGreeted = false
    private var place = -1

    init(_ list: String, _ pattern: MessagePattern, sender: Int, depth: Int, replies: String?) {
        self.pattern = pattern
        self.sender = sender
        self.depth = depth
        head = Redis.push(list, bodyBytes: pattern.bodyBytes)
        let replyList = replies.map { $0 + MessagePattern.name(ofSender: sender) }
        replyRequest = replyList.map { Redis.pop($0) } ?? []
        reply = replyList.map { Redis.popped($0, bodyBytes: 2) + Array("ok\r\n".utf8) } ?? []
    }

    func greet(_ output: inout ByteQueue) { output.append(Redis.ping) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) {
        output.append(head)
        pattern.write(sender: sender, number: number, to: &output)
        output.append(Redis.lineEnd)
        output.append(replyRequest)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        guard isGreeted else {
            guard try bytes.holds(Redis.pong, at: 0) != nil else { return nil }
            isGreeted = true
            return SendingAnswer(length: Redis.pong.count, meaning: .ready)
        }
        if !reply.isEmpty, !bytes.isEmpty, bytes[0] == reply[0] {
            guard try bytes.holds(reply, at: 0) != nil else { return nil }
            return done(reply.count)
        }
        guard let end = try Redis.endOfPushed(bytes) else { return nil }
        return reply.isEmpty ? done(end) : SendingAnswer(length: end, meaning: .nothing)
    }

    private mutating func done(_ length: Int) -> SendingAnswer {
        place = place + 1 == depth ? 0 : place + 1
        return SendingAnswer(length: length, meaning: .done(place: place))
    }
}

/// Pops from a list. With reply lists, it confirms each message to its sender in the write that asks for the next one.
struct RedisReceiving: ReceivingDialect {
    private let bodyBytes: Int
    private let request: [UInt8]
    private let head: [UInt8]
    /// The push to a reply list up to the sender's name; empty without reply lists.
    private let confirmationHead: [UInt8]
    private static let confirmationEnd = Array("\r\n$2\r\nok\r\n".utf8)
    private var body = 0..<0
    private var isGreeted = false

    init(_ list: String, bodyBytes: Int, replies: String?) {
        self.bodyBytes = bodyBytes
        request = Redis.pop(list)
        head = Redis.popped(list, bodyBytes: bodyBytes)
        confirmationHead = Array(
            replies.map { "*3\r\n\(Redis.bulk("LPUSH"))$\($0.utf8.count + 3)\r\n\($0)" }?.utf8 ?? "".utf8)
    }

    func greet(_ output: inout ByteQueue) {
        output.append(Redis.ping)
        output.append(request)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer? {
        guard isGreeted else {
            guard try bytes.holds(Redis.pong, at: 0) != nil else { return nil }
            isGreeted = true
            return ReceivingAnswer(length: Redis.pong.count, meaning: .ready)
        }
        if !confirmationHead.isEmpty, !bytes.isEmpty, bytes[0] == UInt8(ascii: ":") {
            return try Redis.endOfPushed(bytes).map { ReceivingAnswer(length: $0, meaning: .nothing) }
        }
        guard try bytes.holds(head, at: 0) != nil else { return nil }
        body = head.count..<head.count + bodyBytes
        guard bytes.count > body.upperBound, try bytes.holds(Redis.lineEnd, at: body.upperBound) != nil else {
            return nil
        }
        return ReceivingAnswer(length: body.upperBound + Redis.lineEnd.count, meaning: .message(body))
    }

    func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue) {
        if !confirmationHead.isEmpty {
            output.append(confirmationHead)
            output.append(UnsafeRawBufferPointer(rebasing: answer[body.lowerBound..<body.lowerBound + 3]))
            output.append(Self.confirmationEnd)
        }
        output.append(request)
    }
}
