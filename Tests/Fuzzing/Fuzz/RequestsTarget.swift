import SluiceWire

/// The parser of what clients send.
///
/// However the bytes are cut, it finds the same; what it finds is one request when it is encoded, too; it keeps no more than
/// its limits say; and every refusal is told in one line.
enum RequestsTarget {
    /// Small, so that inputs of a few hundred bytes get to all of them.
    static let limits = Limits(
        maxLineBytes: 200, maxBodyBytes: 300, maxDiscardBytes: 1000, maxSelectArms: 4, maxPendingTags: 4, maxWindow: 16,
        maxCapacity: 16)

    static func check(_ input: FuzzedInput) {
        let whole = found([input.bytes])
        let cut = found(input.pieces)
        require(whole.steps == cut.steps, "the steps are \(whole.steps) in one piece, and cut \(cut.steps)")
        require(whole.isBetween == cut.isBetween, "the parser owes nothing in one piece only, or cut only")
        for step in whole.steps {
            switch step {
            case .request(let request): checkEncoding(of: request)
            case .refused(let tag, let error): checkTelling(error, tag)
            case .needsMore: require(false, "a step is none")
            }
        }
    }

    private static func found(_ pieces: [UnsafeRawBufferPointer]) -> (steps: [RequestParser.Step], isBetween: Bool) {
        var parser = RequestParser(limits: limits)
        var pending: [UInt8] = []
        var steps: [RequestParser.Step] = []
        for piece in pieces {
            pending += piece
            let used = pending.withUnsafeBytes { take(from: &parser, $0, &steps) }
            pending.removeFirst(used)
            require(pending.count <= limits.maxLineBytes + 1, "\(pending.count) bytes are left to the caller")
            // An array doubles when it grows.
            require(
                parser.bufferedBytes <= 2 * limits.maxBodyBytes + 64, "\(parser.bufferedBytes) bytes of bodies are kept"
            )
        }
        return (steps, parser.isBetweenRequests)
    }

    private static func take(
        from parser: inout RequestParser, _ input: UnsafeRawBufferPointer, _ steps: inout [RequestParser.Step]
    ) -> Int {
        var offset = 0
        while true {
            let before = offset
            let step = parser.next(input, offset: &offset)
            require(before <= offset && offset <= input.count, "the offset went from \(before) to \(offset)")
            if step == .needsMore { return offset }
            require(before < offset || step.isFatal, "a step took no bytes, and the same may come again")
            steps.append(step)
        }
    }

    private static func checkEncoding(of request: Request) {
        var encoded: [UInt8] = []
        // The first line of a connection may be taken for another protocol's; this one is the second.
        Request(command: .ping([])).append(to: &encoded)
        request.append(to: &encoded)
        var parser = RequestParser(limits: Limits())
        var steps: [RequestParser.Step] = []
        _ = encoded.withUnsafeBytes { take(from: &parser, $0, &steps) }
        guard steps.count == 2, case .request(let again) = steps[1] else {
            return require(false, "\(request) is encoded as \(steps)")
        }
        // A reason that was made fit for a line stays as it is from then on; everything else does at once.
        var encodedAgain: [UInt8] = []
        Request(command: .ping([])).append(to: &encodedAgain)
        again.append(to: &encodedAgain)
        require(encoded == encodedAgain, "\(request) is encoded differently a second time")
    }

    private static func checkTelling(_ error: WireError, _ tag: Tag?) {
        var told: [UInt8] = []
        Reply.error(error).append(to: &told, tag: tag)
        let ends = told.filter { $0 == 10 }.count
        require(ends == 1 && told.last == 10, "a refusal takes \(ends) lines")
    }
}

extension RequestParser.Step {
    /// Whether nothing is parsed after it.
    fileprivate var isFatal: Bool {
        if case .refused(_, let error) = self { error.code == .framing || error.code == .notSluice } else { false }
    }
}
