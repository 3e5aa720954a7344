/// Finds the bodies that a refused line announces.
///
/// A client that sent a bad command still sends its bodies, and they must not run as commands. So this parser is more
/// lenient than the one for commands: any run of white space separates words. Where a line can be read in two ways, it
/// gives up, and the connection is closed.
struct RefusedLine {
    private var lengths: [Int] = []

    /// Returns the lengths of the bodies that follow `line`, in order, or nil if they are uncertain.
    ///
    /// - Parameter isWhole: whether `line` is a whole line and not the beginning of an overlong one.
    static func bodyLengths(_ line: ByteView, isWhole: Bool, limits: Limits) -> [Int]? {
        var reading = RefusedLine()
        guard reading.read(line, isWhole: isWhole) else { return nil }
        var remainingBytes = limits.maxDiscardBytes
        for length in reading.lengths {
            guard length <= remainingBytes else { return nil }
            remainingBytes -= length
        }
        return reading.lengths
    }

    private mutating func read(_ line: ByteView, isWhole: Bool) -> Bool {
        var words = LooseWords(line)
        var first = words.next()
        if first?.first == .numberSign { first = words.next() }
        // If the line was cut within its verb, it is too long to be a command whose options matter.
        guard let first, isWhole || !words.isExhausted else { return true }
        guard readOptions(&words), isWhole || !words.mayGoOnWithOption else { return false }
        switch Verb.vocabulary.word(ignoringCase: first) {
        case .select:
            return isWhole && readArms(words.rest) && lengths.count == line.lengthMentions
        case nil:
            // The grammar of an unknown verb is unknown, so a `len=` behind the options may announce a body as well.
            return lengths.count == line.lengthMentions
        case .hello, .authenticate, .name, .ping, .send, .call, .receive, .barrier, .acknowledge, .nack, .reject,
            .redrive, .touch, .open,
            .close, .poison, .join, .leave, .info, .channels, .waiters, .clients, .stuck, .trace, .kill, .cancel, .help,
            .quit:
            return true
        }
    }

    private mutating func readArms(_ text: ByteView) -> Bool {
        for arm in ArmSequence(text) {
            var words = LooseWords(arm)
            _ = words.next()
            guard readOptions(&words) else { return false }
        }
        return true
    }

    /// Reads the options of a command or an arm. Returns false if a length is not a number or occurs twice.
    private mutating func readOptions(_ words: inout LooseWords) -> Bool {
        let known = lengths.count
        while let word = words.peek(), let separator = word.firstIndex(of: .equals) {
            _ = words.next()
            guard word.prefix(separator).spellsLength else { continue }
            guard lengths.count == known, let length = word.dropping(separator + 1).wholeNumber else { return false }
            lengths.append(length)
        }
        return true
    }
}

/// The words of a line, separated by any run of white space.
private struct LooseWords {
    private let line: ByteView
    private var position = 0

    init(_ line: ByteView) {
        self.line = line
    }

    /// Whether the last word extends to the end of the line.
    var isExhausted: Bool { position == line.count }

    /// Whether the next word of a cut line may be an option: no word is left, or only the beginning of one.
    var mayGoOnWithOption: Bool {
        var copy = self
        guard let word = copy.next() else { return true }
        return copy.isExhausted && word.count <= Keyword.maxBytes
    }

    var rest: ByteView { line.dropping(wordStart) }

    func peek() -> ByteView? {
        var copy = self
        return copy.next()
    }

    mutating func next() -> ByteView? {
        let start = wordStart
        guard start < line.count else { return nil }
        position = start
        while position < line.count, !line[position].isSeparator { position += 1 }
        return line[start..<position]
    }

    private var wordStart: Int {
        var start = position
        while start < line.count, line[start].isSeparator { start += 1 }
        return start
    }
}

extension ByteView {
    fileprivate var spellsLength: Bool { OptionKey.vocabulary.word(ignoringCase: self) == .length }

    /// The number of times `len=` occurs in the view as a whole key.
    fileprivate var lengthMentions: Int {
        var mentions = 0
        var search = 0
        while let separator = firstIndex(of: .equals, from: search) {
            var start = separator
            while start > search, self[start - 1].isKeyByte { start -= 1 }
            if self[start..<separator].spellsLength { mentions += 1 }
            search = separator + 1
        }
        return mentions
    }
}

extension UInt8 {
    fileprivate var isSeparator: Bool { self == .space || (0x09...0x0D).contains(self) }
}
