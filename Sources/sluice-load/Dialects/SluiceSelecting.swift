/// Receives from whichever of several channels has something.
struct SluiceSelecting: ReceivingDialect {
    private let greeting: SluiceGreeting
    private let bodyBytes: Int
    private let channels: Range<Int>
    private let request: [UInt8]
    private let head: [UInt8]
    private let middle: [UInt8]
    private var isGreeted = false

    private static let lineEnd = Array("\n".utf8)

    /// - Parameters:
    ///   - prefix: what the channels are called, but for their number.
    ///   - channels: the arms in their order, by the channels' numbers.
    init(_ prefix: String, channels: Range<Int>, _ greeting: SluiceGreeting, bodyBytes: Int) {
        self.greeting = greeting
        self.bodyBytes = bodyBytes
        self.channels = channels
        request = Array("SELECT \(channels.map { "recv \(prefix)\($0)" }.joined(separator: " | "))\n".utf8)
        head = Array("MSG \(prefix)".utf8)
        middle = Array(" \(bodyBytes) arm=".utf8)
    }

    func greet(_ output: inout ByteQueue) {
        greeting.write(&output)
        output.append(request)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer? {
        guard isGreeted else {
            guard let length = try greeting.length(in: bytes) else { return nil }
            isGreeted = true
            return ReceivingAnswer(length: length, meaning: .ready)
        }
        guard try bytes.holds(head, at: 0) != nil, let (channel, endOfName) = try bytes.number(at: head.count),
            try bytes.holds(middle, at: endOfName) != nil,
            let (arm, endOfArm) = try bytes.number(at: endOfName + middle.count),
            try bytes.holds(Self.lineEnd, at: endOfArm) != nil
        else { return nil }
        guard channels.contains(channel), arm == channel - channels.lowerBound else {
            throw LoadFailure("arm \(arm) was taken for a message of channel \(channel)")
        }
        let body = endOfArm + 1..<endOfArm + 1 + bodyBytes
        guard bytes.count > body.upperBound, try bytes.holds(Self.lineEnd, at: body.upperBound) != nil else {
            return nil
        }
        return ReceivingAnswer(length: body.upperBound + 1, meaning: .message(body))
    }

    func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue) { output.append(request) }
}
