/// Publishes with a subject of its own for the reply, which is the sign that a receiver has the message.
struct NatsRequesting: SendingDialect {
    private var session = NatsSession()
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

    func greet(_ output: inout ByteQueue) { session.greet(subscribing: "SUB \(inbox) 1\r\n", &output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) {
        output.append(head)
        pattern.write(sender: sender, number: number, to: &output)
        output.append(NatsSession.lineEnd)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if bytes.first == reply[0] {
            guard try bytes.holds(reply, at: 0) != nil else { return nil }
            place = place + 1 == depth ? 0 : place + 1
            return SendingAnswer(length: reply.count, meaning: .done(place: place))
        }
        guard let (length, isReady) = try session.answer(bytes, &output) else { return nil }
        return SendingAnswer(length: length, meaning: isReady ? .ready : .nothing)
    }
}
