import SluiceWire
import Testing

/// Commands for reports, `NAME` and `AUTH`.
@Suite struct InspectionTests {
    private static func subjects() throws -> [(String, Inspection.Subject)] {
        let name = try channel("a/b")
        return [
            ("INFO", .server), ("CHANNELS", .channels(prefix: nil)), ("WAITERS", .waiters(channel: nil)),
            ("CLIENTS", .clients), ("STUCK", .stuck), ("CHANNELS a/b", .channels(prefix: name)),
            ("WAITERS a/b", .waiters(channel: name)),
        ]
    }

    @Test("A report without format= is a text")
    func reportsAreForPeopleUnlessTheySayOtherwise() throws {
        for (line, subject) in try Self.subjects() {
            #expect(try command(line) == .inspect(Inspection(subject, format: .text)))
            #expect(try command(line.lowercased()) == .inspect(Inspection(subject, format: .text)))
            let steps = RequestFeed.steps(of: "#t \(line)\r\n")
            #expect(steps == [.request(Request(tag: try tag("t"), command: .inspect(Inspection(subject))))])
        }
    }

    @Test("Every report takes every format", arguments: ReportFormat.allCases)
    func everyFormatIsKnown(_ format: ReportFormat) throws {
        for (line, subject) in try Self.subjects() {
            var words = line.split(separator: " ").map(String.init)
            words.insert("format=\(format.rawValue)", at: 1)
            #expect(try command(words.joined(separator: " ")) == .inspect(Inspection(subject, format: format)))
        }
    }

    @Test(
        "TRACE needs a tag",
        arguments: [
            ("#a TRACE", nil, ReportFormat.text), ("#a trace a/", "a/", .text), ("#a TRACE format=text a", "a", .text),
            ("#a TRACE FORMAT=json", nil, .json), ("#a TRACE format=json _", "_", .json),
        ])
    func aTraceIsTagged(_ line: String, _ prefix: String?, _ format: ReportFormat) throws {
        let expected = TraceCommand(prefix: try prefix.map(channel), format: format)
        #expect(
            RequestFeed.steps(of: line + "\n") == [
                .request(Request(tag: try tag("a"), command: .trace(expected)))
            ])
        expectRefusal(String(line.dropFirst(3)), "bad-option")
    }

    @Test(
        "An invalid request for a report is refused",
        arguments: ["INFO", "CLIENTS", "STUCK", "CHANNELS", "WAITERS", "#a TRACE"])
    func badReportsAreRefused(_ verb: String) {
        for (rest, code) in [
            ("  a", "syntax"), (" a b", "syntax"), (" format=", "bad-option"),
            (" format=xml", "bad-option"), (" format=JSON", "bad-option"), (" format=text format=text", "bad-option"),
            (" timeout=1s", "bad-option"), (" lease=1s", "bad-option"),
        ] {
            expectRefusal(verb + rest, code)
        }
    }

    @Test("INFO, CLIENTS and STUCK take no name", arguments: ["INFO", "CLIENTS", "STUCK"])
    func reportsOnEverythingTakeNoName(_ verb: String) {
        expectRefusal("\(verb) a", "syntax")
        expectRefusal("\(verb) format=json a", "syntax")
    }

    @Test("CHANNELS, WAITERS and TRACE refuse an invalid name", arguments: ["CHANNELS", "WAITERS", "#a TRACE"])
    func reportsOnSomeTakeAName(_ verb: String) {
        expectRefusal("\(verb) -a", "bad-name")
        expectRefusal("\(verb) a*", "bad-name")
        expectRefusal("\(verb) a format=json", "syntax")
    }

    @Test("KILL names an address or a principal, and a reason")
    func connectionsAreKilled() throws {
        #expect(try command("KILL client=127.0.0.1:5000") == .kill(KillCommand(.client("127.0.0.1:5000"))))
        #expect(
            try command("kill principal=alice too many jobs")
                == .kill(KillCommand(.principal(try channel("alice")), reason: "too many jobs")))
        for (line, code) in [
            ("KILL", "syntax"), ("KILL alice", "syntax"), ("KILL client=a principal=b", "syntax"),
            ("KILL client=", "bad-option"), ("KILL principal=", "bad-name"), ("KILL principal=a!", "bad-name"),
            ("KILL client=a client=b", "bad-option"), ("KILL label=a", "bad-option"),
        ] { expectRefusal(line, code) }
    }

    @Test("NAME labels the connection")
    func connectionsHaveNames() throws {
        #expect(try command("NAME worker-1") == .name(try channel("worker-1")))
        #expect(try command("name a:b/c") == .name(try channel("a:b/c")))
        for line in ["NAME waits=all worker-1", "name worker-1 WAITS=all"] {
            #expect(try command(line) == .name(try channel("worker-1"), waitsForAll: true))
        }
    }

    @Test(
        "An invalid NAME is refused",
        arguments: [
            ("NAME ", "syntax"), ("NAME  a", "syntax"), ("NAME a b", "syntax"),
            ("NAME -a", "bad-name"),
            ("NAME a!", "bad-name"), ("NAME ä", "bad-name"), ("NAME label=a", "bad-option"),
            ("NAME waits=some a", "bad-option"), ("NAME waits=all a waits=all", "bad-option"),
            ("NAME a waits=all b", "syntax"),
        ])
    func badNamesOfConnectionsAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    @Test(
        "AUTH takes any word as a token",
        arguments: ["s3cret", "a=b", "#a", "-", "len=10", "\u{0}\u{1}\t", "ünï", "a\rb", "|"])
    func aTokenIsAnyWord(_ token: String) throws {
        let expected = Credentials(try channel("alice"), token: Body(token))
        #expect(try command("AUTH alice \(token)") == .authenticate(expected))
        #expect(try command("auth alice \(token)\r") == .authenticate(expected))
    }

    @Test("A token may hold any byte except a space and a line feed")
    func aTokenMayBeAnyBytesButASpaceAndALineEnd() throws {
        let token = (0...255).map(UInt8.init).filter { $0 != 0x0A && $0 != 0x20 } + [0xFF]
        let steps = RequestFeed.steps(of: Body("AUTH a ") + token + [0x0A])
        #expect(steps.map(\.command) == [.authenticate(Credentials(try channel("a"), token: token))])
    }

    @Test(
        "An invalid AUTH is refused",
        arguments: [
            ("AUTH ", "syntax"), ("AUTH alice", "syntax"), ("AUTH alice ", "syntax"), ("AUTH alice  x", "syntax"),
            ("AUTH  alice x", "syntax"), ("AUTH alice x y", "syntax"),
            ("AUTH -a x", "bad-name"),
            ("AUTH a! x", "bad-name"), ("AUTH token=x alice x", "bad-option"),
        ])
    func badCredentialsAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }
}
