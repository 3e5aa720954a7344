import SluiceRuntime

/// The output of a connection that the kernel has not taken.
struct PendingOutput {
    /// The most bytes of memory that are kept for the next output.
    private static let keptCapacity = 4 << 10

    private var bytes: [UInt8] = []
    /// How many of the bytes the kernel has taken.
    private var written = 0
    /// The number of bytes that the kernel has taken so far.
    private(set) var totalBytes = 0

    var isEmpty: Bool { written == bytes.count }
    var count: Int { bytes.count - written }
    /// The memory that is held, in bytes, except what is kept for the next output.
    var heldBytes: Int { isEmpty ? 0 : bytes.capacity }

    mutating func append(_ more: some Collection<UInt8>) {
        // Otherwise, the array would grow for bytes that the kernel has taken.
        if written > 0, bytes.count + more.count > bytes.capacity { removeWritten() }
        bytes += more
    }

    private mutating func removeWritten() {
        // A copy, because the array would keep the memory of the bytes that it had.
        bytes = Array(bytes[written...])
        written = 0
    }

    /// The result of a write.
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
                totalBytes += count
                hasProgress = true
            case .wouldBlock:
                // The output of a stream may never be empty, so written bytes are removed before that.
                if written > bytes.count / 2 { removeWritten() }
                return .some(hasProgress: hasProgress)
            case .failed: return .failed
            }
        }
        bytes.removeAll(keepingCapacity: bytes.count <= Self.keptCapacity)
        written = 0
        return .all
    }
}
