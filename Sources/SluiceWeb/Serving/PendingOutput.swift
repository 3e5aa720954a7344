import SluiceRuntime

/// The output of a connection that the kernel has not taken.
struct PendingOutput {
    /// The memory that is kept for the next output.
    private static let keptCapacity = 4 << 10

    private var bytes: [UInt8] = []
    /// How many of the bytes the kernel has taken.
    private var written = 0

    var isEmpty: Bool { written == bytes.count }
    var count: Int { bytes.count - written }
    /// The bytes that are held.
    var heldBytes: Int { bytes.count }

    mutating func append(_ more: some Collection<UInt8>) { bytes += more }

    /// What a write has done.
    enum Step {
        /// The kernel has taken everything.
        case all
        /// The kernel takes no more now.
        case some(hasProgress: Bool)
        case failed
    }

    /// Writes as much as the kernel takes.
    mutating func write(to socket: borrowing PolledSocket) -> Step {
        var hasProgress = false
        while written < bytes.count {
            let attempt = bytes.withUnsafeBytes { socket.tryWrite(UnsafeRawBufferPointer(rebasing: $0[written...])) }
            switch attempt {
            case .bytes(let count):
                written += count
                hasProgress = true
            case .wouldBlock:
                // A stream may never be empty, so what was written is dropped before.
                if written > bytes.count / 2 {
                    bytes.removeFirst(written)
                    written = 0
                }
                return .some(hasProgress: hasProgress)
            case .failed: return .failed
            }
        }
        bytes.removeAll(keepingCapacity: bytes.count <= Self.keptCapacity)
        written = 0
        return .all
    }
}
