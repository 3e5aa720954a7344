/// Reads the words of a line one by one. Exactly one space separates two words.
struct WordReader {
    private let line: ByteView

    /// Where the next word begins, after the space before it. Beyond the end of the line when not even an empty text is
    /// left.
    private var position = 0

    init(_ line: ByteView) {
        self.line = line
    }

    var isAtEnd: Bool { position > line.count }

    /// Whether nothing but spaces is left.
    var isBlank: Bool { isAtEnd || rest.allSatisfy { $0 == .space } }

    /// The rest of the line, without reading it.
    var rest: ByteView { isAtEnd ? line.prefix(0) : line.dropping(position) }

    /// Reads the rest of the line, verbatim. Empty if nothing is left.
    mutating func text() -> ByteView {
        guard !isAtEnd else { return line.prefix(0) }
        defer { position = line.count + 1 }
        return line.dropping(position)
    }

    /// Reads the next word.
    ///
    /// - Parameter missing: the error message if nothing is left.
    mutating func next(orMissing missing: String) throws(WireError) -> ByteView {
        guard !isAtEnd else { throw WireError(.syntax, missing) }
        let word = readWord()
        guard !word.isEmpty else {
            throw WireError(.syntax, "words must be separated by one space, without spaces at either end of the line")
        }
        return word
    }

    /// Reads the next word, which may be empty. Empty if nothing is left.
    mutating func first() -> ByteView { isAtEnd ? line.prefix(0) : readWord() }

    /// Reads the tag, if the next word is one.
    mutating func tag() throws(WireError) -> Tag? {
        guard position < line.count, line[position] == .numberSign else { return nil }
        guard let tag = Tag(readWord().dropping(1)) else { throw .badTag }
        return tag
    }

    /// Reads the option, if the next word is one: a key of up to fifteen bytes, `=`, and a value, which may be empty.
    mutating func option() -> (key: ByteView, value: ByteView)? {
        guard position < line.count, line[position].isLetter else { return nil }
        var end = position + 1
        while end < line.count, line[end].isKeyByte { end += 1 }
        guard end < line.count, line[end] == .equals, end - position <= Keyword.maxBytes else { return nil }
        let key = line[position..<end]
        position = end + 1
        return (key, readWord())
    }

    /// Reads the name of a channel.
    mutating func channel() throws(WireError) -> ChannelName {
        try name(orMissing: "the name of a channel is missing")
    }

    /// Reads a name that follows the rules for channel names.
    ///
    /// - Parameter missing: the error message if nothing is left.
    mutating func name(orMissing missing: String) throws(WireError) -> ChannelName {
        let word = try next(orMissing: missing)
        guard let name = ChannelName(word) else { throw WireError(.badName, ChannelName.rule) }
        return name
    }

    /// Reads the id of a delivery.
    mutating func delivery() throws(WireError) -> DeliveryID {
        guard let delivery = DeliveryID(try next(orMissing: "the did is missing; copy it from did= of the message"))
        else {
            throw WireError(
                .badName, "a did must be copied from did= of a message: two numbers with a dot between them")
        }
        return delivery
    }

    /// Checks that nothing is left. Spaces at the end are allowed, as no text can be lost there.
    func end() throws(WireError) {
        if isBlank { return }
        var others = self
        guard others.option() == nil else {
            throw WireError(.syntax, "options must stand before the operands, as in RECV timeout=1s jobs")
        }
        throw WireError(.syntax, "unexpected text after the last operand")
    }

    /// Throws if text follows the operand of a command that lacks a required option. The text may be that option, so an
    /// error about its position is more helpful than one about a missing option.
    mutating func checkNothingFollowsOperand() throws(WireError) {
        if (try? channel()) != nil { try end() }
    }

    private mutating func readWord() -> ByteView {
        let word = line.word(upTo: .space, from: position)
        position += word.count + 1
        return word
    }
}

extension WireError {
    static var badTag: WireError {
        WireError(.badName, "a tag must be # and 1 to \(Limits.maxTagBytes) bytes of A-Z a-z 0-9 . _ -")
    }
}
