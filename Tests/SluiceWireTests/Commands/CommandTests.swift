import SluiceWire
import Testing

@Suite struct CommandTests {
    private func send(_ name: String, _ body: String, timeout: Duration? = nil, eof: Bool = false) throws -> Command {
        .send(SendCommand(channel: try channel(name), body: Body(body), timeout: timeout, waitsAfterEOF: eof))
    }

    private func receive(_ name: String, timeout: Duration? = nil, eof: Bool = false) throws -> Command {
        .receive(ReceiveCommand(channel: try channel(name), timeout: timeout, waitsAfterEOF: eof))
    }

    @Test("Some verbs are complete commands by themselves")
    func verbsStandAlone() throws {
        #expect(try command("HELLO") == .hello())
        #expect(try command("hello features=receivers,call,later") == .hello(understanding: [.receivers, .call]))
        #expect(try command("HELLO features=") == .hello(understanding: []))
        #expect(try command("QUIT") == .quit)
        #expect(try command("HELP") == .help(nil))
        #expect(try command("PING") == .ping([]))
        #expect(try command("INFO") == .inspect(Inspection(.server)))
        #expect(try command("CHANNELS") == .inspect(Inspection(.channels(prefix: nil))))
        #expect(try command("WAITERS") == .inspect(Inspection(.waiters(channel: nil))))
        #expect(try command("CLIENTS") == .inspect(Inspection(.clients)))
        #expect(try command("STUCK") == .inspect(Inspection(.stuck)))
    }

    @Test(
        "Verbs that need operands are refused without them",
        arguments: [
            ("AUTH", "syntax"), ("NAME", "syntax"), ("SEND", "syntax"), ("CALL", "syntax"), ("RECV", "syntax"),
            ("SELECT", "syntax"),
            ("BARRIER", "syntax"), ("ACK", "syntax"), ("NACK", "syntax"), ("TOUCH", "syntax"), ("CLOSE", "syntax"),
            ("OPEN", "syntax"), ("POISON", "syntax"), ("JOIN", "syntax"), ("LEAVE", "syntax"), ("TRACE", "bad-option"),
            ("CANCEL", "syntax"),
        ])
    func otherVerbsDoNotStandAlone(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    @Test("Verbs may be written in any case", arguments: ["RECV jobs", "recv jobs", "Recv jobs", "rEcV jobs"])
    func verbsHaveNoCase(_ line: String) throws {
        #expect(try command(line) == receive("jobs"))
    }

    @Test("Option keys may be written in any case", arguments: ["timeout=5s", "TIMEOUT=5s", "TimeOut=5s"])
    func keysHaveNoCase(_ option: String) throws {
        #expect(try command("RECV \(option) jobs") == receive("jobs", timeout: .seconds(5)))
    }

    @Test(
        "PING takes the rest of the line verbatim",
        arguments: [
            ("PING hi", "hi"), ("PING ", ""), ("PING  hi", " hi"), ("PING hi ", "hi "), ("PING 1=2", "1=2"),
            ("PING a\tb\u{0}c\rd", "a\tb\u{0}c\rd"), ("PING hi\r", "hi"), ("PING hi\r\r", "hi\r"),
            ("PING #a", "#a"), ("PING sixteenletterkey=1", "sixteenletterkey=1"), ("PING len=2\nok", "ok"),
        ])
    func pingCarriesTheRestOfTheLineVerbatim(_ line: String, _ text: String) throws {
        #expect(try command(line) == .ping(Body(text)))
    }

    @Test(
        "SEND takes the rest of the line verbatim",
        arguments: [
            ("SEND jobs hello", "hello"), ("SEND jobs", ""), ("SEND jobs ", ""), ("SEND jobs  hello ", " hello "),
            ("SEND jobs len=5", "len=5"), ("SEND jobs timeout=5s x", "timeout=5s x"), ("SEND jobs a | b", "a | b"),
            ("SEND jobs ünï\u{1}cödé", "ünï\u{1}cödé"),
        ])
    func sendCarriesTheRestOfTheLineVerbatim(_ line: String, _ text: String) throws {
        #expect(try command(line) == send("jobs", text))
    }

    @Test("A text may hold any byte except a line feed")
    func textMayBeAnyBytesButALineFeed() throws {
        let bytes = (0...255).map(UInt8.init).filter { $0 != 0x0A && $0 != 0x0D } + [0x0D, 0x41]
        let steps = RequestFeed.steps(of: Array("SEND jobs ".utf8) + bytes + [0x0A])
        #expect(steps.map(\.command) == [.send(SendCommand(channel: try channel("jobs"), body: bytes))])
    }

    @Test(
        "A body has exactly the announced length",
        arguments: [
            ("SEND len=5 jobs\nhello", "hello"), ("SEND len=0 jobs\n", ""), ("SEND LEN=6 jobs\na\nb\r\nc", "a\nb\r\nc"),
            ("SEND len=5 jobs\r\nhello\r", "hello"), ("SEND len=5 jobs\nQUIT\n", "QUIT\n"),
            ("SEND len=1 jobs\n\r\r", "\r"), ("SEND len=2 jobs\n\r\n", "\r\n"),
        ])
    func announcedBodiesAreExact(_ line: String, _ body: String) throws {
        #expect(try command(line) == send("jobs", body))
    }

    @Test("Options may be given in any order")
    func sendTakesItsOptionsInAnyOrder() throws {
        let expected = try send("jobs", "hello", timeout: .milliseconds(1500), eof: true)
        #expect(try command("SEND timeout=1500ms eof=wait jobs hello") == expected)
        #expect(try command("SEND eof=wait timeout=1500ms jobs hello") == expected)
        #expect(try command("SEND eof=wait len=5 timeout=1500ms jobs\nhello") == expected)
    }

    @Test(
        "Durations are parsed with their units",
        arguments: [
            ("0", Duration.zero), ("0ms", .zero), ("0h", .zero), ("1ms", .milliseconds(1)), ("30s", .seconds(30)),
            ("5m", .seconds(300)), ("2h", .seconds(7200)), ("876000h", .seconds(3_153_600_000)),
        ])
    func durationsHaveUnits(_ text: String, _ duration: Duration) throws {
        #expect(try command("RECV timeout=\(text) jobs") == receive("jobs", timeout: duration))
    }

    @Test("RECV takes eof=wait")
    func receiveMayOutliveTheEndOfInput() throws {
        #expect(try command("RECV eof=wait jobs") == receive("jobs", eof: true))
    }

    @Test("CANCEL names a tag")
    func cancelNamesATag() throws {
        #expect(try command("CANCEL #a.B_9-z") == .cancel(try tag("a.B_9-z")))
    }

    @Test("HELP takes every verb", arguments: Verb.allCases)
    func helpExplainsEveryVerb(_ verb: Verb) throws {
        #expect(try command("HELP \(verb.rawValue)") == .help(verb))
        #expect(try command("HELP \(verb.rawValue.lowercased())") == .help(verb))
    }

    @Test("A tag before the verb belongs to the request")
    func tagsStandBeforeTheVerb() throws {
        let steps = RequestFeed.steps(of: "#a17 RECV jobs\n#b PING hi\nQUIT\n")
        #expect(
            steps == [
                .request(Request(tag: try tag("a17"), command: try receive("jobs"))),
                .request(Request(tag: try tag("b"), command: .ping(Body("hi")))),
                .request(Request(command: .quit)),
            ])
    }

    @Test("Empty lines are ignored")
    func emptyLinesAreNoRequests() throws {
        #expect(RequestFeed.steps(of: "\n\r\n\nPING\n\r\n\nQUIT\n").map(\.command) == [.ping([]), .quit])
    }
}
