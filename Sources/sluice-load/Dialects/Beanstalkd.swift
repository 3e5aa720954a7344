/// What senders and receivers of beanstalkd have in common.
enum Beanstalkd {
    static let lineEnd = Array("\r\n".utf8)
    /// Longer than a run: a job whose reservation expired would count as a duplicate.
    static let reservationSeconds = 3600
}

/// Puts jobs into a tube. A job is done when the server has it.
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

/// Reserves jobs. Deletes each, and reserves the next, in one write.
struct BeanstalkdReserving: ReceivingDialect {
    private let bodyBytes: Int
    private let greeting: [UInt8]
    private let size: [UInt8]
    private var isGreeted = false
    private var job = 0..<0

    private static let greeted = Array("WATCHING 2\r\nWATCHING 1\r\n".utf8)
    private static let reserve = Array("reserve\r\n".utf8)
    private static let reserved = Array("RESERVED ".utf8)
    private static let delete = Array("delete ".utf8)
    private static let deleted = Array("DELETED\r\n".utf8)

    init(_ tube: String, bodyBytes: Int) {
        self.bodyBytes = bodyBytes
        greeting = Array("watch \(tube)\r\nignore default\r\n".utf8)
        size = Array(" \(bodyBytes)\r\n".utf8)
    }

    func greet(_ output: inout ByteQueue) {
        output.append(greeting)
        output.append(Self.reserve)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer? {
        guard isGreeted else {
            guard try bytes.holds(Self.greeted, at: 0) != nil else { return nil }
            isGreeted = true
            return ReceivingAnswer(length: Self.greeted.count, meaning: .ready)
        }
        if bytes.first == Self.deleted[0] {
            guard try bytes.holds(Self.deleted, at: 0) != nil else { return nil }
            return ReceivingAnswer(length: Self.deleted.count, meaning: .nothing)
        }
        guard try bytes.holds(Self.reserved, at: 0) != nil,
            let (_, end) = try bytes.number(at: Self.reserved.count),
            try bytes.holds(size, at: end) != nil
        else { return nil }
        job = Self.reserved.count..<end
        let body = end + size.count..<end + size.count + bodyBytes
        guard bytes.count > body.upperBound, try bytes.holds(Beanstalkd.lineEnd, at: body.upperBound) != nil else {
            return nil
        }
        return ReceivingAnswer(length: body.upperBound + Beanstalkd.lineEnd.count, meaning: .message(body))
    }

    func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue) {
        output.append(Self.delete)
        output.append(UnsafeRawBufferPointer(rebasing: answer[job]))
        output.append(Beanstalkd.lineEnd)
        output.append(Self.reserve)
    }
}
