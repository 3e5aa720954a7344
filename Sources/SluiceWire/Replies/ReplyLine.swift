/// A line of a reply, understood; its bytes, if it announces any, come next.
struct ReplyLine: Sendable {
    let tag: Tag?

    /// The reply, without the bytes it announces.
    private var reply: Reply

    /// How many bytes the line announces; nil if it announces none, not even zero.
    let bodyLength: Int?

    init(_ line: ByteView) throws(WireError) {
        var words = Words(line)
        tag = try words.tag()
        guard let word = ReplyWord.vocabulary.word(try words.next(orMissing: "the reply is missing")) else {
            throw WireError(.framing, "no such reply")
        }
        (reply, bodyLength) = try Self.reply(word, &words)
    }

    /// The reply with the bytes that followed its line.
    func filled(with body: Body) -> Reply {
        switch reply {
        case .message(let channel, _, let attributes): .message(channel, body, attributes)
        case .data: .data(body)
        case .ok, .timeout, .closed, .poisoned, .cancelled, .maybe, .otherwise, .end, .error: reply
        }
    }

    private static func reply(_ word: ReplyWord, _ words: inout Words) throws(WireError) -> (Reply, Int?) {
        switch word {
        case .ok: return (.ok(try words.attributes()), nil)
        case .message:
            let channel = try words.channel()
            let length = try words.length()
            return (.message(channel, [], try words.attributes()), length)
        case .data:
            let length = try words.length()
            _ = try words.attributes()
            return (.data([]), length)
        case .timeout:
            try words.end()
            return (.timeout, nil)
        case .closed: return (.closed(try words.channel(), words.reason()), nil)
        case .poisoned: return (.poisoned(try words.channel(), words.reason()), nil)
        case .cancelled: return (.cancelled(words.reason()), nil)
        case .maybe: return (.maybe(words.reason() ?? ""), nil)
        case .otherwise: return (.otherwise(try words.attributes()), nil)
        case .end:
            try words.end()
            return (.end, nil)
        case .error:
            guard let code = WireError.Code(try words.next(orMissing: "ERR has no code")) else {
                throw WireError(.framing, "ERR has a bad code")
            }
            return (.error(WireError(code, words.reason() ?? "")), nil)
        }
    }
}

extension Words {
    fileprivate mutating func attributes() throws(WireError) -> Attributes {
        var attributes = Attributes()
        while !isAtEnd {
            guard let attribute = Attribute(try next(orMissing: "")) else {
                throw WireError(.framing, "a reply has a bad attribute")
            }
            attributes.append(attribute)
        }
        return attributes
    }

    fileprivate mutating func length() throws(WireError) -> Int {
        guard let length = try next(orMissing: "a reply has no length").wholeNumber else {
            throw WireError(.framing, "a reply has a bad length")
        }
        return length
    }

    fileprivate mutating func reason() -> String? {
        let text = text()
        return text.isEmpty ? nil : text.string
    }
}
