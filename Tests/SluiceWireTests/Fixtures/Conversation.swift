import SluiceWire
import Testing

/// Plays a client to a parser as a connection does: keeps what the parser leaves, and adds what arrives.
struct Conversation {
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

    /// Bytes that the parser leaves with its caller.
    var pendingBytes: Int { pending.count }

    mutating func receive(_ bytes: some Sequence<UInt8>) {
        pending.append(contentsOf: bytes)
        var offset = 0
        pending.withUnsafeBytes { input in
            while true {
                let start = offset
                let step = parser.next(input, offset: &offset)
                #expect(offset >= start && offset <= input.count, "the offset only moves forward, within the input")
                if step == .needsMore { return }
                steps.append(step)
            }
        }
        pending.removeFirst(offset)
        #expect(pending.count <= limits.maxLineBytes + 1)
    }

    /// The steps, but for `.needsMore`, that `bytes` make when they arrive in pieces of the given size.
    static func steps(
        of bytes: some Collection<UInt8>, piece: Int = .max, limits: Limits = Limits()
    ) -> [RequestParser.Step] {
        var conversation = Conversation(limits: limits)
        var rest = bytes[...]
        while !rest.isEmpty {
            conversation.receive(rest.prefix(piece))
            rest = rest.dropFirst(piece)
        }
        return conversation.steps
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

/// Here a tag is the protocol's, not the testing library's.
typealias Tag = SluiceWire.Tag

/// The one command that the lines of the test are; a test with others ends here.
func command(_ text: String) throws -> Command {
    let steps = Conversation.steps(of: text + "\n")
    #expect(steps.count == 1)
    return try #require(steps.first?.command, "\(steps)")
}

/// Checks that the line is refused with that code, whatever its end, and that the connection goes on.
func expectRefusal(_ line: String, _ code: String, limits: Limits = Limits()) {
    for end in ["\n", "\r\n"] {
        let steps = Conversation.steps(of: "PING\n" + line + end + "QUIT\n", limits: limits)
        #expect(steps.map { $0.code?.description } == [nil, code, nil], "\(line)")
        #expect(steps.last?.command == .quit)
    }
}

/// The name that the test spells; a test with a bad one ends here.
func channel(_ text: String) throws -> ChannelName { try #require(ChannelName(text)) }

/// The identity that the test spells; a test with a bad one ends here.
func message(_ text: String) throws -> MessageID { try #require(MessageID(text)) }

/// The tag that the test spells; a test with a bad one ends here.
func tag(_ text: String) throws -> Tag { try #require(Tag(text)) }
