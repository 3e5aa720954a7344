/// The parsed line of a reply. The body follows, if the line announces one.
struct ReplyLine: Sendable {
    let tag: Tag?

    /// The reply without its body.
    private var reply: Reply

    /// The length of the body. Nil if the line announces no body, as opposed to an empty one.
    let bodyLength: Int?

    init(_ line: ByteView) throws(WireError) {
        var words = WordReader(line)
        tag = try words.tag()
        guard let word = ReplyWord.vocabulary.word(try words.next(orMissing: "the line of a reply has no word")) else {
            throw WireError(.framing, "unknown reply")
        }
        (reply, bodyLength) = try Self.reply(word, &words)
    }

    /// The reply with the body that followed its line.
    func filled(with body: Body) -> Reply {
        switch reply {
        case .message(let channel, _, let attributes): .message(channel, body, attributes)
        case .data(_, let attributes): .data(body, attributes)
        case .ok, .timeout, .timeoutWithoutReceivers, .closed, .poisoned, .rejected, .cancelled, .maybe, .otherwise,
            .end, .error:
            reply
        }
    }

    private static func reply(_ word: ReplyWord, _ words: inout WordReader) throws(WireError) -> (Reply, Int?) {
        switch word {
        case .ok: return (.ok(try words.attributes()), nil)
        case .message:
            let channel = try words.channel()
            let length = try words.length()
            return (.message(channel, [], try words.attributes()), length)
        case .data:
            let length = try words.length()
            return (.data([], try words.attributes()), length)
        case .timeout:
            // A later server may add attributes.
            let attributes = try words.attributes()
            return (attributes.common.receivers == 0 ? .timeoutWithoutReceivers : .timeout, nil)
        case .closed:
            let (channel, arm, reason) = try words.failedArm()
            return (.closed(channel, reason, arm: arm), nil)
        case .poisoned:
            let (channel, arm, reason) = try words.failedArm()
            return (.poisoned(channel, reason, arm: arm), nil)
        case .rejected:
            let (channel, arm, reason) = try words.failedArm()
            return (.rejected(channel, reason, arm: arm), nil)
        case .cancelled: return (.cancelled(words.reason()), nil)
        case .maybe: return (.maybe(words.reason() ?? ""), nil)
        case .otherwise: return (.otherwise(try words.attributes()), nil)
        case .end:
            try words.end()
            return (.end, nil)
        case .error:
            guard let code = WireError.Code(try words.next(orMissing: "ERR has no error code")) else {
                throw WireError(.framing, "ERR has an invalid error code")
            }
            return (.error(WireError(code, words.reason() ?? "")), nil)
        }
    }
}

extension WordReader {
    fileprivate mutating func attributes() throws(WireError) -> Attributes {
        var attributes = Attributes()
        while !isAtEnd {
            guard let attribute = Attribute(try next(orMissing: "")) else {
                throw WireError(.framing, "a reply has an invalid attribute")
            }
            attributes.append(attribute)
        }
        return attributes
    }

    fileprivate mutating func length() throws(WireError) -> Int {
        guard let length = try next(orMissing: "the length of the body is missing in a reply").wholeNumber else {
            throw WireError(.framing, "a reply has an invalid length")
        }
        return length
    }

    /// Reads a channel, the arm of a select, and a reason, of which only the channel must be there.
    fileprivate mutating func failedArm() throws(WireError) -> (channel: ChannelName, arm: Int32?, reason: String?) {
        let channel = try channel()
        let arm = arm()
        return (channel, arm, reason())
    }

    /// Reads the arm of a select that was not completed, if the reply names one.
    private mutating func arm() -> Int32? {
        var ahead = self
        guard let (key, value) = ahead.option(), key == "arm",
            let number = value.wholeNumber.flatMap(Int32.init(exactly:))
        else { return nil }
        self = ahead
        return number
    }

    fileprivate mutating func reason() -> String? {
        let text = text()
        return text.isEmpty ? nil : text.string
    }
}
