/// Reads lines and counted bytes from a stream, and keeps the bytes that it has read ahead.
///
/// ```swift
/// let reader = StreamReader(stream)
/// while let line = try await reader.readLine() { print(line) }
/// ```
///
/// One task uses a reader, and only the reader reads from its stream.
public final class StreamReader {
    /// The most bytes that are read from the stream at a time.
    private static let chunk = 16_384

    /// What is read from.
    public let stream: Stream
    /// What was read and not taken.
    private var buffer: [UInt8] = []
    /// The bytes at the beginning of `buffer` that were taken already.
    private var takenCount = 0
    private var isAtEnd = false

    /// Creates a reader that has read nothing.
    public init(_ stream: Stream) {
        self.stream = stream
    }

    private var unread: ArraySlice<UInt8> { buffer[takenCount...] }

    /// Reads a line, which ends with `\n` or `\r\n`, or at the end of the stream.
    ///
    /// - Parameters:
    ///   - limit: the most bytes of a line. So a peer cannot fill the memory with a line that never ends.
    ///   - timeout: the longest wait for each read of the stream; nil waits without a limit.
    /// - Returns: the line without its end, with U+FFFD for what is not UTF-8; nil at the end of the stream.
    /// - Throws: `.refused` when the line is longer than `limit`; what `Stream.read` throws.
    public func readLine(upTo limit: Int = 65_536, timeout: Duration? = nil) async throws(SluiceError) -> String? {
        guard let bytes = try await readBytes(through: UInt8(ascii: "\n"), upTo: limit, timeout: timeout) else {
            return nil
        }
        let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
        return String(decoding: line, as: UTF8.self)
    }

    /// Reads up to the next `end`.
    ///
    /// - Parameters:
    ///   - limit: the most bytes before `end`.
    ///   - timeout: the longest wait for each read of the stream; nil waits without a limit.
    /// - Returns: the bytes before `end`; without another `end`, the rest of the stream; nil if nothing is left.
    /// - Throws: `.refused` when there are more than `limit`; what `Stream.read` throws.
    public func readBytes(
        through end: UInt8, upTo limit: Int = 65_536, timeout: Duration? = nil
    ) async throws(SluiceError) -> ArraySlice<UInt8>? {
        // What was searched already is not searched again.
        var searchedCount = 0
        while true {
            let found = unread.dropFirst(searchedCount).firstIndex(of: end)
            searchedCount = unread.count
            guard (found ?? buffer.endIndex) - takenCount <= limit else {
                throw SluiceError(.refused, "a line from \(stream.peerAddress) has more than \(limit) bytes")
            }
            if let found {
                defer { takenCount = found + 1 }
                return buffer[takenCount..<found]
            }
            guard try await readMore(timeout: timeout) else { return takeAll() }
        }
    }

    /// Reads exactly `count` bytes.
    ///
    /// - Parameter timeout: the longest wait for each read of the stream; nil waits without a limit.
    /// - Throws: `.closed` when the stream ends before; what `Stream.read` throws. What was read is kept for later reads.
    public func readExactly(_ count: Int, timeout: Duration? = nil) async throws(SluiceError) -> ArraySlice<UInt8> {
        precondition(count >= 0, "the count must be at least 0, and is \(count)")
        while unread.count < count {
            guard try await readMore(timeout: timeout) else {
                throw SluiceError(
                    .closed, "\(stream.peerAddress) has ended its output after \(unread.count) of \(count) bytes")
            }
        }
        defer { takenCount += count }
        return unread.prefix(count)
    }

    /// Reads at most `limit` bytes, and waits only if none has arrived.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: the bytes; nil at the end of the stream.
    /// - Throws: what `Stream.read` throws.
    public func read(upTo limit: Int, timeout: Duration? = nil) async throws(SluiceError) -> ArraySlice<UInt8>? {
        precondition(limit >= 1, "the limit must be at least 1, and is \(limit)")
        if unread.isEmpty, try await !readMore(timeout: timeout) { return nil }
        return try await readExactly(min(limit, unread.count))
    }

    private func takeAll() -> ArraySlice<UInt8>? {
        guard !unread.isEmpty else { return nil }
        defer { takenCount = buffer.count }
        return unread
    }

    /// Reads from the stream.
    ///
    /// - Returns: false at its end.
    private func readMore(timeout: Duration?) async throws(SluiceError) -> Bool {
        guard !isAtEnd else { return false }
        let bytes = try await stream.read(upTo: Self.chunk, timeout: timeout)
        isAtEnd = bytes.isEmpty
        // Bytes that were taken are removed when they are most of the buffer, so that each byte moves a few times only.
        if takenCount > buffer.count / 2 {
            buffer.removeSubrange(..<takenCount)
            takenCount = 0
        }
        buffer += bytes
        return !isAtEnd
    }
}
