import SluiceWire

/// The parser of what servers send, which a client has to believe.
///
/// However the bytes are cut, it finds the same; it leaves no more than a line to its caller; and what it finds is one
/// reply when it is encoded, whatever its texts hold.
enum RepliesTarget {
    static let limits = Limits(maxLineBytes: 300, maxBodyBytes: 300)

    static func check(_ input: FuzzedInput) {
        let whole = found([input.bytes])
        let cut = found(input.pieces)
        require(whole == cut, "the replies are \(whole) in one piece, and cut \(cut)")
        for case .reply(let tag, let reply) in whole { checkEncoding(of: reply, tag) }
    }

    private static func found(_ pieces: [UnsafeRawBufferPointer]) -> [ReplyParser.Step] {
        var parser = ReplyParser(limits: limits)
        var pending: [UInt8] = []
        var steps: [ReplyParser.Step] = []
        for piece in pieces {
            pending += piece
            let used = pending.withUnsafeBytes { take(from: &parser, $0, &steps) }
            pending.removeFirst(used)
            require(pending.count <= limits.maxLineBytes + 1, "\(pending.count) bytes are left to the caller")
        }
        return steps
    }

    private static func take(
        from parser: inout ReplyParser, _ input: UnsafeRawBufferPointer, _ steps: inout [ReplyParser.Step]
    ) -> Int {
        var offset = 0
        while true {
            let before = offset
            let step = parser.next(input, offset: &offset)
            require(before <= offset && offset <= input.count, "the offset went from \(before) to \(offset)")
            if step == .needsMore { return offset }
            steps.append(step)
        }
    }

    private static func checkEncoding(of reply: Reply, _ tag: Tag?) {
        var encoded: [UInt8] = []
        reply.append(to: &encoded, tag: tag)
        var parser = ReplyParser(limits: Limits())
        var steps: [ReplyParser.Step] = []
        _ = encoded.withUnsafeBytes { take(from: &parser, $0, &steps) }
        guard steps.count == 1, case .reply(tag, let again) = steps[0] else {
            return require(false, "\(reply) is encoded as \(steps)")
        }
        // A text that was made fit for a line stays as it is from then on.
        var encodedAgain: [UInt8] = []
        again.append(to: &encodedAgain, tag: tag)
        require(encoded == encodedAgain, "\(reply) is encoded differently a second time")
    }
}
