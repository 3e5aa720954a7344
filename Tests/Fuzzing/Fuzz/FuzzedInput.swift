/// The bytes that libFuzzer has generated for one run.
struct FuzzedInput {
    let bytes: UnsafeRawBufferPointer

    init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    /// The same bytes in pieces, whose sizes depend on the bytes, so that a mutation moves the cuts.
    var pieces: [UnsafeRawBufferPointer] {
        var pieces: [UnsafeRawBufferPointer] = []
        var state: UInt32 = 2_166_136_261
        for byte in bytes.suffix(8) { state = (state ^ UInt32(byte)) &* 16_777_619 }
        var offset = 0
        while offset < bytes.count {
            state = state &* 1_664_525 &+ 1_013_904_223
            // Mostly small pieces, which end in the middle of a token, and some large ones.
            let size = state >> 28 == 0 ? 1 + Int(state >> 8) % 512 : 1 + Int(state >> 16) % 7
            let end = min(bytes.count, offset + size)
            pieces.append(UnsafeRawBufferPointer(rebasing: bytes[offset..<end]))
            offset = end
        }
        return pieces
    }
}

/// Ends the process unless the condition holds. libFuzzer reports that as a finding.
func require(_ condition: Bool, _ claim: @autoclosure () -> String) {
    guard !condition else { return }
    fatalError("check failed: \(claim())")
}
