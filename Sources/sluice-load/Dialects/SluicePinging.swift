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
