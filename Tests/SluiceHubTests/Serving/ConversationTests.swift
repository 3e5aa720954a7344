import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// The replies to one client over a real socket: their order, tags, errors, and the commands about the connection.
@Suite(.bounded) struct ConversationTests {
    // MARK: Order

    @Test("Replies are sent in the order in which the hub decided them")
    func repliesComeInTheOrderOfTheirDecisions() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await other.say("JOIN end=recv c\n#1 SEND c x\nQUIT\n")
            try await other.hear("OK\n")
            try await service.parked(1)
            // The other client quits after its send is answered, and it is the last receiver of the channel.
            try await client.say("#all RECV count=* c\n")
            try await client.hear("#all MSG c 1\nx\n#all CLOSED c its last receiver has gone\n")
            try await other.hearEnd(after: "#1 OK\nOK\n")
        }
    }

    @Test("Untagged commands are answered in order")
    func untaggedCommandsAreAnsweredInTheirOrder() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("PING\nping one\nbogus\nRECV timeout=0 c\nPING two\n")
            try await client.hear(
                "OK\nDATA 3\none\nERR unknown-command no such verb; HELP lists them\nTIMEOUT\nDATA 3\ntwo\n")
        }
    }

    @Test("A send is answered when its message is received")
    func aSendIsAnsweredWhenItIsReceived() throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await sender.say("SEND jobs hello\nPING\n")
            try await service.parked(1)
            try await receiver.say("RECV jobs\n")
            try await receiver.hear("MSG jobs 5\nhello\n")
            try await sender.hear("OK\nOK\n")
        }
    }

    @Test("A parked untagged command holds up the lines behind it")
    func aParkedUntaggedCommandHoldsUpEveryLineBehindIt() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("RECV a\n#t PING\nPING x\nSEND b y\n#u QUIT\n")
            try await service.parked(1)
            try await other.say("RECV timeout=0 b\nSEND a now\n#r RECV b\nPING\n")
            try await other.hear("TIMEOUT\nOK\nOK\n#r MSG b 1\ny\n")
            try await client.hearEnd(after: "MSG a 3\nnow\n#t OK\nDATA 1\nx\nOK\n#u OK\n")
        }
    }

    @Test("A parked tagged command holds up no other line")
    func aTaggedCommandHoldsUpNothing() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("#a RECV x\n#b RECV y\nPING\nSEND y 1\nSEND x 2\n")
            try await client.hear("OK\nOK\n#b MSG y 1\n1\nOK\n#a MSG x 1\n2\n")
        }
    }

    @Test("Many commands in one write are answered in order, and other clients are served in between")
    func manyCommandsInOneWriteStarveNoOtherClient() throws {
        try HubService.run { service in
            let (busy, other) = (try await service.connect(), try await service.connect())
            let count = 100_000
            let writer = service.reactor.spawn {
                try await busy.say((0..<count).map { "PING \($0)\n" }.joined())
            }
            let reader = service.reactor.spawn {
                try await busy.hear((0..<count).map { "DATA \("\($0)".utf8.count)\n\($0)\n" }.joined())
            }
            try await other.say("PING\n")
            try await other.hear("OK\n")
            #expect(reader.outcome == nil, "the other client was answered in between")
            try await writer.join()
            try await reader.join()
        }
    }

    @Test("Many sends and receives in one write are answered in order")
    func manyMatchesInOneWriteAreAnsweredInOrder() throws {
        try HubService.run { service in
            let client = try await service.connect()
            let count = 5_000
            let writer = service.reactor.spawn {
                try await client.say((0..<count).map { "#\($0) SEND c \($0)\nRECV c\n" }.joined())
            }
            try await client.hear(
                (0..<count).map { "MSG c \("\($0)".utf8.count)\n\($0)\n#\($0) OK\n" }.joined())
            try await writer.join()
        }
    }

    // MARK: Input in pieces

    private static let conversation = """
        HELLO
        ping
        ping some text
        #1 recv c
        send c hello
        #2 send len=3 d
        a
        b
        select recv d | send e x
        bogus len=4 x
        PING
        recv timeout=0 none
        #3 select recv f | recv g
        cancel #3
        quit

        """
    private static let replies =
        "OK version=1 epoch=42 max-line=8192 max-body=1048576 max-arms=64 max-tags=1024 features=call,reject,delay,fence,receivers,rejected,reply,trace,kept\n"
        + "OK\nDATA 9\nsome text\nOK\n#1 MSG c 5\nhello\nMSG d 3 arm=0\na\nb\n#2 OK\n"
        + "ERR unknown-command no such verb; HELP lists them\nTIMEOUT\nOK\n#3 CANCELLED\nOK\n"

    /// Returns the lines of the replies, sorted: if the input is cut, tagged replies may come earlier or later.
    private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init).sorted() }

    @Test("The replies are the same wherever the input is cut in two", arguments: [false, true])
    func theRepliesAreTheSameWhereverTheInputIsCut(usesCRLF: Bool) throws {
        try HubService.run { service in
            let conversation = Array(Self.conversation.utf8)
            let bodyLineFeed = try #require(Self.conversation.utf8Offset(of: "a\nb")) + 1
            let input = conversation.enumerated().flatMap { offset, byte in
                usesCRLF && byte == 0x0A && offset != bodyLineFeed ? [0x0D, byte] : [byte]
            }
            for cut in 0...input.count {
                let client = try await service.connect()
                try await client.stream.write(input[..<cut])
                // The hub reads the first part alone.
                let other = try await service.connect()
                try await other.say("PING\n")
                try await other.hear("OK\n")
                try await client.stream.write(input[cut...])
                var heard: [UInt8] = []
                while case let bytes = try await client.stream.read(upTo: 4096), !bytes.isEmpty { heard += bytes }
                #expect(lines(String(decoding: heard, as: UTF8.self)) == lines(Self.replies), "cut at \(cut)")
            }
            #expect(service.hub.parkedCount == 0)
        }
    }

    @Test("The replies are the same if the input comes byte by byte")
    func theRepliesAreTheSameOneByteAtATime() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            for byte in Self.conversation.utf8 {
                try await client.stream.write(CollectionOfOne(byte))
                try await other.say("PING\n")
                try await other.hear("OK\n")
            }
            try await client.hearEnd(after: Self.replies)
        }
    }

    // MARK: Tags

    @Test("A tag is refused until its command is answered")
    func aTagInUseIsRefused() throws {
        try HubService.run { service in
            let client = try await service.connect()
            let refusal = "#a ERR tag-in-use a command with this tag is still pending\n"
            try await client.say("#a RECV x\n#a RECV y\n#a PING\n#a bogus\n#a CANCEL #a\n#a QUIT\n")
            try await client.hear(String(repeating: refusal, count: 5))
            try await client.say("CANCEL #a\n#a PING\n")
            try await client.hear("OK\n#a CANCELLED\n#a OK\n")
        }
    }

    @Test(
        "A tag is refused until its command is answered, on a line that repeats the one before too",
        arguments: ["PING", "SEND y hello", "RECV timeout=0 y"])
    func aTagInUseIsRefusedOnARepeatedLine(command: String) throws {
        try HubService.run { service in
            let client = try await service.connect()
            let drain = try await service.connect()
            try await drain.say("#d RECV count=* y\nPING\n")
            try await drain.hear("OK\n")
            let answer = command.hasPrefix("RECV") ? "TIMEOUT" : "OK"
            try await client.say("#a RECV x\n" + String(repeating: "#b \(command)\n", count: 8))
            try await client.hear(String(repeating: "#b \(answer)\n", count: 8))
            try await client.say("#a \(command)\n#b \(command)\n")
            try await client.hear("#a ERR tag-in-use a command with this tag is still pending\n#b \(answer)\n")
        }
    }

    @Test("CANCEL withdraws a pending command, and is answered OK in any case")
    func cancelIsAlwaysAnsweredOK() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("#a RECV x\nCANCEL #a\nCANCEL #a\n#b CANCEL #none\n")
            try await client.hear("OK\n#a CANCELLED\nOK\n#b OK\n")
        }
    }

    // MARK: The connection itself

    @Test("QUIT is answered after the commands before it")
    func quitIsAnsweredAfterEverythingBeforeIt() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("#a RECV x\nQUIT\nSEND x never\nPING\n")
            try await service.parked(1)
            try await other.say("SEND x y\n")
            try await other.hear("OK\n")
            try await client.hearEnd(after: "#a MSG x 1\ny\nOK\n")
            #expect(service.hub.parkedCount == 0)
        }
    }

    @Test("HELP answers with an overview and with pages")
    func helpIsAnswered() throws {
        try HubService.run { service in
            let client = try await service.connect()
            let overview = String(decoding: Help(limits: Limits()).body(for: nil), as: UTF8.self)
            let page = String(decoding: Help(limits: Limits()).body(for: .select), as: UTF8.self)
            try await client.say("HELP\nhelp select\n")
            try await client.hear("DATA \(overview.utf8.count)\n\(overview)\nDATA \(page.utf8.count)\n\(page)\n")
        }
    }

    @Test(
        "A fatal error is the last reply, and no command after it runs",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\nSEND jobs smuggled\n", "not-sluice"),
            ("\u{16}\u{3}\u{1}\u{2}\u{0}\nSEND jobs smuggled\n", "not-sluice"),
            ("SSH-2.0-OpenSSH_9.2\r\nSEND jobs smuggled\n", "not-sluice"),
            ("SEND len=3 jobs\nabcdSEND jobs smuggled\n", "framing"),
            ("SEND len=-1 jobs\nSEND jobs smuggled\n", "framing"),
        ])
    func aFatalErrorIsTheLastReplyAndNothingBehindItRuns(input: String, code: String) throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say(input)
            var heard: [UInt8] = []
            while case let bytes = try await client.stream.read(upTo: 4096), !bytes.isEmpty { heard += bytes }
            let text = String(decoding: heard, as: UTF8.self)
            #expect(text.hasPrefix("ERR \(code) "))
            #expect(text.utf8.count { $0 == 0x0A } == 1)
            #expect(service.hub.parkedCount == 0)
            client.stream.close()
            try await service.until { service.hub.endings[.refused] == 1 }
        }
    }

    @Test("A fatal error withdraws the connection's parked operations at once")
    func aFatalErrorWithdrawsParkedOperations() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("#a RECV x\n#b SEND len=z y\n")
            try await client.hear("#a CANCELLED closing\n#b ERR framing")
            try await other.say("SEND timeout=0 x y\n")
            try await other.hear("TIMEOUT\n")
        }
    }

    @Test("The body that a refused line announced is skipped")
    func theBodyOfARefusedLineIsSkipped() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("SEND len=10 !bad\nQUIT\nQUIT\n\nPING\n")
            try await client.hear(
                "ERR bad-name a name must be 1 to 200 bytes of A-Z a-z 0-9 . _ : / - and must not begin with -\nOK\n")
        }
    }

    @Test("Empty lines are ignored")
    func emptyLinesAreIgnored() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("\n\r\n\nPING\n\n")
            try await client.hear("OK\n")
        }
    }
}

extension String {
    fileprivate func utf8Offset(of text: String) -> Int? {
        firstRange(of: text).map { utf8.distance(from: startIndex, to: $0.lowerBound) }
    }
}
