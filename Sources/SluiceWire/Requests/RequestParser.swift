/// Turns what a client sent into requests, however the bytes are cut into reads.
///
/// A line is understood when it is whole; a body is gathered as it arrives. Three rules keep a body from ever running
/// as commands, whatever is wrong with its command:
///
/// - A refusal is reported as soon as its line is known to be bad, and the bodies that the line announced are then
///   passed over exactly, each with its line end.
/// - Where the line does not tell for certain how many bytes to pass over (a `len` that is no number, stands twice, or
///   is above ``Limits/maxDiscardBytes``), or where a body is not followed by a line end, the refusal is fatal.
/// - After a fatal refusal all further input is consumed and nothing is parsed.
package struct RequestParser: ~Copyable, Sendable {
    /// What a call found.
    package enum Step: Sendable, Hashable {
        /// A complete request.
        case request(Request)
        /// A command that cannot run, with its tag if that could be read. After a fatal one the connection closes.
        case refused(Tag?, WireError)
        /// No complete request is left in the input.
        case needsMore

        /// The same step, valid after the call that was given the input: the body of a send may be borrowed from that.
        package var owned: Step {
            guard case .request(let request) = self, case .send(var send) = request.command else { return self }
            send.body = .owned(send.body.body)
            return .request(Request(tag: request.tag, command: .send(send)))
        }
    }

    private enum Phase {
        case line
        /// Inside an overlong line, which was refused; then come its bodies, if any.
        case skippingLine(SkippedBodies?)
        /// Boxed: the phase is looked at for every line, and a small one takes a fifth off the time of a `PING`.
        indirect case readingBodies(IncompleteRequest)
        /// Behind a line that was refused.
        case skippingBodies(SkippedBodies)
        case closed
    }

    private let limits: Limits
    private var scanner: LineScanner
    private var phase = Phase.line

    /// Whether no line but empty ones was seen yet.
    private var isOpening = true

    package init(limits: Limits) {
        self.limits = limits
        scanner = LineScanner(maxLineBytes: limits.maxLineBytes)
    }

    /// Whether the input so far ends where a request does: nothing is owed by the client.
    package var isBetweenRequests: Bool {
        switch phase {
        case .line: scanner.scannedBytes == 0
        case .skippingLine, .readingBodies, .skippingBodies: false
        case .closed: true
        }
    }

    /// Whether bytes of a body come next, be it to gather them or to pass over them.
    package var isInsideBody: Bool {
        switch phase {
        case .readingBodies, .skippingBodies: true
        case .line, .skippingLine, .closed: false
        }
    }

    /// How many more bytes belong to the body that is being gathered; 0 when none is.
    package var awaitedBodyBytes: Int {
        switch phase {
        case .readingBodies(let request): request.awaitedBodyBytes
        case .line, .skippingLine, .skippingBodies, .closed: 0
        }
    }

    /// Bytes of bodies held for a request that is not complete.
    package var bufferedBytes: Int {
        switch phase {
        case .readingBodies(let request): request.bufferedBytes
        case .line, .skippingLine, .skippingBodies, .closed: 0
        }
    }

    /// The next request or refusal in `input`. The body of a send may be borrowed from `input`.
    ///
    /// - Parameters:
    ///   - input: what the caller has: the unconsumed bytes of the call before, then what arrived since.
    ///   - offset: where in `input` to begin; advanced past everything consumed. After `.needsMore` at most an
    ///     unfinished line is left, of ``Limits/maxLineBytes`` + 1 bytes.
    package mutating func next(_ input: UnsafeRawBufferPointer, offset: inout Int) -> Step {
        let input = ByteView(input)
        while true {
            if let step = advance(over: input, offset: &offset) { return step }
        }
    }

    /// One move of the machine; nil if it goes on.
    private mutating func advance(over input: ByteView, offset: inout Int) -> Step? {
        switch phase {
        case .line: return readLine(input, &offset)
        case .skippingLine(let bodies):
            guard scanner.skip(in: input, offset: &offset) else { return .needsMore }
            expect(bodies)
            return nil
        case .readingBodies(let request):
            // The phase lets go of the request, so that its body grows in place.
            phase = .line
            return read(request, input, &offset)
        case .skippingBodies(let bodies): return skip(bodies, input, &offset)
        case .closed:
            offset = input.count
            return .needsMore
        }
    }

    private mutating func readLine(_ input: ByteView, _ offset: inout Int) -> Step? {
        if isOpening, let error = Opening.refusal(ofFirstBytes: input.dropping(offset)) { return fail(nil, error) }
        switch scanner.next(in: input, offset: &offset) {
        case .partial: return .needsMore
        case .line(let line):
            // People hit return in telnet.
            guard !line.isEmpty else { return nil }
            if isOpening, let error = Opening.refusal(ofFirstLine: line) { return fail(nil, error) }
            let step = parse(line, input, &offset)
            isOpening = false
            return step
        case .overlong(let beginning):
            let step = refuseOverlong(beginning)
            isOpening = false
            return step
        }
    }

    /// Parses a line, and reads as much of its bodies as the input has.
    private mutating func parse(_ line: ByteView, _ input: ByteView, _ offset: inout Int) -> Step? {
        var words = Words(line)
        var tag: Tag?
        do throws(WireError) {
            tag = try words.tag()
            var parser = CommandParser(limits: limits, isTagged: tag != nil)
            let request = Request(tag: tag, command: try parser.command(&words))
            if parser.bodies.isEmpty { return .request(consume request) }
            return read(IncompleteRequest(consume request, awaiting: parser.bodies), input, &offset)
        } catch {
            return refuse(line, isWhole: true, tag, error)
        }
    }

    private mutating func read(_ request: consuming IncompleteRequest, _ input: ByteView, _ offset: inout Int) -> Step {
        switch request.read(input, offset: &offset) {
        case .complete(let request): return .request(request)
        case .needsMore:
            phase = .readingBodies(request)
            return .needsMore
        case .unterminated: return fail(request.tag, .unterminatedBody)
        }
    }

    private mutating func skip(_ bodies: SkippedBodies, _ input: ByteView, _ offset: inout Int) -> Step? {
        var bodies = bodies
        switch bodies.skip(input, offset: &offset) {
        case .ended:
            phase = .line
            return nil
        case .needsMore:
            phase = .skippingBodies(bodies)
            return .needsMore
        case .unterminated: return fail(nil, .unterminatedBody)
        }
    }
}

extension RequestParser {
    private mutating func refuseOverlong(_ beginning: ByteView) -> Step {
        var words = Words(beginning)
        let tag = (try? words.tag()) ?? nil
        let error = WireError(.tooLong, "a line has at most \(limits.maxLineBytes) bytes")
        // A tag that runs up to the cut may be the beginning of another.
        return refuse(beginning, isWhole: false, words.isAtEnd ? nil : tag, error)
    }

    /// Reports `error`, and prepares to pass over what belongs to the refused line.
    private mutating func refuse(_ line: ByteView, isWhole: Bool, _ tag: Tag?, _ error: WireError) -> Step {
        if isOpening, let foreign = Opening.refusal(ofRefusedLine: line) { return fail(nil, foreign) }
        guard !error.isFatal else { return fail(tag, error) }
        guard let lengths = RefusedLine.bodyLengths(line, isWhole: isWhole, limits: limits) else {
            return fail(tag, .unknowableBodies)
        }
        let bodies = SkippedBodies(lengths)
        if isWhole { expect(bodies) } else { phase = .skippingLine(bodies) }
        return .refused(tag, error)
    }

    private mutating func expect(_ bodies: SkippedBodies?) {
        if let bodies { phase = .skippingBodies(bodies) } else { phase = .line }
    }

    private mutating func fail(_ tag: Tag?, _ error: WireError) -> Step {
        phase = .closed
        return .refused(tag, error)
    }
}

extension WireError {
    static let unterminatedBody = WireError(.framing, "no line end follows the body; its length is not what len= says")
}
