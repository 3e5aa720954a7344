import SluiceWire

/// Sends on a channel. With more than one message in flight, each has its place as a tag, since an untagged command
/// delays those after it.
struct SluiceSending: SendingDialect {
    private let greeting: SluiceGreeting
    private let pattern: MessagePattern
    private let sender: Int
    private let isTagged: Bool
    private let head: [UInt8]
    private let done: [UInt8]
    private let closing: [UInt8]
    private var isGreeted = false

    init(
        _ channel: String, _ greeting: SluiceGreeting, _ pattern: MessagePattern, sender: Int, depth: Int,
        verb: String = "SEND", options: String = "", done: String = "OK", farewell: String = ""
    ) {
        self.greeting = greeting
        self.pattern = pattern
        self.sender = sender
        isTagged = depth > 1
        // Inline text is the shorter form; a body with `len=` may be as long as the server permits.
        let isText = pattern.bodyBytes <= 4096
        head = Array(
            (isText
                ? "\(verb) \(options)\(channel) " : "\(verb) \(options)len=\(pattern.bodyBytes) \(channel)\n").utf8)
        self.done = Array("\(done)\n".utf8)
        closing = Array(farewell.utf8)
    }

    func greet(_ output: inout ByteQueue) { greeting.write(to: &output) }

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
            guard let length = try greeting.answerLength(in: bytes) else { return nil }
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

    func farewell(_ output: inout ByteQueue) { output.append(closing) }
}

/// The requests that every connection to Sluice begins with, and their answers.
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

    func write(to output: inout ByteQueue) { output.append(request) }

    /// Returns the length of the complete answer at the start of the bytes; nil while it is incomplete.
    func answerLength(in bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        try bytes.holds(answer, at: 0) == nil ? nil : answer.count
    }
}
