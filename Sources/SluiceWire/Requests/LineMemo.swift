import Glibc

/// The beginning of the last line, and the command that it contained.
///
/// Most clients repeat themselves: they receive from one channel, send to one channel, or ping. The parser recognises
/// such a line with one comparison and reuses the stored command, without parsing, copying or destroying it. The memo
/// decides nothing, because equal bytes are the same command. A tag may differ from line to line, but a line without
/// one does not repeat a line with one, since only a command with a tag may have several replies. The parser takes
/// three times as many instructions for the same line.
///
/// `line` is borrowed from the input of a call, and is used only during that call.
struct LineMemo: ~Copyable {
    /// The kinds of commands that are remembered.
    enum Kind: Sendable {
        case none, send, receive, ping
    }

    /// The size of `head`.
    private static let capacity = 32

    private var head = InlineArray<32, UInt8>(repeating: 0)
    private var count = 0
    private var isTagged = false
    private var kind = Kind.none
    /// The send of the last line, without its text.
    var send: SendCommand?
    /// The recognised line. Its number changes with each line that is remembered.
    private(set) var line = RequestParser.RepeatedLine()
    var receive: ReceiveCommand?

    /// Recognises a line at `offset`, before its end is known, and consumes it. Returns `.none` if the line begins
    /// differently or is incomplete.
    @inline(__always)
    mutating func recallLine(
        in input: ByteView, offset: inout Int, maxLineBytes: Int, maxTextBytes: Int
    ) -> Kind {
        guard kind != .none else { return .none }
        let rest = input.dropping(offset)
        var start = 0
        if isTagged {
            start = rest.tagBytes
            if start == 0 { return .none }
        }
        guard isPrefix(of: rest.dropping(start)) else { return .none }
        let end = start + count
        guard case .send = kind else {
            let lineEnd = rest.lineEndBytes(at: end)
            guard lineEnd > 0 else { return .none }
            line.tag = RequestParser.RepeatedTag(bytes: rest.prefix(start).raw)
            offset += end + lineEnd
            return kind
        }
        let longest = min(maxTextBytes, maxLineBytes - end)
        // The longest text may be followed by a carriage return and a line feed.
        guard longest > 0, let lineFeed = rest.prefix(end + longest + 2).firstIndex(of: .lineFeed, from: end) else {
            return .none
        }
        let length = lineFeed > end && rest[lineFeed - 1] == .carriageReturn ? lineFeed - 1 - end : lineFeed - end
        guard length <= longest else { return .none }
        line.tag = RequestParser.RepeatedTag(bytes: rest.prefix(start).raw)
        line.text = rest[end..<end + length].raw
        offset += lineFeed + 1
        return .send
    }

    /// Remembers a line without its tag, and its command, if it is of a kind that is remembered.
    mutating func remember(_ line: ByteView, isTagged: Bool, _ command: Command) {
        switch command {
        case .send(let send):
            guard case .borrowed(let text) = send.body, case let start = line.count - text.count, start > 0,
                line[start - 1] == .space
            else { return }
            guard remember(line.prefix(start), isTagged, .send) else { return }
            self.send = send
            // Borrowed bytes are invalid after the call.
            self.send?.body = .nothing
        case .receive(let receive): if remember(line, isTagged, .receive) { self.receive = receive }
        case .ping(let body) where body.isEmpty: _ = remember(line, isTagged, .ping)
        default: return
        }
    }

    private mutating func remember(_ head: ByteView, _ isTagged: Bool, _ kind: Kind) -> Bool {
        guard head.count <= Self.capacity else { return false }
        for index in 0..<head.count { self.head[index] = head[index] }
        line.serial &+= 1
        count = head.count
        self.isTagged = isTagged
        self.kind = kind
        return true
    }

    private mutating func isPrefix(of line: ByteView) -> Bool {
        guard let right = line.raw.baseAddress, line.count >= count else { return false }
        // In place, because a copy of `head` would take more than the comparison.
        return withUnsafeMutableBytes(of: &head) { [count] head in
            head.baseAddress.map { memcmp($0, right, count) == 0 } ?? false
        }
    }
}

extension ByteView {
    /// The number of bytes of the tag at the beginning of a line, with its `#` and the space after it. 0 if there is no
    /// valid tag.
    @inline(__always)
    fileprivate var tagBytes: Int {
        guard first == .numberSign else { return 0 }
        var end = 1
        let limit = min(count, Limits.maxTagBytes + 2)
        while end < limit, self[end].isTagByte { end += 1 }
        return end > 1 && end < limit && self[end] == .space ? end + 1 : 0
    }

    /// The number of bytes of the line end at `index`. 0 if there is none.
    @inline(__always)
    fileprivate func lineEndBytes(at index: Int) -> Int {
        guard index < count else { return 0 }
        if self[index] == .lineFeed { return 1 }
        return self[index] == .carriageReturn && index + 1 < count && self[index + 1] == .lineFeed ? 2 : 0
    }
}
