import SluiceWire

/// What all connections with Sluice begin with.
struct SluiceGreeting: Sendable {
    let request: [UInt8]
    let answer: [UInt8]

    init(_ credentials: Credentials?, then more: String = "", answered: String = "") {
        var bytes: [UInt8] = []
        if let credentials {
            bytes += Array("AUTH \(credentials.principal) ".utf8) + credentials.token + [0x0A]
        }
        request = bytes + Array("\(more)PING\n".utf8)
        answer = Array("\(credentials == nil ? "" : "OK\n")\(answered)OK\n".utf8)
    }

    func write(_ output: inout ByteQueue) { output.append(request) }

    func length(in bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        try bytes.holds(answer, at: 0) == nil ? nil : answer.count
    }
}

/// Sends on a channel. One at a time goes without a tag; more of them have their place as a tag, since a command without
/// one would hold up the next.
struct SluiceSending: SendingDialect {
    private let greeting: SluiceGreeting
    private let pattern: MessagePattern
    private let sender: Int
    private let isTagged: Bool
    private let head: [UInt8]
    private let done: [UInt8]
    private let parting: [UInt8]
    private var isGreeted = false

    init(
        _ channel: String, _ greeting: SluiceGreeting, _ pattern: MessagePattern, sender: Int, depth: Int,
        options: String = "", done: String = "OK", parting: String = ""
    ) {
        self.greeting = greeting
        self.pattern = pattern
        self.sender = sender
        isTagged = depth > 1
        // A text is shorter to say; a body has no bound but the server's.
        let isText = pattern.bodyBytes <= 4096
        head = Array(
            (isText ? "SEND \(options)\(channel) " : "SEND \(options)len=\(pattern.bodyBytes) \(channel)\n").utf8)
        self.done = Array("\(done)\n".utf8)
        self.parting = Array(parting.utf8)
    }

    func greet(_ output: inout ByteQueue) { greeting.write(&output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) {
        if isTagged {
            output.append(UInt8(ascii: "#"))
            output.append(decimal: place)
            output.append(UInt8(ascii: " "))
        }
        output.append(head)
        pattern.write(sender: sender, number: number, to: &output)
        output.append(UInt8(ascii: "\n"))
    }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        guard isGreeted else {
            guard let length = try greeting.length(in: bytes) else { return nil }
            isGreeted = true
            return SendingAnswer(length: length, meaning: .ready)
        }
        guard isTagged else {
            guard try bytes.holds(done, at: 0) != nil else { return nil }
            return SendingAnswer(length: done.count, meaning: .done(place: 0))
        }
        guard bytes.count > 2 else { return nil }
        guard bytes[0] == UInt8(ascii: "#") else { throw bytes.unexpected(Array("#".utf8), at: 0) }
        guard let (place, end) = try bytes.number(at: 1) else { return nil }
        guard bytes[end] == UInt8(ascii: " ") else { throw bytes.unexpected(Array("a tag".utf8), at: 0) }
        guard try bytes.holds(done, at: end + 1) != nil else { return nil }
        return SendingAnswer(length: end + 1 + done.count, meaning: .done(place: place))
    }

    func farewell(_ output: inout ByteQueue) { output.append(parting) }
}

/// Receives on a channel: one `RECV` after the other, with or without a lease, or a counted one without end.
struct SluiceReceiving: ReceivingDialect {
    enum Manner { case one, leased, counted }

    private let greeting: SluiceGreeting
    private let manner: Manner
    private let bodyBytes: Int
    private let request: [UInt8]
    private let head: [UInt8]
    private var isGreeted = false
    private var did = 0..<0

    private static let acknowledge = Array("ACK ".utf8)
    private static let lineEnd = Array("\n".utf8)
    private static let acknowledged = Array("OK\n".utf8)
    private static let firstAttempt = Array(" attempt=1\n".utf8)

    init(_ channel: String, _ greeting: SluiceGreeting, bodyBytes: Int, _ manner: Manner) {
        self.greeting = greeting
        self.manner = manner
        self.bodyBytes = bodyBytes
        let tag = manner == .counted ? "#r " : ""
        let options = [.one: "", .leased: "lease=30s ", .counted: "count=* "][manner] ?? ""
        request = Array("\(tag)RECV \(options)\(channel)\n".utf8)
        head = Array("\(tag)MSG \(channel) \(bodyBytes)\(manner == .leased ? " did=" : "\n")".utf8)
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
        if manner == .leased, !bytes.isEmpty, bytes[0] == UInt8(ascii: "O") {
            guard try bytes.holds(Self.acknowledged, at: 0) != nil else { return nil }
            return ReceivingAnswer(length: Self.acknowledged.count, meaning: .nothing)
        }
        guard try bytes.holds(head, at: 0) != nil, let begin = try endOfHead(bytes) else { return nil }
        let end = begin + bodyBytes
        guard bytes.count > end, try bytes.holds(Self.lineEnd, at: end) != nil else { return nil }
        return ReceivingAnswer(length: end + 1, meaning: .message(begin..<end))
    }

    private mutating func endOfHead(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        guard manner == .leased else { return head.count }
        var end = head.count
        while end < bytes.count, bytes[end] > UInt8(ascii: " ") { end += 1 }
        guard end < bytes.count, try bytes.holds(Self.firstAttempt, at: end) != nil else { return nil }
        did = head.count..<end
        return end + Self.firstAttempt.count
    }

    func proceed(after answer: UnsafeRawBufferPointer, _ output: inout ByteQueue) {
        switch manner {
        case .counted: break
        case .one: output.append(request)
        case .leased:
            output.append(Self.acknowledge)
            output.append(UnsafeRawBufferPointer(rebasing: answer[did]))
            output.append(Self.lineEnd)
            output.append(request)
        }
    }
}

/// Pings, with no text.
struct SluicePinging: SendingDialect {
    private var words: PingWords
    private let greeting: SluiceGreeting

    init(_ greeting: SluiceGreeting, depth: Int) {
        self.greeting = greeting
        words = PingWords(request: "PING\n", answer: "OK\n", depth: depth)
    }

    func greet(_ output: inout ByteQueue) { greeting.write(&output) }

    func send(_ number: Int, at place: Int, _ output: inout ByteQueue) { output.append(words.request) }

    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> SendingAnswer? {
        if words.isGreeted { return try words.answer(bytes) }
        guard let length = try greeting.length(in: bytes) else { return nil }
        words.isGreeted = true
        return SendingAnswer(length: length, meaning: .ready)
    }
}

/// A question that is always the same, and answered in order.
struct PingWords {
    let request: [UInt8]
    let answer: [UInt8]
    let depth: Int
    var isGreeted = false
    private var place = -1

    init(request: String, answer: String, depth: Int) {
        self.request = Array(request.utf8)
        self.answer = Array(answer.utf8)
        self.depth = depth
    }

    @inline(__always)
    mutating func answer(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> SendingAnswer? {
        guard try bytes.holds(answer, at: 0) != nil else { return nil }
        place = place + 1 == depth ? 0 : place + 1
        return SendingAnswer(length: answer.count, meaning: .done(place: place))
    }
}
