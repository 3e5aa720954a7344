/// A connection that starts work, does not finish it and disconnects, often with a reset, so that the server has to
/// clean up.
///
/// It uses channels of its own, so that only its own messages are lost.
final class Vandal: LoadConnection, LoadSource {
    private let thread: LoadThread
    private let greeting: SluiceGreeting
    private var random: SplitMix
    private let channel: String
    private(set) var visits = 0

    init(_ thread: LoadThread, identity: Int, _ greeting: SluiceGreeting) {
        self.thread = thread
        self.greeting = greeting
        random = SplitMix(seed: thread.plan.seed &* 1009 &+ UInt64(identity))
        channel = "\(thread.plan.prefix)/vandal/\(identity)"
        super.init(on: thread.loop)
    }

    override func enter(_ address: ServerAddress) throws(LoadFailure) { thread.countReady() }

    func fill() {
        guard !isOpen, thread.phase == .running else { return }
        for tag in 0..<Int.random(in: 1...20, using: &random) {
            output.append(Array("#\(tag) \(randomRequest)".utf8))
        }
        greeting.write(to: &output)
        do throws(LoadFailure) { try open(thread.plan.address) } catch { loop.fail(error) }
    }

    /// A request that leaves something behind for the server to clean up.
    private var randomRequest: String {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: "RECV \(channel)/a\n"
        case 1: "RECV lease=10s \(channel)/b\n"
        case 2: "SEND \(channel)/c never received\n"
        case 3: "SEND id=x\(visits) \(channel)/b taken and not acknowledged\n"
        case 4: "SELECT recv \(channel)/a | send \(channel)/d x | barrier parties=9 \(channel)\n"
        default: "BARRIER parties=9 \(channel)\n"
        }
    }

    /// Disconnects as soon as anything arrives.
    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        visits += 1
        thread.countDisconnect()
        if Bool.random(using: &random) { abort() } else { close() }
        thread.stall(self)
        return 0
    }

    override func connectionEnded(_ reason: String) throws(LoadFailure) { thread.stall(self) }

    func begin(intended: Int) {}
}
