import SluiceWire
import Testing

/// No byte of a body runs as a command, regardless of any error in the line before it.
@Suite struct SmugglingTests {
    /// Ten bytes that would be a command if they were read as lines.
    private static let payload = "SEND x y\n\n"

    /// Invalid lines that announce a body of ten bytes.
    private static let refusedLines = [
        "SEND len=10", "SEND len=10 ", "SEND len=10 -x", "SEND len=10 ünï", "SEND len=10 jobs text",
        "SEND x=1 len=10 jobs", "SEND len=10 x=1 jobs", "SEND timeout=1 len=10 jobs", "SEND len=10 timeout=x jobs",
        "SEND eof=no len=10 jobs", "SEND lease=1s LEN=10 jobs", "SEND  len=10 jobs", "SEND len=10  jobs",
        "SEND\tlen=10 jobs",
        "SEND =x len=10 jobs", "SEND timeout=1s timeout=2s len=10 jobs", " SEND len=10 jobs", "\tSEND len=10 jobs",
        "RECV len=10 jobs", "RECV timeout=1s len=10 jobs", "HELLO len=10", "QUIT len=10", "HELP len=10",
        "CANCEL len=10 #a",
        "PING x=1 len=10", "PING len=10 text", "FROB len=10 jobs", "FROB a=b len=10 jobs", "OPEN len=10 jobs",
        "#! SEND len=10 jobs", "# SEND len=10 jobs", "#ab  SEND len=10 jobs", "#ab SEND len=10 -x",
        "SELECT len=10 recv a",
        "SELECT send len=10 -x", "SELECT send len=10", "SELECT send len=10 a text", "SELECT send x=1 len=10 a",
        "SELECT recv len=10 a", "SELECT recv -x | send len=10 a", "SELECT send len=10 a | frob", "SELECT frob len=10 a",
        "SELECT order=x send len=10 a", "SELECT timeout=1s send len=10 a | else", "SELECT else | send len=10 a",
        "SELECT send len=10 a | ", "SELECT send len=10 a |", "SELECT  send len=10 a", "SELECT send  len=10 a",
        "SEND epoch=1 len=10 jobs", "SEND len=10 id=! jobs", "SEND id=x len=10 jobs text", "SEND need=-1 len=10 jobs",
        "SEND until=x len=10 jobs", "SEND len=10 id=x id=x jobs", "RECV count=0 len=10 jobs",
        "RECV len=10 lease=1s jobs",
        "RECV count=1 len=10 jobs", "#ab RECV count=1 len=10 jobs", "AUTH len=10 a b", "AUTH len=10", "NAME len=10 a",
        "BARRIER len=10 parties=2 a", "BARRIER parties=2 len=10 a", "ACK len=10 x", "ACK len=10 1.1 text",
        "ACK x=1 len=10 1.1", "ACK len=10", "CALL len=10", "CALL len=10 jobs text", "CALL need=1 len=10 jobs",
        "CALL until=taken len=10 jobs", "NACK len=10 1.1",
        "NACK delay=1s len=10 1.1", "TOUCH len=10 1.1", "OPEN cap=1 len=10 jobs", "OPEN len=10 kind=x jobs",
        "CLOSE len=10 jobs", "POISON len=10 jobs reason", "POISON len=10 jobs", "JOIN len=10 end=send jobs",
        "JOIN end=send on-death=poison len=10 jobs", "LEAVE len=10 end=recv jobs", "LEAVE len=10 jobs", "INFO len=10",
        "INFO format=json len=10", "CHANNELS len=10 a", "CHANNELS format=x len=10", "WAITERS len=10 a",
        "CLIENTS len=10",
        "STUCK len=10", "TRACE len=10", "#ab TRACE len=10", "#ab TRACE format=json LEN=10 a", "\tOPEN len=10 jobs",
        "poison  len=10 jobs", "join\tlen=10 jobs",
        "SELECT send id=! len=10 a", "SELECT send len=10 id=x a text", "SELECT barrier len=10 a",
        "SELECT barrier parties=0 a | send len=10 b", "SELECT barrier a | send id=x len=10 b | recv lease=0 a",
        "SELECT recv lease=1s len=10 a", "SELECT recv lease=0 a | send id=x len=10 b",
        "ÿýSEND len=10 jobs", "\u{0}\u{1} len=10", "FROB max-len=9 len=10",
    ]

    @Test("The body of a refused command is skipped exactly", arguments: refusedLines, ["\n", "\r\n"])
    func theBodyOfARefusedCommandIsDiscardedExactly(_ line: String, _ end: String) {
        let steps = RequestFeed.steps(of: line + end + Self.payload + end + "PING\n")
        #expect(steps.count == 2)
        #expect(steps.first?.code?.isFatal == false)
        #expect(steps.last?.command == .ping([]))
    }

    @Test("A skipped body without a line end ends the connection", arguments: refusedLines)
    func theBodyOfARefusedCommandEndsWithALineEnd(_ line: String) {
        let steps = RequestFeed.steps(of: line + "\n" + Self.payload + "PING\nPING\n")
        #expect(steps.count == 2)
        #expect(steps.last?.code == .framing)
    }

    /// Lengths that two parsers might read as different numbers, or that are no numbers.
    private static let unknowableLengths = [
        "", "-1", "+1", "01", "00", "1_0", "0x10", "1e1", "1.0", "10,", "a", "\u{663}", "1\u{0}", "\"10\"",
        "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
        "340282366920938463463374607431768211456", "99999999999999999999999999", "67108865",
    ]

    @Test("An invalid length ends the connection", arguments: unknowableLengths)
    func aLengthThatCannotBeKnownEndsTheConnection(_ length: String) {
        let lines = [
            "SEND len=\(length) jobs", "SEND timeout=5 len=\(length) jobs", "#a SEND LEN=\(length) jobs",
            "RECV len=\(length) a",
            "ACK len=\(length) 1.1", "CALL len=\(length) jobs", "FROB len=\(length)",
            "SELECT recv a | send len=\(length) b", "SELECT -x | send len=\(length) b",
            "SEND len=\(length) len=1 jobs", "SEND len=1 len=\(length) jobs", "PING len=\(length)",
            "QUIT len=\(length)", "OPEN len=\(length) a", "POISON len=\(length) a b",
            "BARRIER parties=2 len=\(length) a",
            "#a TRACE len=\(length)", "INFO len=\(length)", "AUTH len=\(length) a b", "SEND id=x len=\(length) a",
            "SELECT barrier a | send id=x len=\(length) b", "SELECT barrier len=\(length) a",
        ]
        for line in lines {
            let steps = RequestFeed.steps(of: line + "\n" + Self.payload + "\nPING\n")
            #expect(steps.map(\.code) == [.framing], "\(line)")
        }
    }

    @Test(
        "A line with ambiguous lengths ends the connection",
        arguments: [
            "SEND len=1 len=1 jobs", "SEND len=1 LEN=2 jobs", "SELECT send len=1 len=1 a", "FROB x len=10",
            "FROB len=10 x len=10",
            "SELECT recv a| send len=10 b", "SELECT recv a |send len=10 b", "SELECT recv a |\tsend len=10 b",
            "SELECT recv -x | send a len=10", "SELECT recv a len=10", "len=10", "len=10 SEND jobs", "#a len=10",
            "SEND\u{0}len=10 a",
            "FROB (len=10)", "SELECT recv a;send len=10 b", "\u{1}len=10",
        ])
    func aLineThatReadsTwoWaysEndsTheConnection(_ line: String) {
        let steps = RequestFeed.steps(of: line + "\n" + Self.payload + "\nPING\n")
        #expect(steps.map(\.code) == [.framing])
    }

    @Test(
        "The body of an overlong line is skipped",
        arguments: [
            "#a SEND len=10 ", "SEND timeout=1s len=10 jobs ", "PING len=10 ", "RECV len=10 a ",
            "FROB len=10 a ", "POISON len=10 a ", "AUTH len=10 a ", "OPEN cap=1 len=10 a ", "SEND id=x len=10 a ",
        ])
    func theBodyBehindAnOverlongLineIsDiscarded(_ beginning: String) {
        let line = beginning + String(repeating: "x", count: 9000) + "\n"
        let steps = RequestFeed.steps(of: line + Self.payload + "\nPING\n")
        #expect(steps.map(\.code) == [.tooLong, nil])
    }

    @Test(
        "An overlong line that may announce bodies beyond the limit ends the connection",
        arguments: [
            ("SEND ", "timeout=1s "), ("SEND", " "), ("SELECT send len=10 a", " | recv a"), ("FROB ", "x=1 "),
            ("#a SEND ", "eof=wait "),
            ("SEND timeout=", "1"), ("SEND id=", "x"), ("OPEN ", "cap=1 "), ("SELECT barrier a", " | barrier b"),
            ("SELECT send a ", "x"), ("SEND x=1 ", "len=1"),
        ])
    func anOverlongLineThatMayAnnounceBodiesBehindTheCutEndsTheConnection(_ beginning: String, _ filling: String) {
        let line = beginning + String(repeating: filling, count: 9000) + "\n"
        #expect(RequestFeed.steps(of: line + Self.payload + "\nPING\n").map(\.code) == [.framing])
    }

    @Test("An option that the limit cuts may be a length and ends the connection")
    func anOptionThatTheCutDividesMayBeALength() {
        let limits = Limits(maxLineBytes: 20)
        for (length, line) in ["SEND timeout=10s len=10 jobs", "SEND timeout=100s len=10 jobs"].enumerated() {
            #expect(RequestFeed.steps(of: line + "\n", limits: limits).map(\.code) == [.framing], "\(length)")
        }
    }

    @Test("A body longer than announced ends the connection")
    func aBodyThatIsLongerThanAnnouncedEndsTheConnection() throws {
        let steps = RequestFeed.steps(of: "#a SEND len=4 jobs\nhello\nQUIT\n")
        guard case .refused(let found, let error) = steps.first else {
            Issue.record("not refused")
            return
        }
        #expect(steps.count == 1)
        #expect(found == (try tag("a")))
        #expect(error.code == .framing)
    }

    @Test("Only a line end ends a body", arguments: ["\r", "\rx", "\r\r\n", " \n", "\u{0}\n", "x"])
    func onlyALineEndEndsABody(_ end: String) {
        for piece in [1, Int.max] {
            let steps = RequestFeed.steps(of: "SEND len=2 jobs\nhi\(end)QUIT\nQUIT\n", piece: piece)
            #expect(steps.map(\.code) == [.framing])
        }
    }

    @Test("No command runs after a fatal error")
    func nothingRunsAfterAFatalRefusal() {
        let feed = RequestFeed()
        feed.receive(Array("SEND len=x jobs\nQUIT\n".utf8))
        feed.receive(Array("QUIT\n".utf8))
        #expect(feed.steps.map(\.code) == [.framing])
        #expect(feed.pendingBytes == 0)
    }

    @Test("A text may mention len=")
    func textThatMentionsALengthIsText() {
        let lines =
            "SEND jobs len=5\nSELECT send a len=5 x | send b len=6\nSEND -x len=5\nRECV jobs len=5\nPING x len=5\nQUIT\n"
        let steps = RequestFeed.steps(of: lines)
        #expect(steps.map(\.code) == [nil, nil, .badName, .syntax, nil, nil])
        let more =
            "POISON a len=5\nAUTH a len=5\nSEND id=x a len=5\nOPEN a len=5\nCLOSE a len=5\nACK 1.1 len=5\nNACK 1.1 len=5\nQUIT\n"
        #expect(RequestFeed.steps(of: more).map(\.code) == [nil, nil, nil, .syntax, .syntax, nil, .syntax, nil])
    }
}
