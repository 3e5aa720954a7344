import SeededRandom
import SluiceWire
import Testing

@Suite struct ReplyParserTests {
    private func steps(of bytes: Body, piece: Int = .max, limits: Limits = Limits()) -> [ReplyParser.Step] {
        var parser = ReplyParser(limits: limits)
        var steps: [ReplyParser.Step] = []
        var pending: Body = []
        var rest = bytes[...]
        while !rest.isEmpty {
            pending += rest.prefix(piece)
            rest = rest.dropFirst(piece)
            var offset = 0
            pending.withUnsafeBytes { input in
                while true {
                    let step = parser.next(input, offset: &offset)
                    if step == .needsMore { return }
                    steps.append(step)
                }
            }
            pending.removeFirst(offset)
            #expect(pending.count <= limits.maxLineBytes + 1)
        }
        return steps
    }

    private func examples() throws -> [Reply] {
        let jobs = try channel("jobs")
        let epoch = try #require(Attribute(.epoch, "a.B~9"))
        let greeting = Attributes([Attribute(.version, 1), epoch] + Array(Limits().attributes))
        return [
            .ok([]), .ok([Attribute(.arm, 3)]), .ok(greeting),
            .message(jobs, Body("hello"), []), .message(jobs, [], [Attribute(.arm, 63)]),
            .message(jobs, Body("\n\r\n"), []),
            .message(jobs, Body(0...255), []), .data([]), .data(Body("OK\nEND\n")), .timeout, .timeoutWithoutReceivers,
            .closed(jobs, nil),
            .closed(jobs, nil, arm: 3), .closed(jobs, "no more of it", arm: 0), .poisoned(jobs, "arms up", arm: 63),
            .closed(jobs, "no more of it"), .poisoned(jobs, nil), .poisoned(jobs, "kaputt ü"), .cancelled(nil),
            .cancelled("eof"),
            .maybe("lease"), .otherwise([Attribute(.arm, 1)]), .end,
        ] + WireError.Code.all.map { .error(WireError($0, "a text")) }
    }

    @Test("Encoded replies parse to the same replies")
    func whatIsEncodedIsParsed() throws {
        for found in [nil, try tag("a"), try tag(String(repeating: "z", count: 32))] {
            var bytes: Body = []
            for reply in try examples() { reply.append(to: &bytes, tag: found) }
            let expected = try examples().map { ReplyParser.Step.reply(found, $0) }
            #expect(steps(of: bytes) == expected)
            for piece in [1, 2, 3, 7] { #expect(steps(of: bytes, piece: piece) == expected) }
        }
    }

    @Test("Unknown codes and keys are accepted")
    func codesAndKeysOfLaterVersionsAreValues() throws {
        #expect(steps(of: Body("TIMEOUT brand-new=1\n")) == [.reply(nil, .timeout)])
        #expect(steps(of: Body("TIMEOUT receivers=2\n")) == [.reply(nil, .timeout)])
        let found = steps(of: Body("ERR brand-new reason\nOK brand-new=1\n"))
        guard case .reply(nil, .error(let error)) = found.first, case .reply(nil, .ok(let attributes)) = found.last
        else {
            Issue.record("\(found)")
            return
        }
        #expect(error.code.description == "brand-new")
        #expect(attributes.map { "\($0.key) \($0.value)" } == ["brand-new 1"])
    }

    @Test(
        "An invalid reply ends parsing",
        arguments: [
            "", " ", "ok", "OKAY", "OK ", "OK x", "OK =1", "OK a=1  b=2", "OK a=\u{1}", "OK ä=1", "MSG", "MSG jobs",
            "MSG jobs ", "MSG jobs x",
            "MSG jobs -1", "MSG jobs +1", "MSG jobs 01", "MSG jobs 1048577", "MSG jobs 9223372036854775808", "MSG -a 1",
            "MSG jobs 1 x",
            "DATA", "DATA x", "DATA 01", "TIMEOUT x", "END x", "CLOSED", "CLOSED -a", "POISONED", "ERR", "ERR ",
            "ERR UP text", "ERR a1 text",
            "HTTP/1.1 400 Bad Request", "#", "#a", "#a ", "#! OK", "#a  OK", " OK", "-ERR unknown", "+OK", "220 ready",
        ])
    func badRepliesEndTheConversation(_ line: String) {
        let found = steps(of: Body(line + "\nOK\n"))
        #expect(found.count == 1)
        guard case .failed(let error) = found.first else {
            Issue.record("parsed: \(found)")
            return
        }
        #expect(error.code == .framing)
    }

    @Test("A line end must follow the body of a reply")
    func bytesEndWithALineEnd() {
        #expect(steps(of: Body("DATA 2\nabc\nOK\n")).count == 1)
        #expect(steps(of: Body("DATA 2\nab")).isEmpty)
    }

    @Test("A line of a reply has a maximum length")
    func linesHaveALimit() {
        let limits = Limits(maxLineBytes: 20)
        #expect(steps(of: Body("CANCELLED 0123456789\n"), limits: limits) == [.reply(nil, .cancelled("0123456789"))])
        #expect(steps(of: Body("CANCELLED 0123456789x\nOK\n"), limits: limits).count == 1)
    }

    @Test("Random replies are parsed the same in any pieces", arguments: 0..<20 as Range<UInt64>)
    func randomBytesKeepTheInvariants(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let words = [
            "OK", "MSG", "DATA", "ERR", " ", " ", "jobs", "5", "hello", "\n", "\n", "a=1", "#a ", "END", "CLOSED", "12",
            "\u{0}",
        ]
        let bytes = (0..<2000).flatMap { _ in Body(words.randomElement(using: &generator) ?? "") }
        let whole = steps(of: bytes)
        for piece in [1, 5, 64] { #expect(steps(of: bytes, piece: piece) == whole) }
        #expect(whole.dropLast().allSatisfy { if case .failed = $0 { false } else { true } })
    }
}
