/// Puts jobs into a tube.
struct BeanstalkdPutting: SendingDialect {
    private let pattern: MessagePattern
    private let sender: Int
    private let depth: Int
    private let greeting: [UInt8]
    private let greeted: [UInt8]
    private let head: [UInt8]
    private var isGreeted = false
    private var place = -1

    private static let inserted = Array("INSERTED ".utf8)

    init(_ tube: String, _ pattern: MessagePattern, sender: Int, depth: Int) {
        self.pattern = pattern
        self.sender = sender
        self.depth = depth
        greeting = Array("use \(tube)\r\n".utf8)
        greeted = Array("USING \(tube)\r\n".utf8)
        head = Array("put 0 0 \(Beanstalkd.reservationSeconds) \(pattern.bodyBytes)\r\n".utf8)
    }

    func greet(_ output: inout ByteQueue) { output.append(greeting) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) {
        output.append(head)
        pattern.write(sender: sender, number: number, to: &output)
        output.append(Beanstalkd.lineEnd)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        guard isGreeted else {
            guard try bytes.holds(greeted, at: 0) != nil else { return nil }
            isGreeted = true
            return SendingAnswer(length: greeted.count, meaning: .ready)
        }
        guard try bytes.holds(Self.inserted, at: 0) != nil,
            let (_, end) = try bytes.number(at: Self.inserted.count),
            try bytes.holds(Beanstalkd.lineEnd, at: end) != nil
        else { return nil }
        place = place + 1 == depth ? 0 : place + 1
        return SendingAnswer(length: end + Beanstalkd.lineEnd.count, meaning: .done(place: place))
    }
}
