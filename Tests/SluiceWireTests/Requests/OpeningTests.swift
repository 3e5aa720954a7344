import SluiceWire
import Testing

/// The first bytes that arrive on a public port.
@Suite struct OpeningTests {
    ///
    /// A method may be any word, so the page that chooses it may choose a verb, or even a tag.
    private static let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI", "PROPFIND", "get",
        "trace", "HELLO", "AUTH", "NAME", "PING", "SEND", "CALL", "RECV", "SELECT", "BARRIER", "ACK", "NACK", "REJECT",
        "TOUCH",
        "OPEN", "REDRIVE", "CLOSE", "POISON", "JOIN", "LEAVE", "INFO", "CHANNELS", "WAITERS", "CLIENTS", "STUCK",
        "KILL", "CANCEL",
        "HELP",
        "QUIT",
        "ping", "Send", "sElEcT", "poison", "#a", "#a PING", "#a SEND", "#a SELECT", " PING", "\tSEND", "PING len=4",
        "SEND timeout=0", "SEND until=accepted id=a", "SELECT order=first", "PING a=b", "M-SEARCH", "!", "len=5",
    ]
    private static let targets = [
        "/", "*", "/jobs?a=1&len=5", "http://example.org/", "example.org:443", "/%0d%0aSEND", "/ len=3",
    ]
    private static let versions = ["HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/2", "http/1.1", "HTTP/1.1\r", "HTTP/1.1 "]

    static let requests = methods.flatMap { method in
        targets.flatMap { target in versions.map { "\(method) \(target) \($0)" } }
    }

    @Test("An HTTP request ends the connection before its headers", arguments: requests)
    func webRequestsAreRefusedBeforeTheirHeaders(_ line: String) {
        for end in ["\n", "\r\n"] {
            let steps = RequestFeed.steps(of: line + end + "Host: x" + end + end + "SEND jobs hello" + end)
            #expect(steps.map(\.code) == [.notSluice])
        }
    }

    @Test("The methods of the tests contain every verb")
    func everyVerbIsAMethod() {
        for verb in Verb.allCases { #expect(Self.methods.contains(verb.rawValue)) }
    }

    /// What the first header of a request looks like.
    private static let headers = [
        "Host: localhost:7333", "host:localhost", "Content-Type: text/plain", "X-1: SEND jobs x", "Upgrade: websocket",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Accept:*/*", "PING: x", "SEND: len=3", "x_y.z!~:", "A:",
    ]

    /// First lines that run, or that are refused, and whose bodies are known.
    private static let linesBeforeHeaders = Verb.allCases.flatMap { verb in
        ["\(verb.rawValue) /", "\(verb.rawValue.lowercased()) / x", "#a \(verb.rawValue) /"]
    }

    @Test("A header as the second line ends the connection, whatever the first line is", arguments: linesBeforeHeaders)
    func aHeaderEndsTheConnection(_ line: String) {
        for header in Self.headers {
            for end in ["\n", "\r\n"] {
                let text = line + end + header + end + end + "SEND jobs smuggled" + end
                for piece in [1, 3, Int.max] {
                    let steps = RequestFeed.steps(of: text, piece: piece)
                    #expect(steps.last?.code == .notSluice && steps.count <= 2, "\(line) \(header)")
                }
            }
        }
    }

    @Test("A header ends the connection also behind an overlong first line", arguments: Verb.allCases)
    func aHeaderBehindAnOverlongLineEndsTheConnection(_ verb: Verb) {
        let line = "\(verb.rawValue) /" + String(repeating: "a", count: 10_000) + " HTTP/1.1\r\n"
        for header in Self.headers {
            let steps = RequestFeed.steps(of: line + header + "\r\n\r\nSEND jobs smuggled\r\n")
            #expect(steps.last?.code?.isFatal == true && steps.count <= 2, "\(header)")
            let long = header + String(repeating: "x", count: 10_000)
            let more = RequestFeed.steps(of: line + long + "\r\n\r\nSEND jobs smuggled\r\n")
            #expect(more.last?.code?.isFatal == true && more.count <= 2, "\(header)")
        }
    }

    @Test(
        "A command that resembles a header or a request is a command",
        arguments: [
            "PING\nPING Host: x\n", "PING\nSEND a:b Host: x\n", "PING\n#a SEND jobs Host: x\n", "PING HTTP/\nPING\n",
            "SEND jobs HTTP/1.1 is old\nPING\n", "SEND jobs xHTTP/1.1\nPING\n", "PING HTTP/x\nPING\n",
            "SEND jobs len=4\nOPEN a:b\n", "SEND len=8 jobs\nHost: x\n\nPING\n", "PING\nSEND jobs x HTTP/1.1\n",
            "PING\nPING GET / HTTP/1.1\n", "SEND jobs HTTP/1.1x\nPING\n",
        ])
    func commandsThatResembleRequestsRun(_ text: String) {
        #expect(RequestFeed.steps(of: text).map(\.code) == [nil, nil])
    }

    @Test("A header that is not the second line is refused like any other line")
    func laterHeadersAreRefusedLines() {
        #expect(RequestFeed.steps(of: "PING\nPING\nHost: x\nPING\n").map(\.code) == [nil, nil, .syntax, nil])
        #expect(RequestFeed.steps(of: "Host: x\nPING\n").map(\.code) == [.syntax, nil])
    }

    @Test("The PROXY protocol ends the connection, because a request follows it")
    func theProxyProtocolIsRefused() {
        let steps = RequestFeed.steps(of: "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nPING /x HTTP/1.1\r\nHost: x\r\n")
        #expect(steps.map(\.code) == [.notSluice])
    }

    @Test(
        "An HTTP request without a version ends the connection",
        arguments: [
            "GET /", "POST /jobs", "TRACE /", "TRACE /jobs", "TRACE http://example.org/", "GET http://example.org/",
            "HTTP/1.1 200 OK", " GET / HTTP/1.1", "\u{0}GET / HTTP/1.1",
        ])
    func webRequestsAreKnownWithoutAVersionToo(_ line: String) {
        #expect(RequestFeed.steps(of: line + "\r\nSEND jobs x\r\n").map(\.code) == [.notSluice])
    }

    @Test("An HTTP request with an overlong line ends the connection")
    func webRequestsAreKnownWhenTheirLineIsTooLong() {
        let line = "GET /" + String(repeating: "a", count: 10_000) + " HTTP/1.1\r\n"
        #expect(RequestFeed.steps(of: line + "SEND jobs hello\r\n").map(\.code) == [.notSluice])
        let trace = "TRACE /" + String(repeating: "a", count: 10_000) + " HTTP/1.1\r\n"
        #expect(RequestFeed.steps(of: trace + "SEND jobs hello\r\n").map(\.code) == [.notSluice])
    }

    @Test("A tagged TRACE is a command and not an HTTP request")
    func aTraceIsACommandBehindATag() throws {
        let steps = RequestFeed.steps(of: "#a TRACE /\nTRACE / HTTP/1.1\nPING\n")
        #expect(steps.map(\.code) == [nil, .syntax, nil])
        #expect(steps.first?.command == .trace(TraceCommand(prefix: try channel("/"))))
    }

    @Test("Empty lines before an HTTP request do not hide it")
    func emptyLinesBeforeAWebRequestDoNotHideIt() {
        #expect(RequestFeed.steps(of: "\r\n\n\r\nGET / HTTP/1.1\r\nQUIT\r\n").map(\.code) == [.notSluice])
    }

    @Test("A mistyped verb is not taken for an HTTP request")
    func mistypedVerbsAreNoWebRequests() {
        for line in ["GET jobs", "GET", "POST jobs hello", "PUT jobs HTTP", "gets /"] {
            #expect(RequestFeed.steps(of: line + "\nPING\n").map(\.code) == [.unknownCommand, nil])
        }
    }

    @Test("Commands may mention HTTP in their texts")
    func commandsThatMentionTheWebAreCommands() {
        #expect(RequestFeed.steps(of: "SEND jobs HTTP/1.1 again\nPING HTTP/1.1\n").map(\.code) == [nil, nil])
        #expect(RequestFeed.steps(of: "PING\nPING GET / HTTP/1.1\n").map(\.code) == [nil, nil])
        #expect(RequestFeed.steps(of: "SEND -x HTTP/1.1 again\nPING\n").map(\.code) == [.badName, nil])
        #expect(RequestFeed.steps(of: "PING\nPOISON / HTTP/1.1\nAUTH / HTTP/1.1\n").map(\.code) == [nil, nil, nil])
        #expect(RequestFeed.steps(of: "POISON jobs HTTP/1.1 is down\nPING\n").map(\.code) == [nil, nil])
    }

    @Test("Only the first line is checked for other protocols")
    func onlyTheFirstLineIsAnOpening() {
        #expect(RequestFeed.steps(of: "PING\nGET / HTTP/1.1\nPING\n").map(\.code) == [nil, .unknownCommand, nil])
    }

    @Test(
        "TLS and SSH are refused from their first bytes",
        arguments: [
            [0x16, 0x03], [0x16, 0x03, 0x01], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03],
            [0x16, 0x03, 0x03, 0x0A, 0x0A], [0x0A, 0x16, 0x03], [0x0D, 0x0A, 0x16, 0x03], Array("SSH-".utf8),
            Array("SSH-2.0-OpenSSH_9.6\r\n".utf8), Array("SSH-1.99-x\n".utf8),
        ] as [[UInt8]])
    func openingsWithoutALineAreRefusedAtOnce(_ bytes: [UInt8]) {
        for piece in [1, 2, 3, Int.max] {
            #expect(RequestFeed.steps(of: bytes, piece: piece).map(\.code) == [.notSluice])
            let steps = RequestFeed.steps(of: bytes + Body("\nSEND jobs x\nQUIT\n"), piece: piece)
            #expect(steps.map(\.code) == [.notSluice])
        }
    }

    @Test(
        "A part of a TLS or SSH opening does not end the connection",
        arguments: [[0x16], [0x16, 0x0A], [0x53, 0x53, 0x48]] as [[UInt8]])
    func lessThanAnOpeningIsNotRefusedAsOne(_ bytes: [UInt8]) {
        let steps = RequestFeed.steps(of: bytes + Body("\nPING\n"))
        #expect(steps.last?.command == .ping([]))
    }

    /// First bytes that are invalid but harmless, so the connection stays usable.
    private static let nonsense: [[UInt8]] = [
        [0xFF, 0xFB, 0x01], [0xFF, 0xFD, 0x03, 0xFF, 0xFB, 0x18], [0xFF, 0xF4, 0xFF, 0xFD, 0x06], [0xFF], [0x00],
        [0x00, 0x00, 0x00],
        [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE, 0xFF], [0xEF, 0xBB, 0xBF],
        [0x1B, 0x5B, 0x41],
        [0x7F], [0x08], [0x04], [0x03], [0x1A], [0x16], [0x15, 0x03, 0x01], [0x17, 0x03, 0x03],
        [0x80, 0x2E, 0x01, 0x03],
        [0x03, 0x00, 0x00, 0x13], [0x0D, 0x0D], [0x0D, 0x41], [0x20], [0x09], [0x0B], [0x0C], [0x85],
        [0xE2, 0x80, 0xA8],
    ]

    @Test("Nonsense is refused and the connection stays usable", arguments: nonsense, ["\n", "\r\n"])
    func nonsenseIsRefusedAndTheConnectionGoesOn(_ bytes: [UInt8], _ end: String) {
        for tail in ["", "PING", " PING", "SEND jobs hello", " QUIT"] {
            let steps = RequestFeed.steps(of: bytes + Body(tail + end + "PING" + end))
            #expect(steps.count == 2)
            #expect(steps.first?.code == .syntax)
            #expect(steps.last?.command == .ping([]))
        }
    }

    @Test(
        "Commands of other protocols are refused",
        arguments: [
            "EHLO example.org", "HELO example.org", "USER root", "AUTH x", "STATS", "*1", "$4", "INFO all",
            "MAIL FROM:<a>",
            "NICK a",
            "JOIN #a", "{}", "<xml/>", "RTSP", "SUBSCRIBE a", "use", "reserve", "put 0 0 0 5", "CONFIG SET dir /",
            "FLUSHALL",
            "help()", "cd /", "; id", "$(id)", "`id`", "../../etc/passwd", "' OR 1=1 --", "%0d%0aQUIT",
            "\\r\\nQUIT", "QUIT\\n",
            "-1", "+1", "01", "9223372036854775808", "18446744073709551616", "#", "##", "#-1", "#\u{0}", "len=",
            "timeout=1s",
        ])
    func otherLanguagesAreRefused(_ line: String) {
        let steps = RequestFeed.steps(of: line + "\nPING\n")
        #expect(steps.first?.code != nil)
        #expect(steps.count == 2 || steps.first?.code == .framing)
        #expect(!steps.contains { $0.command == .quit })
    }
}
