/// Comes to a barrier, again and again.
final class Meeter: LoadConnection, Sending {
    private let crew: Crew
    private let greeting: SluiceGreeting
    private let request: [UInt8]
    private static let met = Array("OK\n".utf8)

    private var isGreeted = false
    private var begun = 0
    private var round = 0

    init(_ crew: Crew, _ barrier: String, parties: Int, _ greeting: SluiceGreeting) {
        self.crew = crew
        self.greeting = greeting
        request = Array("BARRIER parties=\(parties) \(barrier)\n".utf8)
        super.init(on: crew.loop)
        greeting.write(&output)
    }

    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        guard isGreeted else {
            guard let length = try greeting.length(in: bytes) else { return 0 }
            isGreeted = true
            crew.isReady()
            return length
        }
        guard try bytes.holds(Self.met, at: 0) != nil else { return 0 }
        guard begun != 0, bytes.count == Self.met.count else { throw LoadFailure("a barrier has opened for nobody") }
        crew.done(begun: begun)
        begun = 0
        round += 1
        try crew.meet(round)
        fill()
        return Self.met.count
    }

    /// What others wait for it must join in, even when nothing else begins any more.
    func fill() {
        guard begun == 0, crew.mayMeet(round) else { return }
        begun = loop.now
        output.append(request)
        speak()
    }

    func begin(intended: Int) { fill() }
    func part() {}
    func report(_ account: inout Account) {}
}
