/// A hash over everything that was sent and received, with the times. It is the same on every machine and in every process.
struct TraceHash: Sendable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The kinds of events, which are part of the hash so that different events cannot give the same bytes.
    enum Kind: UInt64 {
        case connected = 1
        case sent, received, inputEnded, outputEnded, brokenOff
    }

    mutating func add(_ kind: Kind, _ connection: Int, at time: UInt64, _ bytes: some Collection<UInt8> = []) {
        mix(kind.rawValue)
        mix(UInt64(connection))
        mix(time)
        mix(UInt64(bytes.count))
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }

    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 0x9E37_79B9_7F4A_7C15
        value ^= value >> 29
    }
}
