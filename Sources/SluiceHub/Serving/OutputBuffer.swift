import SluiceRuntime
import SluiceWire

/// The replies of a connection that the kernel has not taken yet. Owns memory only while there are some.
///
/// A large body is not copied into it: it goes to the kernel from where it is, which it may share with others.
struct OutputBuffer: ~Copyable {
    /// A body that is to be written after the first `offset` of `bytes`.
    private struct Insertion {
        let offset: Int
        let body: Body
    }

    /// To copy fewer bytes costs less than the handling of another piece.
    static let leastInsertedBytes = 16 << 10

    private var bytes: [UInt8] = []
    private var insertions: [Insertion] = []
    /// How many of `bytes`, and of the first body inserted after these, the kernel has taken.
    private var sent = 0
    private var sentOfBody = 0
    /// The bytes of all insertions.
    private var insertedBytes = 0
    private let share: ReactorShare

    init(of share: ReactorShare) {
        self.share = share
    }

    /// How many bytes wait.
    var count: Int { bytes.count - sent + insertedBytes - sentOfBody }
    var isEmpty: Bool { bytes.isEmpty }

    mutating func append(_ reply: Reply, tag: Tag?) {
        if bytes.isEmpty { bytes = share.takeBuffer() }
        guard let body = reply.messageBody(ofAtLeast: Self.leastInsertedBytes) else {
            return reply.append(to: &bytes, tag: tag)
        }
        reply.appendHead(to: &bytes, tag: tag)
        insertions.append(Insertion(offset: bytes.count, body: body))
        insertedBytes += body.count
        Reply.endMessage(in: &bytes)
    }

    mutating func append(_ message: UnsafeRawBufferPointer, from channel: ChannelName, tag: Tag?) {
        if bytes.isEmpty { bytes = share.takeBuffer() }
        bytes.append(message: message, from: channel, tag: tag)
    }

    mutating func append(_ message: UnsafeRawBufferPointer, behind head: [UInt8]) {
        if bytes.isEmpty { bytes = share.takeBuffer() }
        bytes.append(message: message, behind: head)
    }

    mutating func appendOK(times count: Int) {
        if bytes.isEmpty { bytes = share.takeBuffer() }
        bytes.appendOK(times: count)
    }

    mutating func appendOK(to send: PlainSend) {
        if bytes.isEmpty { bytes = share.takeBuffer() }
        bytes.appendOK(to: send)
    }

    // MARK: Writing

    /// Writes what waits, from its beginning, as far as one call does.
    func write(to socket: borrowing PolledSocket) -> WriteAttempt {
        if insertions.isEmpty {
            return bytes.withUnsafeBytes { socket.tryWrite(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
        }
        return withUnsent { socket.tryWrite($0, $1, $2) }
    }

    /// The first of what waits, in three pieces: what comes before the first body that was not copied, that, and what
    /// follows it up to the next one.
    func withUnsent<Result>(
        _ use: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let offset = insertions.first?.offset ?? bytes.count
        return bytes.withUnsafeBytes { bytes in
            (insertions.first?.body ?? []).withUnsafeBytes { body in
                use(
                    UnsafeRawBufferPointer(rebasing: bytes[sent..<offset]),
                    UnsafeRawBufferPointer(rebasing: body[sentOfBody...]),
                    UnsafeRawBufferPointer(rebasing: bytes[offset..<endOfPiece]))
            }
        }
    }

    /// The end of what follows the first insertion up to the next one.
    private var endOfPiece: Int { insertions.count > 1 ? insertions[1].offset : bytes.count }

    /// Lets go of the first `count` bytes that wait.
    mutating func drop(_ count: Int) {
        var count = count
        while let first = insertions.first {
            guard count >= first.offset - sent else { break }
            count -= first.offset - sent
            sent = first.offset
            let taken = min(count, first.body.count - sentOfBody)
            count -= taken
            sentOfBody += taken
            guard sentOfBody == first.body.count else { return }
            insertedBytes -= sentOfBody
            sentOfBody = 0
            insertions.removeFirst()
        }
        sent += count
        if sent == bytes.count { giveBack() } else if sent > bytes.count / 2, insertions.isEmpty { moveUp() }
    }

    private mutating func giveBack() {
        var empty: [UInt8] = []
        swap(&empty, &bytes)
        share.giveBack(empty)
        sent = 0
    }

    /// Frees what was sent. Moving what is left costs no more than has been sent since it was moved last.
    private mutating func moveUp() {
        bytes.removeFirst(sent)
        sent = 0
    }
}
