import DequeModule
import SluiceRuntime
import SluiceWire

/// The replies of a connection that the kernel has not accepted yet. Owns memory only while it holds some. Used only on
/// the thread of the connection's reactor.
struct OutputBuffer: ~Copyable {
    private var replies = EncodedReplies()
    /// The number of bytes that the kernel has accepted of `replies.bytes`, and then of the first inserted body.
    private var sent = 0
    private var sentOfBody = 0
    private let share: ReactorShare

    init(of share: ReactorShare) {
        self.share = share
    }

    /// The number of bytes to write.
    var count: Int { replies.count - sent - sentOfBody }
    var isEmpty: Bool { replies.isEmpty }

    /// The memory of the encoded replies: first without the bodies that they refer to, then with those bodies.
    var encodedBytes: Int {
        replies.bytes.count + replies.insertions.count * MemoryLayout<EncodedReplies.Insertion>.stride
    }
    var memoryBytes: Int { encodedBytes + replies.distinctBytes }

    @inline(__always)
    private mutating func ensureBuffer() {
        if replies.isEmpty { replies.bytes = share.takeBuffer() }
    }

    mutating func append(_ reply: Reply, tag: Tag?) {
        ensureBuffer()
        replies.append(reply, tag: tag)
    }

    /// Appends `OK`.
    mutating func append(ok attributes: CommonAttributes, tag: Tag?) {
        ensureBuffer()
        replies.append(ok: attributes, tag: tag)
    }

    mutating func append(_ message: MessageBytes, from channel: ChannelName, _ attributes: CommonAttributes, tag: Tag?)
    {
        ensureBuffer()
        replies.append(message, from: channel, attributes, tag: tag)
    }

    mutating func append(_ message: MessageBytes, from channel: ChannelName, with attributes: Attributes, tag: Tag?) {
        ensureBuffer()
        replies.append(message, from: channel, with: attributes, tag: tag)
    }

    mutating func append(data: MessageBytes, _ attributes: CommonAttributes, tag: Tag?) {
        ensureBuffer()
        replies.append(data: data, attributes, tag: tag)
    }

    /// Appends `OK` without attributes.
    mutating func appendOK(tag: RequestParser.RepeatedTag) {
        ensureBuffer()
        replies.bytes.appendOK(tag: tag)
    }

    mutating func append(_ message: MessageBytes, behind head: MessageHead, _ attributes: CommonAttributes) {
        ensureBuffer()
        replies.append(message, behind: head, attributes)
    }

    /// Moves replies that were encoded elsewhere to the end, and empties `other`.
    mutating func take(_ other: inout EncodedReplies) {
        if replies.isEmpty {
            swap(&replies, &other)
        } else {
            replies.append(other)
            other = EncodedReplies()
        }
    }

    // MARK: Writing

    /// Writes from the beginning, as much as one call accepts.
    func write(to socket: borrowing PolledSocket) -> WriteAttempt {
        if replies.insertions.isEmpty {
            return socket.tryWrite(UnsafeRawBufferPointer(rebasing: replies.bytes.unsafeBytes[sent...]))
        }
        if socket.hasTLS
            || replies.insertions.count > 1 && replies.insertions[0].body.count < EncodedReplies.leastInsertedBytes
        {
            // Many small pieces are copied together, which costs less than a call for each. TLS copies all bytes anyway.
            return withUnsafeTemporaryAllocation(byteCount: Self.mostGathered, alignment: 16) { space in
                socket.tryWrite(UnsafeRawBufferPointer(rebasing: space[..<gather(into: space)]))
            }
        }
        return withUnsent { socket.tryWrite($0, $1, $2) }
    }

    private static let mostGathered = 64 << 10

    /// Copies the beginning of the output to `space`.
    ///
    /// - Returns: the number of bytes copied.
    func gather(into space: UnsafeMutableRawBufferPointer) -> Int {
        var (count, offset, bodyOffset) = (0, sent, sentOfBody)
        func copy(_ piece: UnsafeRawBufferPointer) {
            let part = UnsafeRawBufferPointer(rebasing: piece.prefix(space.count - count))
            UnsafeMutableRawBufferPointer(rebasing: space[count...]).copyMemory(from: part)
            count += part.count
        }
        let bytes = replies.bytes.unsafeBytes
        for insertion in replies.insertions where count < space.count {
            copy(UnsafeRawBufferPointer(rebasing: bytes[offset..<insertion.offset]))
            insertion.body.withUnsafeBytes { copy(UnsafeRawBufferPointer(rebasing: $0[bodyOffset...])) }
            (offset, bodyOffset) = (insertion.offset, 0)
        }
        if count < space.count { copy(UnsafeRawBufferPointer(rebasing: bytes[offset...])) }
        return count
    }

    /// Passes the beginning of the output to `use` in three pieces: the bytes before the first inserted body, that
    /// body, and the bytes between it and the next one.
    func withUnsent<Result>(
        _ use: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let offset = replies.insertions.first?.offset ?? replies.bytes.count
        let bytes = replies.bytes.unsafeBytes
        return (replies.insertions.first?.body ?? []).withUnsafeBytes { body in
            use(
                UnsafeRawBufferPointer(rebasing: bytes[sent..<offset]),
                UnsafeRawBufferPointer(rebasing: body[sentOfBody...]),
                UnsafeRawBufferPointer(rebasing: bytes[offset..<endOfPiece]))
        }
    }

    /// The end of the bytes between the first inserted body and the next one.
    private var endOfPiece: Int {
        replies.insertions.count > 1 ? replies.insertions[1].offset : replies.bytes.count
    }

    /// Removes the first `count` bytes, which the kernel has accepted.
    mutating func drop(_ count: Int) {
        var count = count
        while let first = replies.insertions.first {
            guard count >= first.offset - sent else { break }
            count -= first.offset - sent
            sent = first.offset
            let taken = min(count, first.body.count - sentOfBody)
            count -= taken
            sentOfBody += taken
            guard sentOfBody == first.body.count else { return }
            sentOfBody = 0
            replies.removeFirstInsertion()
        }
        sent += count
        if sent == replies.bytes.count {
            freeIfUnused()
        } else if sent > replies.bytes.count / 2, replies.insertions.isEmpty {
            moveUp()
        }
    }

    @inline(__always)
    private mutating func freeIfUnused() {
        share.recycle(&replies.bytes)
        sent = 0
    }

    /// Frees the space of sent bytes. Moving the rest costs no more than sending did since the last move.
    private mutating func moveUp() {
        replies.bytes.removeFirst(sent)
        sent = 0
    }
}
