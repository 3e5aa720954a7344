/// Connects, leaves work undone, and goes, often without a word: what a server has to clean up after.
///
/// It uses channels of its own, so nobody's messages are lost but its own.
final class Vandal: LoadConnection, Sending {
    private let crew: Crew
    private let greeting: SluiceGreeting
    private var random: SplitMix
    private let channel: String
    private(set) var visits = 0

    init(_ crew: Crew, identity: Int, _ greeting: SluiceGreeting) {
        self.crew = crew
        self.greeting = greeting
        random = SplitMix(seed: crew.plan.seed &* 1009 &+ UInt64(identity))
        channel = "\(crew.plan.prefix)/vandal/\(identity)"
        super.init(on: crew.loop)
    }

    override func enter(_ address: ServerAddress) throws(LoadFailure) { crew.isReady() }

    func fill() {
        guard !isOpen, crew.phase == .running else { return }
        for tag in 0..<Int.random(in: 1...20, using: &random) { output.append(Array("#\(tag) \(mischief)".utf8)) }
        greeting.write(&output)
        do throws(LoadFailure) { try open(crew.plan.address) } catch { loop.fail(error) }
    }

    private var mischief: String {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: "RECV \(channel)/a\n"
        case 1: "RECV lease=10s \(channel)/b\n"
        case 2: "SEND \(channel)/c nobody takes it\n"
        case 3: "SEND id=x\(visits) \(channel)/b taken and not acknowledged\n"
        case 4: "SELECT recv \(channel)/a | send \(channel)/d x | barrier parties=9 \(channel)\n"
        default: "BARRIER parties=9 \(channel)\n"
        }
    }

    /// Whatever it is that has come, it goes.
    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        visits += 1
        crew.disconnected()
        if Bool.random(using: &random) { abort() } else { close() }
        crew.stall(self)
        return 0
    }

    override func lost(_ reason: String) throws(LoadFailure) { crew.stall(self) }

    func begin(intended: Int) {}
    func part() {}
    func report(_ account: inout Account) {}
}
