import Glibc

/// The bodies of a run's messages. Each begins with its sender and its number, followed by bytes derived from these and
/// the seed, so that a receiver notices a message that is lost, duplicated, out of order or changed.
///
/// Bodies are printable and have no spaces, so that they fit into a line of text and into an argument of any server.
final class MessagePattern: Sendable {
    /// The length of a body's head: three digits for the sender and five for the number, both in base 64.
    static let headBytes = senderDigits + numberDigits
    static let mostSenders = 1 << (6 * senderDigits)
    private static let senderDigits = 3
    private static let numberDigits = 5
    /// How many different fillers follow the head.
    private static let variants = 1024

    let bodyBytes: Int
    private let filler: [UInt8]

    init(bodyBytes: Int, seed: UInt64) {
        self.bodyBytes = bodyBytes
        var generator = SplitMix(seed: seed)
        filler = (0..<bodyBytes + Self.variants).map { _ in Self.digit(Int(generator.next() >> 58)) }
    }

    /// Appends the body of the sender's message with this number.
    func write(sender: Int, number: Int, to output: inout ByteQueue) {
        guard let target = output.room(bodyBytes).baseAddress else { return }
        let body = target.assumingMemoryBound(to: UInt8.self)
        for place in 0..<Self.senderDigits { body[place] = Self.digit(sender >> (6 * place)) }
        for place in 0..<Self.numberDigits {
            body[Self.senderDigits + place] = Self.digit(number >> (6 * place))
        }
        filler.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            memcpy(body + Self.headBytes, source + variant(sender, number), bodyBytes - Self.headBytes)
        }
        output.advance(bodyBytes)
    }

    /// Returns a body's sender and number; nil unless every byte is that of a message of this run.
    func read(_ bytes: UnsafeRawBufferPointer) -> (sender: Int, number: Int)? {
        guard bytes.count == bodyBytes, let body = bytes.baseAddress else { return nil }
        let digits = body.assumingMemoryBound(to: UInt8.self)
        var sender = 0
        var number = 0
        for place in 0..<Self.senderDigits { sender |= Int(digits[place] &- 0x30) << (6 * place) }
        for place in 0..<Self.numberDigits { number |= Int(digits[Self.senderDigits + place] &- 0x30) << (6 * place) }
        // A byte that is not a digit makes one of these too large.
        guard sender < Self.mostSenders, number < 1 << (6 * Self.numberDigits) else { return nil }
        let isExact = filler.withUnsafeBytes { filler -> Bool in
            guard let expected = filler.baseAddress else { return false }
            return memcmp(body + Self.headBytes, expected + variant(sender, number), bodyBytes - Self.headBytes) == 0
        }
        return isExact ? (sender, number) : nil
    }

    /// Returns the three digits that begin the sender's bodies, which also serve as its name.
    static func name(ofSender sender: Int) -> String {
        String(decoding: (0..<senderDigits).map { digit(sender >> (6 * $0)) }, as: UTF8.self)
    }

    @inline(__always)
    private static func digit(_ value: Int) -> UInt8 { 0x30 &+ UInt8(truncatingIfNeeded: value & 63) }

    @inline(__always)
    private func variant(_ sender: Int, _ number: Int) -> Int { (number &* 7 &+ sender) & (Self.variants - 1) }
}

/// Sebastiano Vigna's SplitMix64, which gives the same sequence for the same seed on every machine.
struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
