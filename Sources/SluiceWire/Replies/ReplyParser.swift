/// Parses the replies of a server from bytes that arrive in pieces of any size.
package struct ReplyParser: Sendable {
    /// The result of a call to ``next(_:offset:)``.
    package enum Step: Sendable, Hashable {
        /// A complete reply and the tag of the command that it answers.
        case reply(Tag?, Reply)
        /// The bytes are not a reply of a Sluice server, or the reply exceeds the limits. The input after it is
        /// unusable.
        case failed(WireError)
        /// The input holds no further complete reply.
        case needsMore
    }

    private enum Phase {
        case line
        /// Indirect, because the parser reads the phase for every line, and a small enum is cheaper to read.
        indirect case readingBody(ReplyLine, BodyReader)
        case closed
    }

    private let limits: Limits
    private var scanner: LineScanner
    private var phase = Phase.line

    /// - Parameter limits: the longest line and body to accept from the server.
    package init(limits: Limits) {
        self.limits = limits
        scanner = LineScanner(maxLineBytes: limits.maxLineBytes)
    }

    /// Whether the input so far ends at the end of a reply.
    package var isBetweenReplies: Bool {
        switch phase {
        case .line: scanner.scannedBytes == 0
        case .readingBody: false
        case .closed: true
        }
    }

    /// Parses the next reply in `input`.
    ///
    /// - Parameters:
    ///   - input: the bytes that the previous call did not consume, followed by the bytes that arrived since.
    ///   - offset: where in `input` to begin; advanced past the consumed bytes. After `.needsMore`, at most an
    ///     unfinished line of ``Limits/maxLineBytes`` + 1 bytes is left.
    package mutating func next(_ input: UnsafeRawBufferPointer, offset: inout Int) -> Step {
        let input = ByteView(input)
        switch phase {
        case .line: return readLine(input, &offset)
        case .readingBody(let line, let reader):
            // Releases the phase's reference to the reader, so that its body grows in place.
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
                    return fail("a reply announces a body of more than \(limits.maxBodyBytes) bytes")
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
        case .unterminated: return fail("no line end follows the body of a reply")
        }
    }

    private mutating func fail(_ message: String) -> Step {
        phase = .closed
        return .failed(WireError(.framing, message))
    }
}
