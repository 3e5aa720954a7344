/// Tracks one body of a known length through the input: exactly that many bytes, followed by a line end.
struct BodyFrame: Sendable {
    enum Progress {
        /// These bytes of the input belong to the body. They are consumed.
        case bytes(Range<Int>)
        /// The line end after the body is consumed.
        case ended
        /// All input is consumed, and the body or its line end is incomplete.
        case needsMore
        /// Something other than a line end follows the body, so the announced length was wrong.
        case unterminated
    }

    private(set) var remainingBytes: Int
    private var sawCarriageReturn = false

    init(length: Int) {
        remainingBytes = length
    }

    mutating func advance(over input: ByteView, offset: inout Int) -> Progress {
        guard offset < input.count else { return .needsMore }
        if remainingBytes > 0 {
            let range = offset..<offset + min(remainingBytes, input.count - offset)
            remainingBytes -= range.count
            offset = range.upperBound
            return .bytes(range)
        }
        if input[offset] == .carriageReturn, !sawCarriageReturn {
            sawCarriageReturn = true
            offset += 1
            guard offset < input.count else { return .needsMore }
        }
        guard input[offset] == .lineFeed else { return .unterminated }
        offset += 1
        return .ended
    }
}
