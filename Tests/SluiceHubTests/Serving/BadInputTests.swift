import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Bad input over a real socket: each mistake is answered with an error, and the connection goes on.
@Suite(.bounded) struct BadInputTests {
    /// Bad lines for every verb, each with the code of its error.
    private static let lines: [(String, WireError.Code)] = [
        // Verbs and words.
        ("bogus", .unknownCommand), ("SEND", .syntax), ("RECV", .syntax), ("SELECT", .syntax), ("BARRIER", .syntax),
        ("ACK", .syntax), ("NACK", .syntax), ("TOUCH", .syntax), ("OPEN", .syntax), ("CLOSE", .syntax),
        ("POISON", .syntax), ("JOIN", .syntax), ("LEAVE", .syntax), ("NAME", .syntax), ("AUTH", .syntax),
        ("CANCEL", .syntax), ("CANCEL tag", .syntax), ("HELP bogus", .unknownCommand), ("HELLO you", .syntax),
        ("QUIT now", .syntax), ("RECV a b", .syntax), ("CLOSE a b", .syntax), ("TOUCH 1.0 x", .syntax),
        ("RECV  a", .syntax), (" RECV a", .syntax), ("#a", .syntax), ("# RECV a", .badName),
        // Names, tags, leases.
        ("RECV -a", .badName), ("SEND a! x", .badName), ("RECV \u{e9}", .badName), ("CHANNELS -x", .badName),
        ("WAITERS x!", .badName), ("NAME two words", .syntax), ("NAME -x", .badName),
        ("BARRIER parties=1 -b", .badName),
        ("ACK 1", .badName), ("ACK 01.0", .badName), ("NACK x.y", .badName), ("TOUCH -1.0", .badName),
        ("#\(String(repeating: "t", count: 33)) PING", .badName),
        ("RECV \(String(repeating: "n", count: 201))", .badName),
        ("SEND id=a!b c x", .badName), ("SEND id=\(String(repeating: "i", count: 65)) c x", .badName),
        // Options that are unknown, misplaced, repeated or meaningless.
        ("SEND wait=1 a x", .badOption), ("RECV need=1 a", .badOption), ("RECV order=fair a", .badOption),
        ("SEND lease=1s a x", .badOption), ("PING timeout=1s", .badOption), ("CLOSE force=1 a", .badOption),
        ("HELLO x=y", .badOption), ("ACK delay=1s 1.0", .badOption), ("RECV timeout=1s timeout=1s a", .badOption),
        ("SEND epoch=1 a x", .badOption), ("SEND until=soon a x", .badOption), ("RECV eof=stay a", .badOption),
        ("RECV window=2 a", .badOption), ("#a RECV window=2 lease=1s a", .badOption),
        ("RECV count=2 a", .badOption), ("RECV count=* a", .badOption), ("TRACE", .badOption),
        ("SELECT order=any recv a", .badOption), ("SELECT timeout=1s recv a | else", .badOption),
        ("SELECT send lease=1s a x", .badOption), ("SELECT recv id=1 a", .badOption),
        ("OPEN overflow=spill a", .badOption), ("OPEN kind=stack a", .badOption),
        ("OPEN kind=broadcast cap=1 a", .badOption), ("OPEN kind=once overflow=block a", .badOption),
        ("JOIN end=both a", .badOption), ("JOIN end=send on-death=wait a", .badOption),
        ("LEAVE end=send on-death=retire a", .badOption), ("INFO format=xml", .badOption),
        // Numbers.
        ("RECV timeout=1 a", .badNumber), ("RECV timeout=-1s a", .badNumber), ("RECV timeout=1.5s a", .badNumber),
        ("RECV timeout=876001h a", .badNumber), ("RECV lease=0 a", .badNumber), ("#a RECV count=0 a", .badNumber),
        ("#a RECV count=01 a", .badNumber), ("#a RECV lease=1s count=* window=0 a", .badNumber),
        ("SEND need=-1 a x", .badNumber), ("SEND id=1 epoch=+1 a x", .badNumber), ("OPEN cap=x a", .badNumber),
        ("OPEN cap=18446744073709551616 a", .badNumber), ("BARRIER parties=0 a", .badNumber),
        ("SELECT barrier parties=0 a", .badNumber), ("NACK delay=soon 1.0", .badNumber),
        // Arms.
        ("SELECT frob a", .syntax), ("SELECT recv a | ", .syntax), ("SELECT else", .syntax),
        ("SELECT else | recv a", .syntax), ("SELECT barrier a | barrier a", .conflict),
        // Things that do not exist or have another state.
        ("ACK 1.0", .stale), ("NACK 1.0", .stale), ("TOUCH 1.0", .stale),
        ("NACK delay=1s 4294967295.4294967295", .stale),
        ("LEAVE end=send a", .notFound), ("AUTH a b", .denied),
        // Limits.
        ("OPEN cap=65537 a", .limit), ("#a RECV count=* lease=1s window=1025 a", .limit),
        ("SELECT " + (0..<65).map { "recv c\($0)" }.joined(separator: " | "), .limit),
        ("PING " + String(repeating: "x", count: 8188), .tooLong),
    ]

    @Test("Every bad line is refused with its code, and the next line runs", arguments: ["\n", "\r\n"])
    func eachBadLineIsRefusedAndTheNextOneRuns(end: String) throws {
        try HubService.run { service in
            let client = try await service.connect()
            for (line, code) in Self.lines {
                try await client.say(line + end + "PING\(end)")
                let reply = try await client.hearLine()
                let tag = line.hasPrefix("#a") ? "#a " : ""
                #expect(reply.hasPrefix("\(tag)ERR \(code) "), "\(line.prefix(60)): \(reply)")
                #expect(try await client.hearLine() == "OK", "\(line.prefix(60))")
            }
            #expect(service.hub.parkedCount == 0)
            #expect(service.hub.channelCount == 0)
        }
    }

    @Test(
        "A line exactly at a limit is executed",
        arguments: [
            ("OPEN cap=65536 a", "OK"), ("#a RECV count=* lease=1s window=1024 timeout=0 a", "#a TIMEOUT"),
            ("SELECT timeout=0 " + (0..<64).map { "recv c\($0)" }.joined(separator: " | "), "TIMEOUT"),
            ("RECV timeout=0 " + String(repeating: "n", count: 200), "TIMEOUT"),
            ("#" + String(repeating: "t", count: 32) + " PING", "#" + String(repeating: "t", count: 32) + " OK"),
            ("SEND timeout=0 id=" + String(repeating: "i", count: 64) + " c x", "TIMEOUT"),
            ("SEND timeout=0 c " + String(repeating: "x", count: 8175), "TIMEOUT"),
            ("RECV timeout=0 lease=876000h c", "TIMEOUT"),
            ("BARRIER parties=9223372036854775807 timeout=0 b", "TIMEOUT"),
        ])
    func aLineAtALimitIsExecuted(line: String, reply: String) throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say(line + "\n")
            #expect(try await client.hearLine() == reply)
        }
    }

    @Test("Bodies can arrive in pieces of any size", arguments: [1, 2, 3, 5, 7, 16, 64, 4096])
    func bodiesAreTakenInPiecesOfAnySize(piece: Int) throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            let good =
                "#1 SEND len=6 c\na\nb\r\nc\nSELECT send len=0 d | send len=3 e\n\nx\n\n\n#2 RECV e\nPING len=1\n\n\n"
            let bad = "SEND len=12 c! x\nSEND c x\n123\nSEND len=3 b x\nabc\nPING\n"
            try await other.say("RECV c\nRECV d\n")
            for text in [good, bad] {
                var bytes = Array(text.utf8)[...]
                while !bytes.isEmpty {
                    try await client.stream.write(bytes.prefix(piece))
                    bytes = bytes.dropFirst(piece)
                    await Task.yield()
                }
            }
            try await other.hear("MSG c 6\na\nb\r\nc\nMSG d 0\n\n")
            var lines: [String] = []
            for _ in 0..<7 { lines.append(try await client.hearLine()) }
            #expect(lines.contains("#1 OK"))
            #expect(
                lines.filter { $0 != "#1 OK" }.map { String($0.prefix(12)) } == [
                    "OK arm=0", "DATA 1", "", "", "ERR bad-name", "ERR syntax w",
                ])
            #expect(try await client.hearLine() == "OK")
        }
    }

    @Test(
        "A body of another length than announced ends the connection",
        arguments: [
            "SEND len=3 c\nabcd\nPING\n", "SEND len=4 c\nab\nPING\n", "SEND len=3 c\nabc PING\n",
            "SELECT send len=1 a | send len=1 b\nx\nyz\n", "PING len=2\nabc\n", "SEND len=-3 c\nabc\n",
            "SEND len=67108865 c\n",
        ])
    func aBodyOfTheWrongLengthEndsTheConnection(text: String) throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say(text)
            #expect(try await client.hearLine().hasPrefix("ERR framing "))
            try await client.hearEnd()
            #expect(service.hub.parkedCount == 0)
        }
    }

    @Test("A body at the limit is accepted, and one past the limit is skipped")
    func aBodyAtTheLimitIsTakenAndOnePastItIsPassedOver() throws {
        var limits = HubLimits()
        limits.wire.maxBodyBytes = 1000
        try HubService.run(limits: limits) { service in
            let client = try await service.connect()
            let (fits, not) = (String(repeating: "\n", count: 1000), String(repeating: "\n", count: 1001))
            try await client.say("#1 SEND len=1000 c\n\(fits)\nRECV c\nSEND len=1001 c\n\(not)\nPING\n")
            try await client.hear("MSG c 1000\n\(fits)\n#1 OK\n")
            #expect(try await client.hearLine().hasPrefix("ERR too-big "))
            try await client.hear("OK\n")
        }
    }
}
