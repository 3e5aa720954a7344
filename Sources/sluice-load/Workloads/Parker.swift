import SluiceWire

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
