import SluiceRuntime
import SluiceWire

/// Turns what is read from a connection into replies. One for each connection.
struct ReplyReader {
    /// A server may be set up to take longer messages than the default: the client takes what it sends.
    private var parser = ReplyParser(limits: Limits(maxLineBytes: 1 << 20, maxBodyBytes: .max))
    /// The beginning of a line that is not complete.
    private var rest: [UInt8] = []

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
        if let failure { throw SluiceError(.misuse, "the peer is no Sluice server: \(failure.message)") }
        return replies
    }

    /// Takes the complete replies off `bytes`, and keeps the rest; returns what is wrong with them.
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
