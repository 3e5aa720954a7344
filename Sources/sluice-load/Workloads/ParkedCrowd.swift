import SluiceWire

/// Many parked receives over many channels.
final class ParkedCrowd {
    private static let receivesEach = 1000
    private static let patienceNanoseconds = 60_000_000_000

    private let loop: EventLoop
    private let receivers: [ParkedReceiver]

    /// Parks the receives, and returns when all are parked.
    init(_ plan: RunPlan, receives: Int, channels: Int) throws(LoadFailure) {
        let loop = try EventLoop()
        self.loop = loop
        receivers = stride(from: 0, to: receives, by: Self.receivesEach).map { first in
            ParkedReceiver(
                on: loop, parking: first..<min(receives, first + Self.receivesEach), channels: channels,
                plan.credentials,
                prefix: plan.prefix)
        }
        let deadline = MonotonicClock.nowNanoseconds + Self.patienceNanoseconds
        for receiver in receivers { try receiver.open(plan.address) }
        try loop.run { [receivers] () throws(LoadFailure) in
            guard loop.now < deadline else {
                throw LoadFailure(
                    "the server did not park \(receives) receives in \(Self.patienceNanoseconds / 1_000_000_000) s")
            }
            return receivers.allSatisfy(\.isReady)
        }
    }

    /// Sets up what is measured beside the crowd: streams, whose cost is that of commands and not of system calls.
    static func chooseStreams(_ plan: inout RunPlan) {
        plan.workload = .stream
        (plan.senders, plan.receivers, plan.channels, plan.depth) = (10, 10, 10, 16)
    }

    func disconnect() { for receiver in receivers { receiver.close() } }
}

/// A connection with many parked receives, on channels that no one sends on.
final class ParkedReceiver: LoadConnection {
    private let greeting: SluiceGreeting
    private(set) var isReady = false

    init(
        on loop: EventLoop, parking numbers: Range<Int>, channels: Int, _ credentials: Credentials?, prefix: String
    ) {
        let requests = numbers.map { "#\($0 - numbers.lowerBound) RECV \(prefix)/crowd/\($0 % channels)\n" }
        // The ping is answered when all receives are parked: tagged commands do not delay it.
        greeting = SluiceGreeting(credentials, then: requests.joined())
        super.init(on: loop)
        greeting.write(to: &output)
    }

    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        guard !isReady else { throw LoadFailure(expected: "nothing", found: bytes) }
        guard let length = try greeting.answerLength(in: bytes) else { return 0 }
        isReady = true
        return length
    }
}
