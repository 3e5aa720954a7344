/// A connection that connects, sends its requests, waits for the server to close, and connects again.
final class Reconnector: LoadConnection, LoadSource {
    private let thread: LoadThread
    private let requests: [UInt8]
    private let answers: [UInt8]
    private var isAnswered = false
    private var begun = 0

    /// - Parameter requests: what to send, ending in a request to close. The server closes first, so that the port stays
    ///   in `TIME_WAIT` on its side.
    init(_ thread: LoadThread, requests: [UInt8], answers: [UInt8]) {
        self.thread = thread
        self.requests = requests
        self.answers = answers
        super.init(on: thread.loop)
    }

    override func enter(_ address: ServerAddress) throws(LoadFailure) { thread.countReady() }

    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        guard !isAnswered, try bytes.holds(answers, at: 0) != nil else {
            if isAnswered { throw LoadFailure(expected: "the end of the connection", found: bytes) }
            return 0
        }
        isAnswered = true
        return answers.count
    }

    override func connectionEnded(_ reason: String) throws(LoadFailure) {
        guard isAnswered else { return try super.connectionEnded(reason) }
        thread.finishOperation(begun: begun)
        fill()
    }

    func fill() {
        guard !isOpen, thread.mayBegin() else { return }
        begun = loop.now
        isAnswered = false
        output.append(requests)
        do throws(LoadFailure) { try open(thread.plan.address) } catch { loop.fail(error) }
    }

    func begin(intended: Int) { fill() }
}
