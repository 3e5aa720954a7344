/// The words of a line, taken off its front one by one; exactly one space stands between two of them.
struct Words {
    private let line: ByteView

    /// Where the next word begins: after its space. Past the end of the line once not even an empty text is left.
    private var position = 0

    init(_ line: ByteView) {
        self.line = line
    }

    var isAtEnd: Bool { position > line.count }

    /// Everything that is left, verbatim; empty when nothing is.
    mutating func text() -> ByteView {
        guard !isAtEnd else { return line.prefix(0) }
        defer { position = line.count + 1 }
        return line.dropping(position)
    }

    /// The next word.
    ///
    /// - Parameter missing: what to tell the client when nothing is left.
    mutating func next(orMissing missing: String) throws(WireError) -> ByteView {
        guard !isAtEnd else { throw WireError(.syntax, missing) }
        let word = takeWord()
        guard !word.isEmpty else { throw WireError(.syntax, "one space stands between words, and none at either end") }
        return word
    }

    /// The word that stands here, whatever it is; empty when nothing is left.
    mutating func first() -> ByteView { isAtEnd ? line.prefix(0) : takeWord() }

    /// The tag, if one stands here.
    mutating func tag() throws(WireError) -> Tag? {
        guard position < line.count, line[position] == .numberSign else { return nil }
        guard let tag = Tag(takeWord().dropping(1)) else { throw .badTag }
        return tag
    }

    /// The option, if one stands here: a key of up to fifteen bytes, `=`, and a value, which has no space in it and may
    /// be empty.
    mutating func option() -> (key: ByteView, value: ByteView)? {
        guard position < line.count, line[position].isLetter else { return nil }
        var end = position + 1
        while end < line.count, line[end].isKeyByte { end += 1 }
        guard end < line.count, line[end] == .equals, end - position <= Keyword.maxBytes else { return nil }
        let key = line[position..<end]
        position = end + 1
        return (key, takeWord())
    }

    /// The name of a channel.
    mutating func channel() throws(WireError) -> ChannelName {
        try name(orMissing: "the name of a channel is missing")
    }

    /// A name, of whatever follows the rules for names.
    ///
    /// - Parameter missing: what to tell the client when nothing is left.
    mutating func name(orMissing missing: String) throws(WireError) -> ChannelName {
        let word = try next(orMissing: missing)
        guard let name = ChannelName(word) else { throw WireError(.badName, ChannelName.rule) }
        return name
    }

    /// The name of an attempt to deliver a message.
    mutating func delivery() throws(WireError) -> DeliveryID {
        guard let delivery = DeliveryID(try next(orMissing: "the did of a message is missing")) else {
            throw WireError(.badName, "a did is what did= of a message says, two numbers and a dot between them")
        }
        return delivery
    }

    /// Checks that nothing is left, not even a space.
    func end() throws(WireError) {
        guard isAtEnd else { throw WireError(.syntax, "the line goes on after its last operand") }
    }

    private mutating func takeWord() -> ByteView {
        let end = line.firstIndex(of: .space, from: position) ?? line.count
        defer { position = end + 1 }
        return line[position..<end]
    }
}

extension WireError {
    static var badTag: WireError {
        WireError(.badName, "a tag is # and 1 to \(Limits.maxTagBytes) bytes of A-Z a-z 0-9 . _ -")
    }
}
