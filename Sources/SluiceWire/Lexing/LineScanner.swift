/// Finds the ends of lines in input that arrives in pieces, looking at no byte twice.
struct LineScanner: Sendable {
    enum Found {
        /// A line, without its end; consumed.
        case line(ByteView)
        /// The first bytes, as many as a line may have, of a line that has more; consumed. Its rest is to be skipped.
        case overlong(ByteView)
        /// The line has not ended yet. Nothing is consumed: the caller keeps these bytes and adds to them.
        case partial
    }

    private let maxLineBytes: Int

    /// Bytes of the unfinished line that hold no line feed. The caller keeps them in front of what arrives next.
    private(set) var scannedBytes = 0

    init(maxLineBytes: Int) {
        precondition(maxLineBytes > 0 && maxLineBytes <= 1 << 30, "a line has 1 byte to 1 GiB")
        self.maxLineBytes = maxLineBytes
    }

    mutating func next(in input: ByteView, offset: inout Int) -> Found {
        let rest = input.dropping(offset)
        // A carriage return and a line feed may follow the longest line.
        let window = rest.prefix(maxLineBytes + 2)
        guard let end = window.firstIndex(of: .lineFeed, from: min(scannedBytes, window.count)) else {
            let mayStillFit =
                window.count <= maxLineBytes
                || window.count == maxLineBytes + 1 && window.last == .carriageReturn
            guard mayStillFit else { return takeOverlong(rest, &offset) }
            scannedBytes = window.count
            return .partial
        }
        let line = window.prefix(end)
        let content = line.last == .carriageReturn ? line.prefix(end - 1) : line
        guard content.count <= maxLineBytes else { return takeOverlong(rest, &offset) }
        scannedBytes = 0
        offset += end + 1
        return .line(content)
    }

    /// Consumes up to the end of the line.
    ///
    /// - Returns: whether the line ended.
    mutating func skip(in input: ByteView, offset: inout Int) -> Bool {
        guard let end = input.firstIndex(of: .lineFeed, from: offset) else {
            offset = input.count
            return false
        }
        offset = end + 1
        return true
    }

    private mutating func takeOverlong(_ rest: ByteView, _ offset: inout Int) -> Found {
        scannedBytes = 0
        offset += maxLineBytes
        return .overlong(rest.prefix(maxLineBytes))
    }
}
