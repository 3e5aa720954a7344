import Glibc
import SluiceRuntime
import SluiceWire

/// One end of a conversation: says what was made up, and checks what it hears against that.
final class FuzzedClient {
    private var descriptor: Descriptor?
    /// What it has said and the kernel has not taken.
    private var unsent: [UInt8] = []
    private var inputHasEnded = false
    var isReading = true

    /// Understands what it says as the server has to.
    private var requests = RequestParser(limits: RequestsTarget.limits)
    private var unparsed: [UInt8] = []
    private var replies = ReplyParser(limits: Limits())
    private var heard: [UInt8] = []
    /// The commands, or lines that are none, that it has said under each tag; under nil those without one.
    private var asked: [Tag?: Int] = [:]
    /// Whether a command may have several replies: those before the last count for nothing.
    private var streams: Set<Tag> = []

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = consume descriptor
    }
}

extension FuzzedClient {
    func say(_ bytes: [UInt8]) {
        guard descriptor != nil, !inputHasEnded else { return }
        unsent += bytes
        note(bytes)
        flush()
    }

    func endInput() {
        inputHasEnded = true
        flush()
    }

    /// Closes the connection with what it was sent unread.
    func breakOff() {
        descriptor = nil
    }

    private func flush() {
        guard let number = descriptor?.number else { return }
        while !unsent.isEmpty {
            let count = unsent.withUnsafeBytes { send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else {
                if errno != EAGAIN { unsent = [] }
                break
            }
            unsent.removeFirst(count)
        }
        if inputHasEnded, unsent.isEmpty { shutdown(number, Int32(SHUT_WR)) }
    }

    private func note(_ bytes: [UInt8]) {
        unparsed += bytes
        var offset = 0
        unparsed.withUnsafeBytes { input in
            while true {
                switch requests.next(input, offset: &offset) {
                case .needsMore: return
                case .refused(let tag, _): asked[tag, default: 0] += 1
                case .request(let request):
                    asked[request.tag, default: 0] += 1
                    if let tag = request.tag, request.command.hasManyReplies { streams.insert(tag) }
                }
            }
        }
        unparsed.removeFirst(offset)
    }

    /// Takes what has come, and checks it.
    func hear() {
        flush()
        guard isReading, let number = descriptor?.number else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(number, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            heard += buffer[..<count]
        }
        var offset = 0
        heard.withUnsafeBytes { input in
            while true {
                let step = replies.next(input, offset: &offset)
                if step == .needsMore { return }
                check(step)
            }
        }
        heard.removeFirst(offset)
    }

    private func check(_ step: ReplyParser.Step) {
        guard case .reply(let tag, let reply) = step else { return require(false, "the server said \(step)") }
        if let tag, streams.contains(tag), reply.isPartial { return }
        // The connection as a whole is told, without a tag, that it was too slow.
        if tag == nil, case .error(let error) = reply, error.code == .limit { return }
        let left = asked[tag] ?? 0
        require(left > 0, "a reply too many, with the tag \(tag.map { "\($0)" } ?? "none"): \(reply)")
        asked[tag] = left - 1
    }
}

extension Command {
    /// Whether replies come before the final one.
    fileprivate var hasManyReplies: Bool {
        switch self {
        case .trace: true
        case .receive(let command): command.count != nil
        default: false
        }
    }
}

extension Reply {
    /// Whether it may be one of many.
    fileprivate var isPartial: Bool {
        switch self {
        case .message, .data: true
        default: false
        }
    }
}
