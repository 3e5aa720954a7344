/// Pushes to a list, and is answered as soon as the server has the message; or, with a reply list, when a receiver has
/// pushed to that: then it knows what a rendezvous tells.
struct RedisSending: SendingDialect {
    private let pattern: MessagePattern
    private let sender: Int
    private let depth: Int
    private let head: [UInt8]
    /// The reply list's pop, and what that is answered with; empty without one.
    private let wait: [UInt8]
    private let reply: [UInt8]
    private var isGreeted = false
    private var place = -1

    init(_ list: String, _ pattern: MessagePattern, sender: Int, depth: Int, replies: String?) {
        self.pattern = pattern
        self.sender = sender
        self.depth = depth
        head = Redis.push(list, bodyBytes: pattern.bodyBytes)
        let own = replies.map { $0 + MessagePattern.name(ofSender: sender) }
        wait = own.map { Redis.pop($0) } ?? []
        reply = own.map { Redis.popped($0, bodyBytes: 2) + Array("ok\r\n".utf8) } ?? []
    }

    func greet(_ output: inout ByteQueue) { output.append(Redis.ping) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) {
        output.append(head)
        pattern.write(sender: sender, number: number, to: &output)
        output.append(Redis.lineEnd)
        output.append(wait)
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
