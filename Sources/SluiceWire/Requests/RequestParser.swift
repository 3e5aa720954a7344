/// Parses the requests of a client from bytes that arrive in pieces of any size.
///
/// A line is parsed when it is complete, and a body is collected as it arrives. Three rules ensure that the bytes of a
/// body never run as commands, regardless of any error in the command:
///
/// - A refusal is reported as soon as its line is known to be invalid. Then the parser skips exactly the bodies that
///   the line announced, each with its line end.
/// - The refusal is fatal if the number of bytes to skip is uncertain (a `len=` that is not a number, occurs twice, or
///   exceeds ``Limits/maxDiscardBytes``), or if no line end follows a body.
/// - After a fatal refusal the parser consumes all further input without parsing it.
package struct RequestParser: ~Copyable {
    // Properties that are asked for with each line are `mutating`: from a class's property, a parser is copied otherwise to
    // be looked at.

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

    /// What a call found; the rest stays with the parser until it is taken. Without values, which would be copied and
    /// destroyed for each line.
    package enum Found: Sendable {
        /// `takeRequest` gives the request.
        case request
        /// A send like the one before: `repeatedSend`, whose body is borrowed from the input, with the tag `tag`.
        case repeatedSend
        /// A receive like the one before: `repeatedReceive`, with the tag `tag`.
        case repeatedReceive
        /// A `PING` without a text, with the tag `tag`.
        case repeatedPing
        /// `takeRefusal` gives the refusal.
        case refused
        case needsMore
    }

    private enum Phase {
        case line
        /// Inside an overlong line that was refused. Its bodies follow, if there are any.
        case skippingLine(SkippedBodies?)
        /// Indirect, because the parser reads the phase for every line: a small enum makes a `PING` 20 % faster.
        indirect case readingBodies(IncompleteRequest)
        /// After a line that was refused.
        case skippingBodies(SkippedBodies)
        case closed
    }

    private let limits: Limits
    private var scanner: LineScanner
    private var phase = Phase.line
    private var memo = LineMemo()
    /// The tag of the repeated command that was found last.
    package private(set) var tag: Tag?
    private var request = Request(command: .quit)
    private var refusal: (tag: Tag?, error: WireError)?

    /// Whether no line but empty ones was seen yet.
    private var isOpening = true

    package init(limits: Limits) {
        self.limits = limits
        scanner = LineScanner(maxLineBytes: limits.maxLineBytes)
    }

    /// Whether the input so far ends at the end of a request.
    package var isBetweenRequests: Bool {
        mutating get {
            switch phase {
            case .line: scanner.scannedBytes == 0
            case .skippingLine, .readingBodies, .skippingBodies: false
            case .closed: true
            }
        }
    }

    /// Whether the next bytes belong to a body, which is collected or skipped.
    package var isInsideBody: Bool {
        mutating get {
            switch phase {
            case .readingBodies, .skippingBodies: true
            case .line, .skippingLine, .closed: false
            }
        }
    }

    /// The number of bytes that the body being collected still lacks. 0 if no body is being collected.
    package var awaitedBodyBytes: Int {
        switch phase {
        case .readingBodies(let request): request.awaitedBodyBytes
        case .line, .skippingLine, .skippingBodies, .closed: 0
        }
    }

    /// The memory used by the bodies of an incomplete request.
    package var bufferedBytes: Int {
        switch phase {
        case .readingBodies(let request): request.bufferedBytes
        case .line, .skippingLine, .skippingBodies, .closed: 0
        }
    }

    /// The command of the line that was found to be a repeated send or receive. Valid until the next call.
    package var repeatedSend: SendCommand? { mutating get { memo.repeatedSend } }
    /// The text of the repeated send, and the number of the line that it repeats.
    package var repeatedText: UnsafeRawBufferPointer { mutating get { memo.text } }
    package var repeatedLine: UInt32 { mutating get { memo.serial } }
    package var repeatedReceive: ReceiveCommand? { mutating get { memo.receive } }

    /// Finds the next request or refusal in `input`. The body of a send may be borrowed from `input`.
    ///
    /// - Parameters:
    ///   - input: what the caller has: the unconsumed bytes of the call before, then what arrived since.
    ///   - offset: where in `input` to begin; advanced past everything consumed. After `.needsMore` at most an
    ///     unfinished line is left, of ``Limits/maxLineBytes`` + 1 bytes.
    package mutating func find(_ input: UnsafeRawBufferPointer, offset: inout Int) -> Found {
        let input = ByteView(input)
        if let found = findRepeated(in: input, offset: &offset) { return found }
        while true {
            if let found = advance(over: input, offset: &offset) { return found }
        }
    }

    /// Takes the request that was found.
    package mutating func takeRequest() -> Request {
        var taken = Request(command: .quit)
        swap(&taken, &request)
        return taken
    }

    /// Takes the refusal that was found.
    package mutating func takeRefusal() -> (tag: Tag?, error: WireError) {
        refusal.take() ?? (nil, .unterminatedBody)
    }

    /// Finds the next request or refusal as a value of its own.
    package mutating func next(_ input: UnsafeRawBufferPointer, offset: inout Int) -> Step {
        switch find(input, offset: &offset) {
        case .request: return .request(takeRequest())
        case .repeatedSend: return step(memo.repeatedSend.map { .send($0) })
        case .repeatedReceive: return step(memo.receive.map { .receive($0) })
        case .repeatedPing: return step(.ping([]))
        case .refused:
            let refusal = takeRefusal()
            return .refused(refusal.tag, refusal.error)
        case .needsMore: return .needsMore
        }
    }

    private func step(_ command: Command?) -> Step {
        command.map { .request(Request(tag: tag, command: $0)) } ?? .needsMore
    }

    private mutating func found(_ request: consuming Request) -> Found {
        self.request = request
        return .request
    }

    private mutating func refused(_ tag: Tag?, _ error: WireError) -> Found {
        refusal = (tag, error)
        return .refused
    }

    /// Finds a line that repeats the last one, where the input begins with one.
    @inline(__always)
    private mutating func findRepeated(in input: ByteView, offset: inout Int) -> Found? {
        guard case .line = phase, !isOpening, scanner.scannedBytes == 0 else { return nil }
        let kind = memo.recallLine(
            in: input, offset: &offset, maxLineBytes: limits.maxLineBytes, maxTextBytes: limits.maxBodyBytes)
        if case .none = kind { return nil }
        tag = nil
        return found(kind)
    }

    private func found(_ kind: LineMemo.Kind) -> Found? {
        switch kind {
        case .send: .repeatedSend
        case .receive: .repeatedReceive
        case .ping: .repeatedPing
        case .none: nil
        }
    }

    /// Advances by one phase. Returns nil if parsing continues with the next phase.
    private mutating func advance(over input: ByteView, offset: inout Int) -> Found? {
        switch phase {
        case .line: return readLine(input, &offset)
        case .skippingLine(let bodies):
            guard scanner.skip(in: input, offset: &offset) else { return .needsMore }
            expect(bodies)
            return nil
        case .readingBodies(let request):
            // Releases the phase's reference to the request, so that its body grows in place.
            phase = .line
            return read(request, input, &offset)
        case .skippingBodies(let bodies): return skip(bodies, input, &offset)
        case .closed:
            offset = input.count
            return .needsMore
        }
    }

    private mutating func readLine(_ input: ByteView, _ offset: inout Int) -> Found? {
        if isOpening, let error = Opening.refusal(ofFirstBytes: input.dropping(offset)) { return fail(nil, error) }
        switch scanner.next(in: input, offset: &offset) {
        case .partial: return .needsMore
        case .line(let line):
            // Empty lines are allowed, because people press return in telnet.
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

    /// Parses a line, and reads the part of its bodies that the input holds.
    private mutating func parse(_ line: ByteView, _ input: ByteView, _ offset: inout Int) -> Found? {
        var words = WordReader(line)
        var tag: Tag?
        do throws(WireError) {
            tag = try words.tag()
            let rest = words.rest
            if !isOpening {
                self.tag = tag
                let kind = memo.recall(rest, isTagged: tag != nil, maxTextBytes: limits.maxBodyBytes)
                if let found = found(kind) { return found }
            }
            var parser = CommandParser(limits: limits, isTagged: tag != nil)
            let request = Request(tag: tag, command: try parser.command(&words))
            if parser.bodies.isEmpty {
                memo.remember(rest, isTagged: tag != nil, request.command)
                return found(request)
            }
            return read(IncompleteRequest(consume request, awaiting: parser.bodies), input, &offset)
        } catch {
            return refuse(line, isWhole: true, tag, error)
        }
    }

    private mutating func read(_ request: consuming IncompleteRequest, _ input: ByteView, _ offset: inout Int) -> Found
    {
        switch request.read(input, offset: &offset) {
        case .complete(let request): return found(request)
        case .needsMore:
            phase = .readingBodies(request)
            return .needsMore
        case .unterminated: return fail(request.tag, .unterminatedBody)
        }
    }

    private mutating func skip(_ bodies: SkippedBodies, _ input: ByteView, _ offset: inout Int) -> Found? {
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
    private mutating func refuseOverlong(_ beginning: ByteView) -> Found {
        var words = WordReader(beginning)
        let tag = (try? words.tag()) ?? nil
        let error = WireError(.tooLong, "a line may have at most \(limits.maxLineBytes) bytes")
        // A tag that extends to the cut may be the beginning of a longer one.
        return refuse(beginning, isWhole: false, words.isAtEnd ? nil : tag, error)
    }

    /// Reports `error`, and prepares to skip the rest of the line and its bodies.
    private mutating func refuse(_ line: ByteView, isWhole: Bool, _ tag: Tag?, _ error: WireError) -> Found {
        if isOpening, let foreign = Opening.refusal(ofRefusedLine: line) { return fail(nil, foreign) }
        guard !error.isFatal else { return fail(tag, error) }
        guard let lengths = RefusedLine.bodyLengths(line, isWhole: isWhole, limits: limits) else {
            return fail(tag, .unknowableBodies)
        }
        let bodies = SkippedBodies(lengths)
        if isWhole { expect(bodies) } else { phase = .skippingLine(bodies) }
        return refused(tag, error)
    }

    private mutating func expect(_ bodies: SkippedBodies?) {
        if let bodies { phase = .skippingBodies(bodies) } else { phase = .line }
    }

    private mutating func fail(_ tag: Tag?, _ error: WireError) -> Found {
        phase = .closed
        return refused(tag, error)
    }
}

extension WireError {
    static let unterminatedBody = WireError(.framing, "no line end follows the body; len= must be its exact length")
}
