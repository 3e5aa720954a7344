/// Cuts a stream of bytes into messages. Keeps at most one message and the block that was appended last.
struct MessageSplitter: Sendable {
    enum Framing: Sendable, Hashable {
        /// A message ends with a line feed, which is not part of it. The last one may lack it.
        case lines
        /// A message ends with a zero byte.
        case null
        /// The whole stream is one message.
        case whole

        fileprivate var terminator: UInt8? {
            switch self {
            case .lines: 0x0A
            case .null: 0
            case .whole: nil
            }
        }
    }

    private let framing: Framing
    private let maxBytes: Int
    private var buffer: [UInt8] = []
    /// The index at which the next message begins.
    private var start = 0
    /// The index up to which there is no terminator.
    private var searched = 0
    private var isAtEnd = false
    private var count = 0

    /// - Parameter maxBytes: the longest message that is allowed.
    init(_ framing: Framing, maxBytes: Int) {
        self.framing = framing
        self.maxBytes = maxBytes
    }

    mutating func append(_ bytes: [UInt8]) {
        buffer.removeFirst(start)
        searched -= start
        start = 0
        buffer += bytes
    }

    /// Ends the stream.
    mutating func end() {
        isAtEnd = true
    }

    /// Returns the next message; nil when it is not complete yet, or none is left.
    ///
    /// - Throws: when it is too long.
    mutating func next() throws(Failure) -> [UInt8]? {
        if let end = terminator() {
            let message = try message(upTo: end)
            start = end + 1
            searched = start
            return message
        }
        searched = buffer.count
        guard isAtEnd else {
            try check(buffer.count - start)
            return nil
        }
        guard start < buffer.count || (framing == .whole && count == 0) else { return nil }
        defer { start = buffer.count }
        return try message(upTo: buffer.count)
    }

    private func terminator() -> Int? {
        guard let byte = framing.terminator else { return nil }
        return buffer.withUnsafeBufferPointer { bytes in
            bytes[searched...].firstIndex(of: byte)
        }
    }

    private mutating func message(upTo end: Int) throws(Failure) -> [UInt8] {
        try check(end - start)
        count += 1
        return Array(buffer[start..<end])
    }

    private func check(_ bytes: Int) throws(Failure) {
        guard bytes > maxBytes else { return }
        throw Failure("message \(count + 1) of the input is longer than \(maxBytes) bytes, the limit of the hub")
    }
}
