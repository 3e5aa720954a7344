import SluiceWire
import Testing

/// Feeds a parser as a connection does: keeps the bytes that the parser does not consume, and appends new input.
final class RequestFeed {
    let limits: Limits
    private var parser: RequestParser
    private var pending: [UInt8] = []
    private(set) var steps: [RequestParser.Step] = []

    init(limits: Limits = Limits()) {
        self.limits = limits
        parser = RequestParser(limits: limits)
    }

    var isBetweenRequests: Bool { parser.isBetweenRequests }
    var bufferedBytes: Int { parser.bufferedBytes }

    /// The number of bytes that the parser has not consumed.
    var pendingBytes: Int { pending.count }

    func receive(_ bytes: some Sequence<UInt8>) {
        pending.append(contentsOf: bytes)
        var offset = 0
        pending.withUnsafeBytes { input in
            while true {
                let start = offset
                let step = parser.next(input, offset: &offset)
                #expect(offset >= start && offset <= input.count, "the offset only moves forward, within the input")
                if step == .needsMore { return }
                steps.append(step.owned)
            }
        }
        pending.removeFirst(offset)
        #expect(pending.count <= limits.maxLineBytes + 1)
    }

    /// Returns the parser's steps, without `.needsMore`, for `bytes` in pieces of the given size.
    static func steps(
        of bytes: some Collection<UInt8>, piece: Int = .max, limits: Limits = Limits()
    ) -> [RequestParser.Step] {
        let feed = RequestFeed(limits: limits)
        var rest = bytes[...]
        while !rest.isEmpty {
            feed.receive(rest.prefix(piece))
            rest = rest.dropFirst(piece)
        }
        return feed.steps
    }

    static func steps(of text: String, piece: Int = .max, limits: Limits = Limits()) -> [RequestParser.Step] {
        steps(of: Array(text.utf8), piece: piece, limits: limits)
    }
}

extension RequestParser.Step {
    var code: WireError.Code? {
        switch self {
        case .refused(_, let error): error.code
        case .request, .needsMore: nil
        }
    }

    var command: Command? {
        switch self {
        case .request(let request): request.command
        case .refused, .needsMore: nil
        }
    }
}

extension Body {
    init(_ text: String) {
        self = Array(text.utf8)
    }
}

/// Means the protocol's tag, not the one of the testing library.
typealias Tag = SluiceWire.Tag

/// Parses the lines as exactly one command, or ends the test.
func command(_ text: String) throws -> Command {
    let steps = RequestFeed.steps(of: text + "\n")
    #expect(steps.count == 1)
    return try #require(steps.first?.command, "\(steps)")
}

/// Checks that the line is refused with the code, with either line end, and that the connection stays usable.
func expectRefusal(_ line: String, _ code: String, limits: Limits = Limits()) {
    for end in ["\n", "\r\n"] {
        let steps = RequestFeed.steps(of: "PING\n" + line + end + "QUIT\n", limits: limits)
        #expect(steps.map { $0.code?.description } == [nil, code, nil], "\(line)")
        #expect(steps.last?.command == .quit)
    }
}

/// Creates a name, or ends the test if it is invalid.
func channel(_ text: String) throws -> ChannelName { try #require(ChannelName(text)) }

/// Creates a message id, or ends the test if it is invalid.
func message(_ text: String) throws -> MessageID { try #require(MessageID(text)) }

/// Creates a tag, or ends the test if it is invalid.
func tag(_ text: String) throws -> Tag { try #require(Tag(text)) }
