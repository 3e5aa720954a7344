/// Connects, asks one thing, says good-bye, waits for the end, and connects again.
final class Visitor: LoadConnection, Sending {
    private let crew: Crew
    private let words: [UInt8]
    private let answers: [UInt8]
    private var isAnswered = false
    private var begun = 0

    /// The server closes first, so that it, and not this side, keeps the port for a while.
    init(_ crew: Crew, words: [UInt8], answers: [UInt8]) {
        self.crew = crew
        self.words = words
        self.answers = answers
        super.init(on: crew.loop)
    }

    override func enter(_ address: ServerAddress) throws(LoadFailure) { crew.isReady() }

    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        guard !isAnswered, try bytes.holds(answers, at: 0) != nil else {
            if isAnswered { throw LoadFailure(expected: "the end of the connection", found: bytes) }
            return 0
        }
        isAnswered = true
        return answers.count
    }

    override func lost(_ reason: String) throws(LoadFailure) {
        guard isAnswered else { return try super.lost(reason) }
        crew.done(begun: begun)
        fill()
    }

    func fill() {
        guard !isOpen, crew.mayBegin() else { return }
        begun = loop.now
        isAnswered = false
        output.append(words)
        do throws(LoadFailure) { try open(crew.plan.address) } catch { loop.fail(error) }
    }

    func begin(intended: Int) { fill() }
    func part() {}
    func report(_ account: inout Account) {}
}
