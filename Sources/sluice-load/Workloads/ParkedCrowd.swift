import SluiceWire

/// A crowd of parked receives, over many channels.
final class ParkedCrowd {
    private static let receivesEach = 1000
    private static let patienceNanoseconds = 60_000_000_000

    private let loop: EventLoop
    private let parkers: [Parker]

    /// Parks them, and returns when all are.
    init(_ plan: Plan, receives: Int, channels: Int) throws(LoadFailure) {
        let loop = try EventLoop()
        self.loop = loop
        parkers = stride(from: 0, to: receives, by: Self.receivesEach).map { first in
            Parker(
                on: loop, parking: first..<min(receives, first + Self.receivesEach), channels: channels,
                plan.credentials,
                prefix: plan.prefix)
        }
        let deadline = MonotonicClock.nowNanoseconds + Self.patienceNanoseconds
        for parker in parkers { try parker.open(plan.address) }
        try loop.run { [parkers] () throws(LoadFailure) in
            guard loop.now < deadline else {
                throw LoadFailure("the server does not park \(receives) receives in time")
            }
            return parkers.allSatisfy(\.isReady)
        }
    }

    /// What is measured beside it: streams, of which the commands are what costs, and not the system calls.
    static func castStreams(_ plan: inout Plan) {
        plan.workload = .stream
        (plan.senders, plan.receivers, plan.channels, plan.depth) = (10, 10, 10, 16)
    }

    func dismiss() { for parker in parkers { parker.close() } }
}

/// Has many receives parked, on channels on which nobody sends.
final class Parker: LoadConnection {
    private let greeting: SluiceGreeting
    private(set) var isReady = false

    init(
        on loop: EventLoop, parking numbers: Range<Int>, channels: Int, _ credentials: Credentials?, prefix: String
    ) {
        let requests = numbers.map { "#\($0 - numbers.lowerBound) RECV \(prefix)/crowd/\($0 % channels)\n" }
        // The ping is answered when all of these are parked, since none of them holds it up.
        greeting = SluiceGreeting(credentials, then: requests.joined())
        super.init(on: loop)
        greeting.write(&output)
    }

    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        guard !isReady else { throw LoadFailure(expected: "nothing", found: bytes) }
        guard let length = try greeting.length(in: bytes) else { return 0 }
        isReady = true
        return length
    }
}
