import SluiceWire

/// Fuzzes the parser of replies.
///
/// The parser must find the same replies however the input is cut, and leave no more than a line of input to its caller.
/// Every reply that it finds must be exactly one reply when it is encoded.
enum RepliesTarget {
    static let limits = Limits(maxLineBytes: 300, maxBodyBytes: 300)

    static func check(_ input: FuzzedInput) {
        let whole = found([input.bytes])
        let cut = found(input.pieces)
        require(whole == cut, "the replies are \(whole) in one piece, but \(cut) in several pieces")
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
        // Encoding may replace characters in a reason, but must not change it again.
        var encodedAgain: [UInt8] = []
        again.append(to: &encodedAgain, tag: tag)
        require(encoded == encodedAgain, "\(reply) is encoded differently a second time")
    }
}
