import SluiceRuntime
import SluiceWire

/// Parses the bytes of one connection into replies.
struct ReplyReader {
    private var parser: ReplyParser
    /// The beginning of a reply that is not complete.
    private var rest: [UInt8] = []

    /// - Parameter maxBodyBytes: the most bytes of a message. The default is the most that any server can be configured
    ///   for, 1 GiB.
    init(maxBodyBytes: Int = 1 << 30) {
        parser = ReplyParser(limits: Limits(maxLineBytes: 1 << 20, maxBodyBytes: maxBodyBytes))
    }

    /// - Throws: `.misuse` when the peer does not speak the protocol.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(SluiceError) -> [(tag: Tag?, reply: Reply)] {
        var replies: [(tag: Tag?, reply: Reply)] = []
        var failure: WireError?
        if rest.isEmpty {
            failure = parse(bytes, into: &replies)
        } else {
            var whole: [UInt8] = []
            swap(&whole, &rest)
            whole.append(contentsOf: bytes)
            failure = whole.withUnsafeBytes { parse($0, into: &replies) }
        }
        if let failure { throw SluiceError(.misuse, "the peer is not a Sluice server: \(failure.message)") }
        return replies
    }

    /// Parses the complete replies in `bytes`, and keeps the rest. Returns why the bytes are not replies.
    private mutating func parse(
        _ bytes: UnsafeRawBufferPointer, into replies: inout [(tag: Tag?, reply: Reply)]
    ) -> WireError? {
        var offset = 0
        while true {
            switch parser.next(bytes, offset: &offset) {
            case .reply(let tag, let reply): replies.append((tag, reply))
            case .failed(let error): return error
            case .needsMore:
                if offset < bytes.count { rest = [UInt8](bytes[offset...]) }
                return nil
            }
        }
    }
}
