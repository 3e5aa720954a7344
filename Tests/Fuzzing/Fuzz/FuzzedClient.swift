import Glibc
import SluiceRuntime
import SluiceWire

/// A client that sends fuzzed bytes, and checks the replies.
final class FuzzedClient {
    private var descriptor: Descriptor?
    /// Bytes that the socket has not accepted yet.
    private var unsent: [UInt8] = []
    private var inputHasEnded = false
    var isReading = true
    /// The delivery id of the last message that the client received under a lease.
    private(set) var lastDelivery = "1.0"

    /// Parses what the client sends, as the server has to.
    private var requests = RequestParser(limits: RequestsTarget.limits)
    private var unparsedRequests: [UInt8] = []
    private var replies = ReplyParser(limits: Limits())
    private var unparsedReplies: [UInt8] = []
    /// The number of requests with each tag that await a final reply. Invalid lines count, too.
    private var pending: [Tag?: Int] = [:]
    /// The tags of commands that get several replies, of which only the last one is final.
    private var manyReplyTags: Set<Tag> = []

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = consume descriptor
    }
}

extension FuzzedClient {
    func send(_ bytes: [UInt8]) {
        guard descriptor != nil, !inputHasEnded else { return }
        unsent += bytes
        parseRequests(bytes)
        flush()
    }

    func endInput() {
        inputHasEnded = true
        flush()
    }

    /// Closes the connection, with unread replies.
    func breakOff() {
        descriptor = nil
    }

    private func flush() {
        guard let number = descriptor?.number else { return }
        while !unsent.isEmpty {
            let count = unsent.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else {
                if errno != EAGAIN { unsent = [] }
                break
            }
            unsent.removeFirst(count)
        }
        if inputHasEnded, unsent.isEmpty { shutdown(number, Int32(SHUT_WR)) }
    }

    private func parseRequests(_ bytes: [UInt8]) {
        unparsedRequests += bytes
        var offset = 0
        unparsedRequests.withUnsafeBytes { input in
            while true {
                switch requests.next(input, offset: &offset) {
                case .needsMore: return
                case .refused(let tag, _): pending[tag, default: 0] += 1
                case .request(let request):
                    pending[request.tag, default: 0] += 1
                    if let tag = request.tag, request.command.hasManyReplies { manyReplyTags.insert(tag) }
                }
            }
        }
        unparsedRequests.removeFirst(offset)
    }

    /// Reads and checks replies.
    func receive() {
        flush()
        guard isReading, let number = descriptor?.number else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(number, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            unparsedReplies += buffer[..<count]
        }
        var offset = 0
        unparsedReplies.withUnsafeBytes { input in
            while true {
                let step = replies.next(input, offset: &offset)
                if step == .needsMore { return }
                check(step)
            }
        }
        unparsedReplies.removeFirst(offset)
    }

    private func note(_ step: ReplyParser.Step) {
        guard case .reply(_, .message(_, _, let attributes)) = step,
            let delivery = attributes.first(where: { $0.key == .delivery })
        else { return }
        lastDelivery = delivery.value
    }

    private func check(_ step: ReplyParser.Step) {
        note(step)
        guard case .reply(let tag, let reply) = step else { return require(false, "the server sent \(step)") }
        if let tag, manyReplyTags.contains(tag), reply.isPartial { return }
        // An untagged error says that the connection as a whole was too slow.
        if tag == nil, case .error(let error) = reply, error.code == .limit { return }
        let left = pending[tag] ?? 0
        require(left > 0, "one reply too many with the tag \(tag.map { "\($0)" } ?? "none"): \(reply)")
        pending[tag] = left - 1
    }
}

extension Command {
    /// Whether other replies precede the final one.
    fileprivate var hasManyReplies: Bool {
        switch self {
        case .trace: true
        case .receive(let command): command.count != nil
        default: false
        }
    }
}

extension Reply {
    /// Whether the reply can precede a final one.
    fileprivate var isPartial: Bool {
        switch self {
        case .message, .data: true
        default: false
        }
    }
}
