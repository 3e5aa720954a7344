/// Subscribes in a queue group, of which one gets each message, and replies where a reply is asked for.
struct NatsReceiving: ReceivingDialect {
    private var session = NatsSession()
    private let bodyBytes: Int
    private let subscription: String
    private let head: [UInt8]
    private let end: [UInt8]
    private let isAsked: Bool
    private var inbox = 0..<0

    private static let publish = Array("PUB ".utf8)
    private static let acceptance = Array(" 2\r\nok\r\n".utf8)

    init(_ subject: String, bodyBytes: Int, isAsked: Bool) {
        self.bodyBytes = bodyBytes
        self.isAsked = isAsked
        subscription = isAsked ? "SUB \(subject) load 1\r\n" : "SUB \(subject) 1\r\n"
        head = Array("MSG \(subject) 1 ".utf8)
        end = Array("\(bodyBytes)\r\n".utf8)
    }

    func greet(_ output: inout ByteQueue) { session.greet(subscribing: subscription, &output) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer? {
        if session.isGreeted, bytes.first == head[0] {
            guard try bytes.holds(head, at: 0) != nil, let begin = try endOfHead(bytes) else { return nil }
            let body = begin..<begin + bodyBytes
            guard bytes.count > body.upperBound, try bytes.holds(NatsSession.lineEnd, at: body.upperBound) != nil else {
                return nil
            }
            return ReceivingAnswer(length: body.upperBound + 2, meaning: .message(body))
        }
        guard let (length, isReady) = try session.answer(bytes, &output) else { return nil }
        return ReceivingAnswer(length: length, meaning: isReady ? .ready : .nothing)
    }

    private mutating func endOfHead(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        var begin = head.count
        if isAsked {
            while begin < bytes.count, bytes[begin] > UInt8(ascii: " ") { begin += 1 }
            guard begin < bytes.count else { return nil }
            inbox = head.count..<begin
            begin += 1
        }
        return try bytes.holds(end, at: begin) == nil ? nil : begin + end.count
    }

    func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue) {
        guard isAsked else { return }
        output.append(Self.publish)
        output.append(UnsafeRawBufferPointer(rebasing: answer[inbox]))
        output.append(Self.acceptance)
    }
}
