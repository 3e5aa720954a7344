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
    // Properties that are read for each line are `mutating`, because otherwise reading them through a property of a
    // class copies the parser.

    /// The result of a call to ``next(_:offset:)``.
    package enum Step: Sendable, Hashable {
        /// A complete request.
        case request(Request)
        /// A command that was refused, with its tag if the parser could read it. After a fatal error the connection is
        /// closed.
        case refused(Tag?, WireError)
        /// The input holds no further complete request.
        case needsMore

        /// The same step with an owned body, so that it stays valid after the call that received the input.
        package var owned: Step {
            if case .request(let request) = self { .request(request.owned) } else { self }
        }
    }

    /// The result of a call to ``find(_:offset:into:)``. Its values are in a ``FoundValues``, because copying and
    /// destroying them for each line costs time.
    package enum Found: Sendable {
        /// A complete request; see ``FoundValues/takeRequest()``.
        case request
        /// A send that repeats the previous one, apart from its tag: see `takeRepeatedSend`, with the tag
        /// `repeatedLine.tag`.
        case repeatedSend
        /// A receive that repeats the previous one, apart from its tag: see `takeRepeatedReceive`, with the tag
        /// `repeatedLine.tag`.
        case repeatedReceive
        /// A `PING` without a text, with the tag `repeatedLine.tag`.
        case repeatedPing
        /// A command that was refused; see ``FoundValues/takeRefusal()``.
        case refused
        case needsMore
    }

    /// What a call to ``find(_:offset:into:)`` has found. One serves all connections of a thread.
    package final class FoundValues {
        @exclusivity(unchecked) fileprivate var request = Request(command: .quit)
        @exclusivity(unchecked) fileprivate var refusal: (tag: Tag?, error: WireError)?

        package init() {}

        /// Returns the request that was found. Call it once.
        package func takeRequest() -> Request {
            var taken = Request(command: .quit)
            swap(&taken, &request)
            return taken
        }

        /// Keeps a request that was taken for another call of `takeRequest`.
        package func putBack(_ request: consuming Request) { self.request = request }

        /// Returns the refusal that was found. Call it once.
        package func takeRefusal() -> (tag: Tag?, error: WireError) {
            refusal.take() ?? (nil, .unterminatedBody)
        }
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

    /// The limits, which many parsers can share: a copy in each would be a twentieth of an idle connection.
    package final class SharedLimits: Sendable {
        let limits: Limits

        package init(_ limits: Limits) { self.limits = limits }
    }

    private let shared: SharedLimits
    private var limits: Limits { shared.limits }
    private var scanner: LineScanner
    private var phase = Phase.line
    /// Made for a client that has sent a few lines: an idle connection, or one that waits for ever, has none.
    private var memo: UnsafeMutablePointer<LineMemo>?
    /// The lines that could have been remembered while there was no memo.
    private var forgottenLines: UInt8 = 0

    /// The checks for other protocols that are still due.
    private var opening = Opening.Stage.firstLine

    package init(_ shared: SharedLimits) {
        self.shared = shared
        scanner = LineScanner(maxLineBytes: shared.limits.maxLineBytes)
    }

    package init(limits: Limits) {
        self.init(SharedLimits(limits))
    }

    deinit {
        memo?.deinitialize(count: 1)
        memo?.deallocate()
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
        mutating get {
            switch phase {
            case .readingBodies(let request): request.bufferedBytes
            case .line, .skippingLine, .skippingBodies, .closed: 0
            }
        }
    }

    /// Gives up the request whose bodies are arriving: frees them, and skips the rest of them.
    ///
    /// - Returns: the request. Nil if no bodies are arriving.
    package mutating func skipBodies() -> SkippedRequest? {
        guard case .readingBodies(let request) = phase else { return nil }
        phase = .skippingBodies(request.rest)
        return SkippedRequest(tag: request.tag)
    }

    /// The line of the last repeated command. Valid until the next call.
    package var repeatedLine: RepeatedLine {
        mutating get { memo?.pointee.line ?? RepeatedLine() }
    }
    /// Takes the send of the last call, if that found a repeated send. Its text is borrowed from the input. The caller
    /// must put it back before the next call. Copying commands, and destroying the copies, took a thirtieth of a
    /// handoff.
    package mutating func takeRepeatedSend() -> SendCommand? {
        guard let memo, var taken = memo.pointee.send.take() else { return nil }
        taken.body = .borrowed(memo.pointee.line.text)
        return taken
    }
    package mutating func putBack(_ send: consuming SendCommand) {
        // The borrowed text is invalid after the call.
        send.body = .nothing
        memo?.pointee.send = send
    }
    /// Takes the receive of the last call, if that found a repeated receive. The caller must put it back before the
    /// next call.
    package mutating func takeRepeatedReceive() -> ReceiveCommand? { memo?.pointee.receive.take() }
    package mutating func putBack(_ receive: consuming ReceiveCommand) { memo?.pointee.receive = receive }

    /// Finds the next request or refusal in `input`. The body of a send may be borrowed from `input`.
    ///
    /// - Parameters:
    ///   - input: the bytes that the previous call did not consume, followed by the bytes that arrived since.
    ///   - offset: where in `input` to begin; advanced past the consumed bytes. After `.needsMore`, at most an
    ///     unfinished line of ``Limits/maxLineBytes`` + 1 bytes is left.
    ///   - values: receives what was found.
    package mutating func find(
        _ input: UnsafeRawBufferPointer, offset: inout Int, into values: FoundValues
    ) -> Found {
        let input = ByteView(input)
        if let found = findRepeated(in: input, offset: &offset) { return found }
        while true {
            if let found = advance(over: input, offset: &offset, values) { return found }
        }
    }

    /// Finds the next request or refusal, and returns it as a value of its own.
    package mutating func next(_ input: UnsafeRawBufferPointer, offset: inout Int) -> Step {
        let values = FoundValues()
        switch find(input, offset: &offset, into: values) {
        case .request: return .request(values.takeRequest())
        case .repeatedSend:
            guard let send = takeRepeatedSend() else { return .needsMore }
            putBack(send)
            return step(repeatedLine.tag, .send(send))
        case .repeatedReceive:
            guard let receive = takeRepeatedReceive() else { return .needsMore }
            putBack(receive)
            return step(repeatedLine.tag, .receive(receive))
        case .repeatedPing: return step(repeatedLine.tag, .ping([]))
        case .refused:
            let refusal = values.takeRefusal()
            return .refused(refusal.tag, refusal.error)
        case .needsMore: return .needsMore
        }
    }

    private func step(_ tag: RepeatedTag, _ command: Command) -> Step {
        .request(Request(tag: tag.value, command: command))
    }

    private func found(_ request: consuming Request, _ values: FoundValues) -> Found {
        values.request = request
        return .request
    }

    private func refused(_ tag: Tag?, _ error: WireError, _ values: FoundValues) -> Found {
        values.refusal = (tag, error)
        return .refused
    }

    /// Finds a line that repeats the last one, if `input` begins with one.
    @inline(__always)
    private mutating func findRepeated(in input: ByteView, offset: inout Int) -> Found? {
        guard let memo, case .line = phase, scanner.scannedBytes == 0 else { return nil }
        let kind = memo.pointee.recallLine(
            in: input, offset: &offset, maxLineBytes: limits.maxLineBytes, maxTextBytes: limits.maxBodyBytes)
        return found(kind)
    }

    /// The lines that a client sends before the parser remembers any.
    private static let linesBeforeMemo = 4

    private mutating func remember(_ line: ByteView, isTagged: Bool, _ command: Command) {
        if let memo { return memo.pointee.remember(line, isTagged: isTagged, command) }
        forgottenLines += 1
        guard forgottenLines >= Self.linesBeforeMemo else { return }
        let memo = UnsafeMutablePointer<LineMemo>.allocate(capacity: 1)
        memo.initialize(to: LineMemo())
        self.memo = memo
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
    private mutating func advance(over input: ByteView, offset: inout Int, _ values: FoundValues) -> Found? {
        switch phase {
        case .line: return readLine(input, &offset, values)
        case .skippingLine(let bodies):
            guard scanner.skip(in: input, offset: &offset) else { return .needsMore }
            expect(bodies)
            return nil
        case .readingBodies(let request):
            // Releases the phase's reference to the request, so that its body grows in place.
            phase = .line
            return read(request, input, &offset, values)
        case .skippingBodies(let bodies): return skip(bodies, input, &offset, values)
        case .closed:
            offset = input.count
            return .needsMore
        }
    }

    private mutating func readLine(_ input: ByteView, _ offset: inout Int, _ values: FoundValues) -> Found? {
        if opening == .firstLine, let error = Opening.refusal(ofFirstBytes: input.dropping(offset)) {
            return fail(nil, error, values)
        }
        switch scanner.next(in: input, offset: &offset) {
        case .partial: return .needsMore
        case .line(let line):
            // Empty lines are allowed, because people press return in telnet.
            guard !line.isEmpty else { return nil }
            if opening != .over, let error = Opening.refusal(of: line, in: opening) { return fail(nil, error, values) }
            let step = parse(line, input, &offset, values)
            passLine()
            return step
        case .overlong(let beginning):
            if let error = Opening.refusal(of: beginning, in: opening) { return fail(nil, error, values) }
            let step = refuseOverlong(beginning, values)
            passLine()
            return step
        }
    }

    private mutating func passLine() {
        if opening != .over { opening = opening == .firstLine ? .secondLine : .over }
    }

    /// Parses a line, and reads the part of its bodies that the input holds.
    private mutating func parse(_ line: ByteView, _ input: ByteView, _ offset: inout Int, _ values: FoundValues)
        -> Found?
    {
        var words = WordReader(line)
        var tag: Tag?
        do throws(WireError) {
            tag = try words.tag()
            let rest = words.rest
            var parser = CommandParser(limits: limits, isTagged: tag != nil)
            let request = Request(tag: tag, command: try parser.command(&words))
            if parser.bodies.isEmpty {
                remember(rest, isTagged: tag != nil, request.command)
                return found(request, values)
            }
            return read(IncompleteRequest(consume request, awaiting: parser.bodies), input, &offset, values)
        } catch {
            return refuse(line, isWhole: true, tag, error, values)
        }
    }

    private mutating func read(
        _ request: consuming IncompleteRequest, _ input: ByteView, _ offset: inout Int, _ values: FoundValues
    ) -> Found {
        switch request.read(input, offset: &offset) {
        case .complete(let request): return found(request, values)
        case .needsMore:
            phase = .readingBodies(request)
            return .needsMore
        case .unterminated: return fail(request.tag, .unterminatedBody, values)
        }
    }

    private mutating func skip(_ bodies: SkippedBodies, _ input: ByteView, _ offset: inout Int, _ values: FoundValues)
        -> Found?
    {
        var bodies = bodies
        switch bodies.skip(input, offset: &offset) {
        case .ended:
            phase = .line
            return nil
        case .needsMore:
            phase = .skippingBodies(bodies)
            return .needsMore
        case .unterminated: return fail(nil, .unterminatedBody, values)
        }
    }
}

extension RequestParser {
    private mutating func refuseOverlong(_ beginning: ByteView, _ values: FoundValues) -> Found {
        var words = WordReader(beginning)
        let tag = (try? words.tag()) ?? nil
        let error = WireError(.tooLong, "a line may have at most \(limits.maxLineBytes) bytes")
        // A tag that extends to the cut may be the beginning of a longer one.
        return refuse(beginning, isWhole: false, words.isAtEnd ? nil : tag, error, values)
    }

    /// Reports `error`, and prepares to skip the rest of the line and its bodies.
    private mutating func refuse(
        _ line: ByteView, isWhole: Bool, _ tag: Tag?, _ error: WireError, _ values: FoundValues
    ) -> Found {
        if opening == .firstLine, let foreign = Opening.refusal(ofRefusedLine: line) {
            return fail(nil, foreign, values)
        }
        guard !error.isFatal else { return fail(tag, error, values) }
        guard let lengths = RefusedLine.bodyLengths(line, isWhole: isWhole, limits: limits) else {
            return fail(tag, .unknowableBodies, values)
        }
        let bodies = SkippedBodies(lengths)
        if isWhole { expect(bodies) } else { phase = .skippingLine(bodies) }
        return refused(tag, error, values)
    }

    private mutating func expect(_ bodies: SkippedBodies?) {
        if let bodies { phase = .skippingBodies(bodies) } else { phase = .line }
    }

    private mutating func fail(_ tag: Tag?, _ error: WireError, _ values: FoundValues) -> Found {
        phase = .closed
        return refused(tag, error, values)
    }
}

extension WireError {
    static let unterminatedBody = WireError(.framing, "no line end follows the body; len= must be its exact length")
}
