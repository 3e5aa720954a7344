/// Receives on a channel: with one `RECV` for each message, with or without a lease, or with an endless counted
/// receive, which may answer each message under a lease.
struct SluiceReceiving: ReceivingDialect {
    enum RequestStyle { case single, leased, counted, answering }

    private let greeting: SluiceGreeting
    private let manner: RequestStyle
    private let bodyBytes: Int
    private let request: [UInt8]
    private let head: [UInt8]
    private let isLeased: Bool
    private var isGreeted = false
    /// Where the last answer holds the delivery's identifier.
    private var did = 0..<0

    /// Without the replies of acknowledgements, a worker has one read and one write less for each message.
    private static let acknowledge = Array("ACK reply=error ".utf8)
    private static let lineEnd = Array("\n".utf8)
    private static let firstAttempt = Array(" attempt=1".utf8)
    private static let answer = Array(" ok\n".utf8)

    /// - Parameter window: how many messages an answering receiver may hold at a time.
    init(
        _ channel: String, _ greeting: SluiceGreeting, bodyBytes: Int, _ manner: RequestStyle, window: Int = 1
    ) {
        self.greeting = greeting
        self.manner = manner
        self.bodyBytes = bodyBytes
        isLeased = manner == .leased || manner == .answering
        let tag = manner == .counted || manner == .answering ? "#w " : ""
        let options =
            [.leased: "lease=30s ", .counted: "count=* ", .answering: "count=* lease=30s window=\(window) "][manner]
            ?? ""
        request = Array("\(tag)RECV \(options)\(channel)\n".utf8)
        head = Array("\(tag)MSG \(channel) \(bodyBytes)\(isLeased ? " did=" : "\n")".utf8)
    }

    func greet(_ output: inout ByteQueue) {
        greeting.write(to: &output)
        output.append(request)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer? {
        guard isGreeted else {
            guard let length = try greeting.answerLength(in: bytes) else { return nil }
            isGreeted = true
            return ReceivingAnswer(length: length, meaning: .ready)
        }
        guard try bytes.holds(head, at: 0) != nil, let begin = try endOfHead(bytes) else { return nil }
        let end = begin + bodyBytes
        guard bytes.count > end, try bytes.holds(Self.lineEnd, at: end) != nil else { return nil }
        return ReceivingAnswer(length: end + 1, meaning: .message(begin..<end))
    }

    private mutating func endOfHead(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        guard isLeased else { return head.count }
        var end = head.count
        while end < bytes.count, bytes[end] > UInt8(ascii: " ") { end += 1 }
        guard end < bytes.count, try bytes.holds(Self.firstAttempt, at: end) != nil else { return nil }
        did = head.count..<end
        // The attributes behind the attempt differ from one server to the next.
        var lineEnd = end + Self.firstAttempt.count
        while lineEnd < bytes.count, bytes[lineEnd] != Self.lineEnd[0] { lineEnd += 1 }
        return lineEnd < bytes.count ? lineEnd + 1 : nil
    }

    func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue) {
        switch manner {
        case .counted: break
        case .single: output.append(request)
        case .answering:
            output.append(Self.acknowledge)
            output.append(UnsafeRawBufferPointer(rebasing: answer[did]))
            output.append(Self.answer)
        case .leased:
            output.append(Self.acknowledge)
            output.append(UnsafeRawBufferPointer(rebasing: answer[did]))
            output.append(Self.lineEnd)
            output.append(request)
        }
    }
}

/// Receives with `SELECT` over several channels.
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
    ///   - prefix: what the channels' names have before their number.
    ///   - channels: the numbers of the arms' channels, in order.
    init(_ prefix: String, channels: Range<Int>, _ greeting: SluiceGreeting, bodyBytes: Int) {
        self.greeting = greeting
        self.bodyBytes = bodyBytes
        self.channels = channels
        request = Array("SELECT \(channels.map { "recv \(prefix)\($0)" }.joined(separator: " | "))\n".utf8)
        head = Array("MSG \(prefix)".utf8)
        middle = Array(" \(bodyBytes) arm=".utf8)
    }

    func greet(_ output: inout ByteQueue) {
        greeting.write(to: &output)
        output.append(request)
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> ReceivingAnswer? {
        guard isGreeted else {
            guard let length = try greeting.answerLength(in: bytes) else { return nil }
            isGreeted = true
            return ReceivingAnswer(length: length, meaning: .ready)
        }
        guard try bytes.holds(head, at: 0) != nil, let (channel, endOfName) = try bytes.number(at: head.count),
            try bytes.holds(middle, at: endOfName) != nil,
            let (arm, endOfArm) = try bytes.number(at: endOfName + middle.count),
            try bytes.holds(Self.lineEnd, at: endOfArm) != nil
        else { return nil }
        guard channels.contains(channel), arm == channel - channels.lowerBound else {
            throw LoadFailure("a message of channel \(channel) arrived for arm \(arm)")
        }
        let body = endOfArm + 1..<endOfArm + 1 + bodyBytes
        guard bytes.count > body.upperBound, try bytes.holds(Self.lineEnd, at: body.upperBound) != nil else {
            return nil
        }
        return ReceivingAnswer(length: body.upperBound + 1, meaning: .message(body))
    }

    func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue) { output.append(request) }
}
