import SluiceWire

/// Fuzzes the parser of requests.
///
/// The parser must find the same requests however the input is cut, and keep no more bytes than its limits allow. Every
/// request that it finds must be exactly one request when it is encoded, and every error must be encoded as one line.
enum RequestsTarget {
    /// Small, so that inputs of a few hundred bytes reach all of them.
    static let limits = Limits(
        maxLineBytes: 200, maxBodyBytes: 300, maxDiscardBytes: 1000, maxSelectArms: 4, maxPendingTags: 4, maxWindow: 16,
        maxCapacity: 16)

    static func check(_ input: FuzzedInput) {
        let whole = found([input.bytes])
        let cut = found(input.pieces)
        require(
            whole.steps == cut.steps, "the steps are \(whole.steps) in one piece, but \(cut.steps) in several pieces")
        require(
            whole.isBetween == cut.isBetween,
            "the parser ends between requests for one piece or for several pieces, but not for both")
        for step in whole.steps {
            switch step {
            case .request(let request): checkEncoding(of: request)
            case .refused(let tag, let error): checkEncoding(of: error, tag)
            case .needsMore: require(false, "needsMore was recorded as a step")
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
            // An array doubles its capacity when it grows.
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
            require(before < offset || step.isFatal, "a step consumed no bytes, and was not fatal")
            steps.append(step.owned)
        }
    }

    private static func checkEncoding(of request: Request) {
        var encoded: [UInt8] = []
        // The parser checks the first line of a connection for other protocols, so this request is the second line.
        Request(command: .ping([])).append(to: &encoded)
        request.append(to: &encoded)
        var parser = RequestParser(limits: Limits())
        var steps: [RequestParser.Step] = []
        _ = encoded.withUnsafeBytes { take(from: &parser, $0, &steps) }
        guard steps.count == 2, case .request(let again) = steps[1] else {
            return require(false, "\(request) is encoded as \(steps)")
        }
        // Encoding may replace characters in a reason, but must not change it again. Everything else stays the same.
        var encodedAgain: [UInt8] = []
        Request(command: .ping([])).append(to: &encodedAgain)
        again.append(to: &encodedAgain)
        require(encoded == encodedAgain, "\(request) is encoded differently a second time")
    }

    private static func checkEncoding(of error: WireError, _ tag: Tag?) {
        var encoded: [UInt8] = []
        Reply.error(error).append(to: &encoded, tag: tag)
        let ends = encoded.filter { $0 == 10 }.count
        require(ends == 1 && encoded.last == 10, "an error is encoded as \(ends) lines")
    }
}

extension RequestParser.Step {
    /// Whether the parser parses nothing after this step.
    fileprivate var isFatal: Bool {
        if case .refused(_, let error) = self { error.code == .framing || error.code == .notSluice } else { false }
    }
}
