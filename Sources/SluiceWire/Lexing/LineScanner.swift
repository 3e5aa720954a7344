/// Finds the ends of lines in input that arrives in pieces. No byte is scanned twice.
struct LineScanner: Sendable {
    enum Found {
        /// A line without its end. It is consumed.
        case line(ByteView)
        /// The beginning of an overlong line, up to the maximum length. It is consumed, and the caller has to skip the
        /// rest of the line.
        case overlong(ByteView)
        /// The line has not ended yet. No byte is consumed: the caller keeps the bytes and appends further input.
        case partial
    }

    private let maxLineBytes: Int

    /// The number of bytes of the unfinished line, which have been scanned. The caller keeps them in front of further
    /// input.
    private(set) var scannedBytes = 0

    init(maxLineBytes: Int) {
        precondition(maxLineBytes > 0 && maxLineBytes <= 1 << 30, "maxLineBytes must be from 1 byte to 1 GiB")
        self.maxLineBytes = maxLineBytes
    }

    mutating func next(in input: ByteView, offset: inout Int) -> Found {
        let rest = input.dropping(offset)
        // The longest line may be followed by a carriage return and a line feed.
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

    /// Consumes input up to the end of the line.
    ///
    /// - Returns: whether the end of the line was found.
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
