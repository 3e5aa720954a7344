/// Pops from a list; with reply lists it tells each sender that its message has come, and asks for the next one in the same
/// write.
struct RedisReceiving: ReceivingDialect {
    private let bodyBytes: Int
    private let request: [UInt8]
    private let head: [UInt8]
    /// The push to a reply list, and where in it the sender's name goes; empty without them.
    private let before: [UInt8]
    private static let after = Array("\r\n$2\r\nok\r\n".utf8)
    private var body = 0..<0
    private var isGreeted = false

    init(_ list: String, bodyBytes: Int, replies: String?) {
        self.bodyBytes = bodyBytes
        request = Redis.pop(list)
        head = Redis.popped(list, bodyBytes: bodyBytes)
        before = Array(replies.map { "*3\r\n\(Redis.bulk("LPUSH"))$\($0.utf8.count + 3)\r\n\($0)" }?.utf8 ?? "".utf8)
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
        if !before.isEmpty, !bytes.isEmpty, bytes[0] == UInt8(ascii: ":") {
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
        if !before.isEmpty {
            output.append(before)
            output.append(UnsafeRawBufferPointer(rebasing: answer[body.lowerBound..<body.lowerBound + 3]))
            output.append(Self.after)
        }
        output.append(request)
    }
}
