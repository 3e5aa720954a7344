/// Reserves a job, deletes it, and reserves the next one in the same write.
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
