import SluiceWire
import Testing

@Suite struct RefusalTests {
    @Test(
        "An invalid line is refused and the connection stays usable",
        arguments: [
            ("FROB", "unknown-command"), ("PINGS", "unknown-command"), ("PIN", "unknown-command"),
            ("ACKS 1", "unknown-command"),
            ("OPENS jobs", "unknown-command"), ("HELP frob", "unknown-command"),
            ("sixteen-letters-x a", "unknown-command"),
            (" PING", "syntax"), ("\tPING", "syntax"), ("PING\tx", "syntax"), ("\u{0}PING", "syntax"),
            ("P!NG", "syntax"),
            ("ÿPING", "syntax"), ("PING\u{0}", "syntax"), (" ", "syntax"), ("\r\r", "syntax"), ("P\rING", "syntax"),
            ("#t", "syntax"), ("#t ", "syntax"), ("#t  PING", "syntax"), ("# PING", "bad-name"), ("#", "bad-name"),
            ("#ä PING", "bad-name"), ("#a:b PING", "bad-name"), ("##a PING", "bad-name"), ("#a\u{0} PING", "bad-name"),
            ("HELLO 1", "syntax"), ("HELLO version=1", "bad-option"), ("QUIT now", "syntax"),
            ("HELP SEND RECV", "syntax"),
            ("CANCEL", "syntax"), ("CANCEL a", "syntax"), ("CANCEL #", "bad-name"), ("CANCEL #a b", "syntax"),
            ("CANCEL #ä", "bad-name"), ("CANCEL timeout=1s #a", "bad-option"),
            ("RECV", "syntax"), ("RECV ", "syntax"), ("RECV  jobs", "syntax"),
            ("RECV jobs x", "syntax"), ("RECV -jobs", "bad-name"), ("RECV jöbs", "bad-name"),
            ("RECV jobs!", "bad-name"),
            ("RECV jobs\u{0}", "bad-name"), ("RECV jo\rbs", "bad-name"), ("RECV jobs\u{1B}[2J", "bad-name"),
            ("RECV cap=5 jobs", "bad-option"), ("RECV id=x jobs", "bad-option"),
            ("RECV order=fair jobs", "bad-option"),
            ("RECV eof= jobs", "bad-option"), ("RECV eof=stop jobs", "bad-option"),
            ("RECV eof=WAIT jobs", "bad-option"),
            ("RECV eof=wait eof=wait jobs", "bad-option"), ("RECV timeout=1s timeout=1s jobs", "bad-option"),
            ("RECV timeout=0 TIMEOUT=0 jobs", "bad-option"), ("RECV =5 jobs", "bad-name"),
            ("RECV t-1=5 jobs", "bad-option"),
            ("RECV timeout= jobs", "bad-number"), ("RECV timeout=5 jobs", "bad-number"),
            ("RECV timeout=s jobs", "bad-number"),
            ("RECV timeout=-1s jobs", "bad-number"), ("RECV timeout=+1s jobs", "bad-number"),
            ("RECV timeout=01s jobs", "bad-number"), ("RECV timeout=00 jobs", "bad-number"),
            ("RECV timeout=1.5s jobs", "bad-number"), ("RECV timeout=1S jobs", "bad-number"),
            ("RECV timeout=1us jobs", "bad-number"), ("RECV timeout=1d jobs", "bad-number"),
            ("RECV timeout=1s1s jobs", "bad-number"), ("RECV timeout=0x1s jobs", "bad-number"),
            ("RECV timeout=1e3s jobs", "bad-number"), ("RECV timeout=٣s jobs", "bad-number"),
            ("RECV timeout=876001h jobs", "bad-number"), ("RECV timeout=9223372036854775807ms jobs", "bad-number"),
            ("RECV timeout=9223372036854775807h jobs", "bad-number"),
            ("RECV timeout=9223372036854775808ms jobs", "bad-number"),
            ("RECV timeout=18446744073709551616s jobs", "bad-number"), ("SEND", "syntax"), ("SEND ", "syntax"),
            ("SEND  jobs x", "syntax"), ("SEND timeout=1s", "syntax"), ("SEND -jobs x", "bad-name"),
            ("SEND lease=1s jobs x", "bad-option"), ("SEND order=fair jobs x", "bad-option"),
            ("PING x=1", "bad-option"),
        ])
    func badLinesAreRefusedAndTheConnectionGoesOn(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    @Test(
        "Spaces at the end of a line are ignored where no text can be lost",
        arguments: [
            "HELLO", "QUIT", "HELP", "HELP SEND", "CANCEL #a", "RECV jobs", "RECV timeout=1s jobs", "NAME a",
            "AUTH alice x", "SELECT barrier a", "SELECT recv a", "SELECT recv a | else", "OPEN a", "CLOSE a", "ACK 1.2",
            "NACK delay=1s 1.2", "JOIN end=send a", "BARRIER parties=2 a", "INFO", "CHANNELS", "CHANNELS a",
            "WAITERS format=json", "CLIENTS", "STUCK", "#a TRACE",
        ])
    func spacesAtTheEndAreIgnored(_ line: String) throws {
        for spaces in [" ", "   "] { #expect(try command(line + spaces) == command(line)) }
    }

    @Test("Spaces at the end of a text belong to it")
    func spacesAtTheEndOfATextAreKept() throws {
        #expect(try command("SEND jobs x  ") == .send(SendCommand(channel: channel("jobs"), body: Body("x  ".utf8))))
        #expect(try command("SEND jobs   ") == .send(SendCommand(channel: channel("jobs"), body: Body("  ".utf8))))
    }

    @Test("An option behind the operands is refused with the rule, and without the client's text")
    func optionsMustStandFirst() throws {
        for line in [
            "RECV jobs timeout=1s", "BARRIER parties=2 a timeout=1s", "OPEN a cap=1", "CHANNELS a format=json",
            "JOIN jobs end=recv", "LEAVE jobs end=send", "BARRIER a parties=2",
        ] {
            guard case .refused(_, let error) = RequestFeed.steps(of: line + "\n").first else {
                Issue.record("not refused: \(line)")
                continue
            }
            #expect(error.message == "options must stand before the operands, as in RECV timeout=1s jobs")
        }
    }

    @Test("Words that people type in other programs ask for help or quit")
    func habitualWords() throws {
        for (word, command) in [("?", Command.help(nil)), ("exit", .quit), ("EXIT", .quit), ("bye", .quit)] {
            #expect(try SluiceWireTests.command(word) == command)
        }
        #expect(try command("? send") == .help(.send))
        for (line, code) in [
            ("exit now", "syntax"), ("bye bye", "syntax"), ("??", "syntax"), ("? frob", "unknown-command"),
        ] {
            expectRefusal(line, code)
        }
    }

    @Test("A refusal carries the tag of its line")
    func refusalsCarryTheTag() throws {
        for line in ["FROB", "RECV -x", "SEND timeout=9 a b", "", "SEND len=x jobs", "SELECT else"] {
            let steps = RequestFeed.steps(of: "#t.1 \(line)\n")
            guard case .refused(let found, _) = steps.first else {
                Issue.record("not refused: \(line)")
                continue
            }
            #expect(found == (try tag("t.1")))
        }
    }

    @Test("Error texts never repeat input")
    func textsNeverEchoInput() {
        for line in [
            "QWX", "RECV QWX!", "RECV QWX=1 a", "RECV timeout=QWX a", "#QWX! PING", "PING QWX=1", "SELECT QWX",
            "AUTH QWX! QWX", "AUTH a QWX QWX", "AUTH QWX=1 QWX", "AUTH QWX", "NAME QWX!", "ACK QWX",
            "NACK delay=QWX 1.1",
            "SEND id=QWX! a b", "SEND until=QWX a b", "SEND need=QWX a b", "RECV count=QWX a", "RECV lease=QWX a",
            "OPEN cap=QWX a", "OPEN overflow=QWX a", "OPEN kind=QWX a", "POISON QWX! QWX", "JOIN end=QWX a",
            "JOIN on-death=QWX a", "BARRIER parties=QWX a", "INFO format=QWX", "INFO QWX", "TRACE QWX",
        ] {
            for case .refused(_, let error) in RequestFeed.steps(of: line + "\n") {
                #expect(!error.message.contains("QWX"))
            }
        }
    }

    @Test("Error texts are one short line of ASCII")
    func textsOfRefusalsAreOneShortLine() {
        var lines = [
            "#! PING", "A\u{1}", "ABC", "RECV", "RECV !", "RECV  a", "RECV a b", "RECV timeout=x a", "RECV eof=x a",
        ]
        lines += [
            "SELECT", "SELECT x", "SELECT order=x recv a", "SELECT else", "SELECT recv a | else | else", "CANCEL",
        ]
        lines += [
            "SEND id= a b", "SEND epoch=1 a b", "SEND epoch=x a b", "SEND until=x a b", "SEND need=x a b", "ACK",
            "ACK x",
            "RECV lease=0 a", "RECV count=0 a", "RECV count=1 a", "RECV window=0 a", "RECV window=1 a", "AUTH",
            "AUTH a",
            "NAME", "OPEN cap=x a", "OPEN cap=65537 a", "OPEN overflow=x a", "OPEN kind=x a", "OPEN cap=1 kind=once a",
            "JOIN a", "JOIN end=x a", "JOIN end=send on-death=x a", "LEAVE a", "BARRIER a", "BARRIER parties=0 a",
            "BARRIER parties=1", "INFO format=x", "TRACE", "NACK delay=x 1.1",
        ]
        lines += ["SELECT timeout=0 recv a | else", "SEND len=0 a b\n", "SEND len=x a", "RECV a=1 a", "HELLO x"]
        for line in lines {
            let refusals = RequestFeed.steps(of: line + "\n").compactMap { step -> WireError? in
                guard case .refused(_, let error) = step else { return nil }
                return error
            }
            #expect(refusals.count == 1, "\(line)")
            for error in refusals {
                #expect(!error.message.isEmpty && error.message.utf8.count <= 100)
                #expect(error.message.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
            }
        }
    }
}
