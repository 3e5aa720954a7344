/// A connection that enters a barrier again and again.
final class BarrierParty: LoadConnection, LoadSource {
    private let thread: LoadThread
    private let greeting: SluiceGreeting
    private let request: [UInt8]
    private static let passed = Array("OK\n".utf8)

    private var isGreeted = false
    private var begun = 0
    private var round = 0

    init(_ thread: LoadThread, barrier: String, parties: Int, _ greeting: SluiceGreeting) {
        self.thread = thread
        self.greeting = greeting
        request = Array("BARRIER parties=\(parties) \(barrier)\n".utf8)
        super.init(on: thread.loop)
        greeting.write(to: &output)
    }

    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        guard isGreeted else {
            guard let length = try greeting.answerLength(in: bytes) else { return 0 }
            isGreeted = true
            thread.countReady()
            return length
        }
        guard try bytes.holds(Self.passed, at: 0) != nil else { return 0 }
        guard begun != 0, bytes.count == Self.passed.count else {
            throw LoadFailure("a barrier opened for a connection that had not entered it")
        }
        thread.finishOperation(begun: begun)
        begun = 0
        round += 1
        try thread.countMeeting(round)
        fill()
        return Self.passed.count
    }

    /// Enters the barrier, also after operations have stopped beginning if other parties are waiting there.
    func fill() {
        guard begun == 0, thread.mayMeet(inRound: round) else { return }
        begun = loop.now
        output.append(request)
        queueOutput()
    }

    func begin(intended: Int) { fill() }
}
