import Glibc

/// The beginning of the last line, and the command that it contained.
///
/// Most clients repeat themselves: they receive from one channel, send to one channel, or ping. The parser recognises
/// such a line with one comparison and reuses the stored command, without parsing, copying or destroying it. The memo
/// decides nothing, because equal bytes are the same command.
///
/// `text` is borrowed from the input of a call, and is used only during that call.
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
    private(set) var send: SendCommand?
    /// The text of the recognised send.
    private(set) var text = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The number of the remembered line. Changes with each new one.
    private(set) var serial: UInt32 = 0
    private(set) var receive: ReceiveCommand?

    /// Recognises a line without its tag. Returns `.none` if the line begins differently.
    ///
    /// - Parameter maxTextBytes: the most bytes that a text may have.
    mutating func recall(_ line: ByteView, isTagged: Bool, maxTextBytes: Int) -> Kind {
        guard kind != .none, line.count >= count, isTagged == self.isTagged, isPrefix(of: line) else { return .none }
        guard case .send = kind else { return line.count == count ? kind : .none }
        guard line.count - count <= maxTextBytes else { return .none }
        text = line.dropping(count).raw
        return .send
    }

    /// Recognises an untagged line at `offset`, before its end is known, and consumes it. Returns `.none` if the line
    /// begins differently, is incomplete, or ends in a carriage return.
    @inline(__always)
    mutating func recallLine(
        in input: ByteView, offset: inout Int, maxLineBytes: Int, maxTextBytes: Int
    ) -> Kind {
        guard kind != .none, !isTagged, input.count - offset > count, isPrefix(of: input.dropping(offset)) else {
            return .none
        }
        let start = offset + count
        guard case .send = kind else {
            guard input[start] == .lineFeed else { return .none }
            offset = start + 1
            return kind
        }
        let longest = min(maxTextBytes, maxLineBytes - count)
        guard longest > 0, let length = input[start..<min(input.count, start + longest + 1)].firstIndex(of: .lineFeed),
            length == 0 || input[start + length - 1] != .carriageReturn
        else { return .none }
        text = input[start..<start + length].raw
        offset = start + length + 1
        return .send
    }

    /// The recognised send, with its text.
    var repeatedSend: SendCommand? {
        var repeated = send
        repeated?.body = .borrowed(text)
        return repeated
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
            self.send?.body = .owned([])
        case .receive(let receive): if remember(line, isTagged, .receive) { self.receive = receive }
        case .ping(let body) where body.isEmpty: _ = remember(line, isTagged, .ping)
        default: return
        }
    }

    private mutating func remember(_ head: ByteView, _ isTagged: Bool, _ kind: Kind) -> Bool {
        guard head.count <= Self.capacity else { return false }
        for index in 0..<head.count { self.head[index] = head[index] }
        serial &+= 1
        count = head.count
        self.isTagged = isTagged
        self.kind = kind
        return true
    }

    private func isPrefix(of line: ByteView) -> Bool {
        withUnsafeBytes(of: head) { head in
            guard let left = head.baseAddress, let right = line.raw.baseAddress, line.count >= count else {
                return false
            }
            return memcmp(left, right, count) == 0
        }
    }
}
