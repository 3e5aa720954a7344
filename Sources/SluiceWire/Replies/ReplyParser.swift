/// Turns what a server sent into replies, however the bytes are cut into reads.
package struct ReplyParser: Sendable {
    /// What a call found.
    package enum Step: Sendable, Hashable {
        /// A complete reply, with the tag of the command that it answers.
        case reply(Tag?, Reply)
        /// The bytes are no reply of a Sluice server, or one above the limits; nothing after them can be trusted.
        case failed(WireError)
        /// No complete reply is left in the input.
        case needsMore
    }

    private enum Phase {
        case line
        /// Boxed: the phase is looked at for every line, and a small one is cheaper to look at.
        indirect case readingBody(ReplyLine, BodyReader)
        case closed
    }

    private let limits: Limits
    private var scanner: LineScanner
    private var phase = Phase.line

    /// - Parameter limits: the longest line and body to take from the server.
    package init(limits: Limits) {
        self.limits = limits
        scanner = LineScanner(maxLineBytes: limits.maxLineBytes)
    }

    /// Whether the input so far ends where a reply does.
    package var isBetweenReplies: Bool {
        switch phase {
        case .line: scanner.scannedBytes == 0
        case .readingBody: false
        case .closed: true
        }
    }

    /// The next reply in `input`.
    ///
    /// - Parameters:
    ///   - input: what the caller has: the unconsumed bytes of the call before, then what arrived since.
    ///   - offset: where in `input` to begin; advanced past everything consumed. After `.needsMore` at most an
    ///     unfinished line is left, of ``Limits/maxLineBytes`` + 1 bytes.
    package mutating func next(_ input: UnsafeRawBufferPointer, offset: inout Int) -> Step {
        let input = ByteView(input)
        switch phase {
        case .line: return readLine(input, &offset)
        case .readingBody(let line, let reader):
            // The phase lets go of the reader, so that its body grows in place.
            phase = .line
            return read(line, reader, input, &offset)
        case .closed:
            offset = input.count
            return .needsMore
        }
    }

    private mutating func readLine(_ input: ByteView, _ offset: inout Int) -> Step {
        switch scanner.next(in: input, offset: &offset) {
        case .partial: return .needsMore
        case .overlong: return fail("a line of a reply is longer than \(limits.maxLineBytes) bytes")
        case .line(let text):
            do throws(WireError) {
                let line = try ReplyLine(text)
                guard let length = line.bodyLength else { return .reply(line.tag, line.filled(with: [])) }
                guard length <= limits.maxBodyBytes else {
                    return fail("a reply announces more than \(limits.maxBodyBytes) bytes")
                }
                return read(line, BodyReader(length: length), input, &offset)
            } catch {
                return fail(error.message)
            }
        }
    }

    private mutating func read(
        _ line: ReplyLine, _ reader: consuming BodyReader, _ input: ByteView, _ offset: inout Int
    ) -> Step {
        switch reader.read(input, offset: &offset) {
        case .complete(let body): return .reply(line.tag, line.filled(with: body))
        case .needsMore:
            phase = .readingBody(line, reader)
            return .needsMore
        case .unterminated: return fail("no line end follows the bytes of a reply")
        }
    }

    private mutating func fail(_ message: String) -> Step {
        phase = .closed
        return .failed(WireError(.framing, message))
    }
}
