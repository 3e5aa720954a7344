import Testing

@testable import SluiceWeb

@Suite struct RequestHeadTests {
    private func parse(_ text: String) throws(Refusal) -> RequestHead { try RequestHead(text.utf8) }

    private func head(_ lines: String...) -> String { lines.joined(separator: "\r\n") + "\r\n\r\n" }

    @Test("A head has a method, a path, parameters and headers")
    func whole() throws {
        let head = try parse(
            head("POST /c/a%2Fb?timeout=1s&x=a+b HTTP/1.1", "Host: h:1", "Content-Length: 5", "X-Odd:  a b \t"))
        #expect(head.method == "POST")
        #expect(head.target.path == "/c/a%2Fb" && head.target.decodedPath == "/c/a/b")
        #expect(head.target.parameters.map(\.name) == ["timeout", "x"])
        #expect(head.target.parameters.map(\.value) == ["1s", "a b"])
        #expect(head["host"] == "h:1" && head["x-odd"] == "a b" && head["cookie"] == nil)
        #expect(head.contentLength == 5 && head.keepsAlive && head.isHTTP1_1)
    }

    @Test("HTTP/1.0 and Connection: close end the connection")
    func keepAlive() throws {
        #expect(try !parse(head("GET / HTTP/1.0")).keepsAlive)
        #expect(try parse(head("GET / HTTP/1.0", "Connection: keep-alive")).keepsAlive)
        #expect(try !parse(head("GET / HTTP/1.1", "Host: h", "Connection: close")).keepsAlive)
    }

    @Test(
        "What two readers could understand differently is refused",
        arguments: [
            "GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\nHost: h\r\nA: b\nC: d\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n continued\r\n\r\n", "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nA: b\0\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nA: b\rC: d\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "GET /?a=1&a=2 HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n", "GET /\r\n\r\n",
            "GET /%63/x HTTP/1.1\r\nHost: h\r\n\r\n", "GET /c/%70rivate/x HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /c/x/%2E%2E/y HTTP/1.1\r\nHost: h\r\n\r\n", "GET /c/a%2db HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", " GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        ])
    func ambiguous(text: String) {
        let refusal = #expect(throws: Refusal.self) { try parse(text) }
        let statuses: [Status?] = [.badRequest, .versionNotSupported]
        #expect(statuses.contains(refusal?.status), "\(text.debugDescription): \(String(describing: refusal))")
    }

    @Test("An unknown method, transfer encoding or expectation is refused, and so are too many headers")
    func unsupported() {
        let status = { (text: String) in (#expect(throws: Refusal.self) { try parse(text) })?.status }
        for text in [
            head("QUERY / HTTP/1.1", "Host: h"), "PRI * HTTP/2.0\r\n\r\n", "RECV jobs\r\n\r\n",
            head("GET\t/ HTTP/1.1", "Host: h"),
        ] {
            #expect(status(text) == .notImplemented)
        }
        #expect(status(head("POST / HTTP/1.1", "Host: h", "Transfer-Encoding: gzip")) == .notImplemented)
        #expect(status(head("POST / HTTP/1.1", "Host: h", "Transfer-Encoding: gzip, chunked")) == .notImplemented)
        #expect(status(head("POST / HTTP/1.0", "Host: h", "Transfer-Encoding: chunked")) == .badRequest)
        #expect(status(head("POST / HTTP/1.1", "Host: h", "Expect: x")) == .expectationFailed)
        let many = (0..<70).map { "X-\($0): 1" }.joined(separator: "\r\n")
        #expect(status(head("GET / HTTP/1.1", "Host: h", many)) == .headersTooLarge)
    }

    @Test(
        "What would take long to compare is refused",
        arguments: [
            ("GET /\(String(repeating: "a", count: 1000)) HTTP/1.1", Status.uriTooLong),
            ("GET /%\(String(repeating: "41%", count: 400))41 HTTP/1.1", .uriTooLong),
            ("GET /?\((0...16).map { "p\($0)" }.joined(separator: "&")) HTTP/1.1", .badRequest),
            ("GET /?\(String(repeating: "&", count: 15_000)) HTTP/1.1", .badRequest),
            ("GET / HTTP/1.1\r\nHost: \(String(repeating: "a", count: 1001))", .headersTooLarge),
            ("GET / HTTP/1.1\r\nOrigin: \(String(repeating: "e\u{301}", count: 4000))", .headersTooLarge),
            ("GET / HTTP/1.1\r\nUpgrade: \(String(repeating: "a,", count: 7000))", .headersTooLarge),
        ])
    func slow(text: String, status: Status) {
        #expect((#expect(throws: Refusal.self) { try parse(head(text, "Via: h")) })?.status == status)
    }

    @Test("The longest path that leads anywhere, and long headers that the server does not read, are accepted")
    func long() throws {
        let name = String(repeating: "%3A", count: 200)
        let head = try parse(head("DELETE /v1/channels/\(name)?poison=\(name) HTTP/1.1", "Cookie: \(name)\(name)"))
        #expect(head.target.decodedPath.utf8.count == 213 && head.target.parameters.count == 1)
    }

    @Test("The end of a head is found wherever the input is cut, and a bare line feed ends it")
    func length() {
        let text = head("GET / HTTP/1.1", "Host: h") + "rest"
        let bytes = Array(text.utf8)
        for seen in 0..<bytes.count - 4 {
            bytes.withUnsafeBytes { #expect(RequestHead.length(in: $0, from: seen) == bytes.count - 4) }
        }
        Array("GET / HTTP/1.1\nHost".utf8).withUnsafeBytes { #expect(RequestHead.length(in: $0) == 15) }
        Array("GET / HTTP/1.1\r\nHost: h\r\n".utf8).withUnsafeBytes { #expect(RequestHead.length(in: $0) == nil) }
    }
}
