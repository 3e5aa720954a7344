import SluiceWire
import Testing

@Suite struct ReplyTests {
    private func encoded(_ reply: Reply, tag: Tag? = nil) -> String {
        var out: [UInt8] = []
        reply.append(to: &out, tag: tag)
        return String(decoding: out, as: UTF8.self)
    }

    @Test("Every reply is encoded as a line")
    func repliesAreLines() throws {
        let jobs = try channel("jobs")
        #expect(encoded(.ok([])) == "OK\n")
        #expect(encoded(.ok([Attribute(.arm, 3)])) == "OK arm=3\n")
        #expect(encoded(.message(jobs, Body("hello"), [])) == "MSG jobs 5\nhello\n")
        #expect(encoded(.message(jobs, [], [Attribute(.arm, 0)])) == "MSG jobs 0 arm=0\n\n")
        #expect(encoded(.data(Body("a\nb"))) == "DATA 3\na\nb\n")
        #expect(encoded(.timeout) == "TIMEOUT\n")
        #expect(encoded(.timeoutWithoutReceivers) == "TIMEOUT receivers=0\n")
        #expect(encoded(.closed(jobs, nil)) == "CLOSED jobs\n")
        #expect(encoded(.closed(jobs, "no more")) == "CLOSED jobs no more\n")
        #expect(encoded(.closed(jobs, nil, arm: 0)) == "CLOSED jobs arm=0\n")
        #expect(encoded(.closed(jobs, "no more", arm: 12)) == "CLOSED jobs arm=12 no more\n")
        #expect(encoded(.poisoned(jobs, "broken", arm: 1)) == "POISONED jobs arm=1 broken\n")
        #expect(encoded(.poisoned(jobs, nil)) == "POISONED jobs\n")
        #expect(encoded(.poisoned(jobs, "broken")) == "POISONED jobs broken\n")
        #expect(encoded(.rejected(jobs, "no", arm: 2)) == "REJECTED jobs arm=2 no\n")
        #expect(encoded(.cancelled(nil)) == "CANCELLED\n")
        #expect(encoded(.cancelled("eof")) == "CANCELLED eof\n")
        #expect(encoded(.maybe("lease")) == "MAYBE lease\n")
        #expect(encoded(.otherwise([Attribute(.arm, 2)])) == "ELSE arm=2\n")
        #expect(encoded(.end) == "END\n")
        #expect(encoded(.error(WireError(.badName, "no such thing"))) == "ERR bad-name no such thing\n")
    }

    @Test("A reason that looks like an arm is not read as one")
    func reasonsAreNotArms() throws {
        let jobs = try channel("jobs")
        let long = String(repeating: "ä", count: Limits.maxReasonBytes)
        for reason in ["arm=1", "arm=1\0", "arm=1 is late", "arm=", "arm=" + long] {
            for reply in [Reply.closed(jobs, reason), .poisoned(jobs, reason), .rejected(jobs, reason)] {
                var bytes: [UInt8] = []
                reply.append(to: &bytes)
                var parser = ReplyParser(limits: Limits())
                var offset = 0
                let step = bytes.withUnsafeBytes { parser.next($0, offset: &offset) }
                guard case .reply(nil, let read) = step else {
                    Issue.record("\(reply) is read as \(step)")
                    continue
                }
                #expect(read == read.naming(arm: nil), "\(reply) is read as \(read)")
                var again: [UInt8] = []
                read.append(to: &again)
                #expect(again == bytes, "\(reply) is encoded differently a second time")
            }
        }
        #expect(encoded(.closed(jobs, "arm=1")) == "CLOSED jobs  arm=1\n")
        #expect(encoded(.closed(jobs, "arm=1", arm: 0)) == "CLOSED jobs arm=0 arm=1\n")
    }

    @Test("A reply begins with its tag")
    func repliesBeginWithTheirTag() throws {
        let found = try tag("a17")
        #expect(encoded(.ok([]), tag: found) == "#a17 OK\n")
        #expect(encoded(.message(try channel("jobs"), Body("a\nb"), []), tag: found) == "#a17 MSG jobs 3\na\nb\n")
    }

    @Test("Replies are appended to the output")
    func repliesAreAppended() {
        var out = Body("before ")
        Reply.ok([]).append(to: &out, tag: nil)
        Reply.end.append(to: &out, tag: nil)
        #expect(out == Body("before OK\nEND\n"))
    }

    @Test("PING is answered with its bytes")
    func pingIsAnsweredWithItsBytes() {
        #expect(encoded(.pong([])) == "OK\n")
        #expect(encoded(.pong(Body("hi"))) == "DATA 2\nhi\n")
    }

    @Test("Numbers are encoded in decimal", arguments: [0, 1, 9, 10, 11, 99, 100, 101, 999_999, 1_000_000, Int.max])
    func numbersAreDecimal(_ number: Int) {
        #expect(encoded(.ok([Attribute(.arm, number)])) == "OK arm=\(number)\n")
    }

    @Test("Lengths are encoded in decimal", arguments: [0, 1, 9, 10, 99, 100, 12345])
    func lengthsAreDecimal(_ length: Int) {
        let text = String(repeating: "x", count: length)
        #expect(encoded(.data(Body(text))) == "DATA \(length)\n\(text)\n")
    }

    @Test(
        "A reason cannot end the line",
        arguments: [
            "a\nERR b", "a\r\nOK", "\n\n\n", "a\u{0}b", "\u{1B}[2J", "a\u{7F}", "a\u{85}b", "a\u{2028}b", "a\u{2029}b",
            "\t", "\u{9B}2J",
            String(repeating: "x", count: 5000), String(repeating: "ä", count: 5000),
            String(repeating: "\n", count: 5000),
            String(repeating: "x", count: 255) + "ä", "👨‍👩‍👧‍👦\n",
        ])
    func noTextEndsALine(_ text: String) throws {
        let jobs = try channel("jobs")
        let replies: [Reply] = [
            .closed(jobs, text), .poisoned(jobs, text), .cancelled(text), .maybe(text), .error(WireError(.limit, text)),
        ]
        for reply in replies {
            let line = encoded(reply)
            #expect(line.utf8.count <= Limits.maxReasonBytes + 40)
            #expect(line.utf8.filter { $0 == 0x0A }.count == 1)
            #expect(line.utf8.last == 0x0A)
            #expect(line.unicodeScalars.dropLast().allSatisfy { $0.properties.generalCategory != .control })
            #expect(!line.unicodeScalars.contains("\u{2028}") && !line.unicodeScalars.contains("\u{FFFD}"))
        }
    }

    @Test("A long reason is cut at a whole character")
    func textsAreCutAtAWholeCharacter() {
        let text = String(repeating: "x", count: 255) + "ä"
        #expect(encoded(.cancelled(text)) == "CANCELLED " + String(repeating: "x", count: 255) + "\n")
        let fitting = String(repeating: "x", count: 254) + "ä"
        #expect(encoded(.cancelled(fitting)) == "CANCELLED \(fitting)\n")
    }

    @Test("The value of an attribute has visible ASCII only", arguments: ["a b", "a\n", "\u{0}", "ä", "a\r", "\t"])
    func attributesAreWords(_ value: String) {
        #expect(Attribute(.epoch, value) == nil)
    }

    @Test("Error codes are lower-case words")
    func everyCodeIsALowerCaseWord() {
        for code in WireError.Code.all {
            #expect(code.description.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D })
            #expect(code.isFatal == (code == .framing || code == .notSluice))
        }
        #expect(Set(WireError.Code.all).count == 17)
    }
}
