import SluiceRuntime

/// The body of a request while it arrives. Its length is announced, or it comes in chunks.
struct RequestBody {
    /// The most bytes of a line between chunks, and of the trailers.
    private static let mostLineBytes = 256
    private static let mostTrailerBytes = RequestHead.maxBytes

    private enum Phase {
        /// This many bytes of a body without chunks are missing.
        case rest(Int)
        /// The line with the length of a chunk comes next.
        case size
        /// This many bytes of a chunk are missing.
        case chunk(Int)
        /// The line end after a chunk comes next.
        case chunkEnd
        /// The trailers, which are the lines after the last chunk, come next. This many bytes of them have arrived.
        case trailers(Int)
        case complete
    }

    private var phase: Phase
    private let limit: Int
    private(set) var bytes: [UInt8] = []

    var heldBytes: Int { bytes.count }

    /// - Throws: ``Refusal`` if the head announces more than `limit` bytes.
    init(of head: RequestHead, atMost limit: Int) throws(Refusal) {
        self.limit = limit
        phase = head.isChunked ? .size : .rest(head.contentLength)
        try check(head.contentLength)
    }

    private func check(_ length: Int) throws(Refusal) {
        guard length <= limit else { throw Refusal(.bodyTooLarge, "a message has at most \(limit) bytes") }
    }

    /// Takes bytes from the beginning of `input`. Returns whether the body is complete.
    ///
    /// - Throws: ``Refusal`` for chunks that are malformed, or exceed the limit.
    mutating func read(_ input: inout [UInt8]) throws(Refusal) -> Bool {
        var rest = input[...]
        defer { input.removeFirst(input.count - rest.count) }
        while try step(&rest) {}
        if case .complete = phase { return true }
        return false
    }

    /// Returns whether another step may be possible.
    private mutating func step(_ rest: inout ArraySlice<UInt8>) throws(Refusal) -> Bool {
        switch phase {
        case .rest(let missing):
            let left = take(missing, &rest)
            phase = left == 0 ? .complete : .rest(left)
            return false
        case .chunk(let missing):
            let left = take(missing, &rest)
            phase = left == 0 ? .chunkEnd : .chunk(left)
            return left == 0
        case .size:
            guard let line = try Self.takeLine(&rest) else { return false }
            let size = try Self.size(line)
            try check(bytes.count + size)
            phase = size == 0 ? .trailers(0) : .chunk(size)
            return true
        case .chunkEnd:
            guard let line = try Self.takeLine(&rest) else { return false }
            guard line.isEmpty else { throw Self.malformed }
            phase = .size
            return true
        case .trailers(let before):
            guard let line = try Self.takeLine(&rest) else { return false }
            guard before + line.count <= Self.mostTrailerBytes else {
                throw Refusal(.headersTooLarge, "at most \(Self.mostTrailerBytes) bytes may follow the last chunk")
            }
            phase = line.isEmpty ? .complete : .trailers(before + line.count)
            return !line.isEmpty
        case .complete: return false
        }
    }

    /// Returns how many bytes are still missing.
    private mutating func take(_ missing: Int, _ rest: inout ArraySlice<UInt8>) -> Int {
        let taken = rest.prefix(missing)
        bytes += taken
        rest = rest.dropFirst(taken.count)
        return missing - taken.count
    }

    /// Takes a line, and returns it without its end. Refuses a line that a proxy and a server could read in different
    /// ways.
    private static func takeLine(_ rest: inout ArraySlice<UInt8>) throws(Refusal) -> ArraySlice<UInt8>? {
        guard let end = rest.prefix(mostLineBytes).firstIndex(of: 0x0A) else {
            if rest.count >= mostLineBytes { throw malformed }
            return nil
        }
        let line = rest[..<end]
        guard line.last == 0x0D, line.dropLast().allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw malformed }
        rest = rest[(end + 1)...]
        return line.dropLast()
    }

    /// Returns the number at the beginning of a line. Ignores an extension after it.
    private static func size(_ line: ArraySlice<UInt8>) throws(Refusal) -> Int {
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        guard (1...8).contains(digits.count) else { throw malformed }
        var size = 0
        for digit in digits {
            guard let value = digit.hexDigit else { throw malformed }
            size = size << 4 | Int(value)
        }
        return size
    }

    private static let malformed = Refusal(.badRequest, "the chunks of the body are malformed")
}
