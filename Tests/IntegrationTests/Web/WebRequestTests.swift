import Foundation
import TestSupport
import Testing

/// Requests of every kind to the web door of the real daemon.
@Suite(.bounded) struct WebRequestTests {
    @Test("curl learns whether the daemon is healthy and ready")
    func health() throws {
        let daemon = try WebDaemon()
        #expect(try daemon.curl("/healthz") == "ok\n|200")
        #expect(try daemon.curl("/readyz") == "ready\n|200")
        #expect(try daemon.curl("-I", "/healthz").hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(try daemon.curl("-X", "OPTIONS", "/healthz") == "|204")
        #expect(try daemon.curl("/healthz?x=1").hasSuffix("|400"))
        #expect(try daemon.curl("/nothing").hasSuffix("|404"))
        #expect(try daemon.curl("-0", "/healthz") == "ok\n|200")
        try daemon.daemon.expectEnd(after: SIGTERM)
    }

    @Test("The refusal of a method names the methods of the path")
    func methods() throws {
        let daemon = try WebDaemon()
        let socket = try HTTPSocket(to: daemon)
        for (request, allowed) in [
            ("DELETE /healthz", "GET, HEAD, OPTIONS"), ("HEAD /c/jobs", "GET, POST, OPTIONS"),
            ("PUT /c/jobs", "GET, POST, OPTIONS"),
        ] {
            try socket.send("\(request) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            let response = try #require(try socket.response(toHead: request.hasPrefix("HEAD")))
            #expect(response.status == 405 && response.headers["allow"] == allowed)
        }
    }

    @Test("Requests that are sent ahead are answered in order, at every split")
    func pipelining() throws {
        let daemon = try WebDaemon()
        let requests =
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            + "POST /c/jobs?timeout=0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
            + "GET /c/jobs?timeout=0 HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n"
            + "HEAD /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for piece in [1, 2, 7, 50, 1000] {
            let socket = try HTTPSocket(to: daemon)
            try socket.socket.send(Array(requests.utf8), inPiecesOf: piece)
            #expect(try socket.response()?.status == 200)
            #expect(try socket.response()?.status == 408)
            #expect(try socket.response()?.status == 204)
            #expect(try socket.response(toHead: true)?.status == 200)
        }
    }

    @Test(
        "A request that a page of somebody else may have sent does nothing",
        arguments: [
            "Host: evil.example", "Host: localhost\r\nOrigin: http://evil.example", "Host: localhost\r\nOrigin: null",
            "Host: localhost\r\nSec-Fetch-Site: cross-site", "Host: localhost\r\nSec-Fetch-Site: same-site",
            "Host: localhost\r\nSec-Purpose: prefetch", "Host: localhost\r\nUser-Agent: Mozilla/5.0",
        ])
    func foreignPages(headers: String) throws {
        let daemon = try WebDaemon()
        let sender = try daemon.line()
        #expect(try sender.answer(to: "open cap=1 jobs") == "OK")
        #expect(try sender.answer(to: "send jobs hello") == "OK")
        let status = try HTTPSocket(to: daemon).status(of: "GET /c/jobs HTTP/1.1\r\n\(headers)\r\n\r\n")
        #expect(status == 403 || status == 421)
        try sender.send(Array("recv timeout=0 jobs\n".utf8))
        #expect(try sender.line() == "MSG jobs 5")
    }

    @Test("A request that could hide a second one ends the connection")
    func smuggling() throws {
        let daemon = try WebDaemon()
        for headers in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4",
            "Content-Length: 4\r\nContent-Length: 5", "Transfer-Encoding: chunked, chunked", "Content-Length: 4 4",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked",
            "Transfer-Encoding : chunked", "X: y\nContent-Length: 4",
        ] {
            let socket = try HTTPSocket(to: daemon)
            let hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try socket.send("POST /c/jobs HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n\r\n0\r\n\r\n\(hidden)")
            let response = try #require(try socket.response())
            #expect([400, 501].contains(response.status), "\(headers)")
            #expect(response.headers["connection"] == "close")
            #expect(try socket.response() == nil, "\(headers)")
        }
    }

    @Test("A head of more than 16 KiB and a body of more than body-bytes are refused")
    func sizes() throws {
        let daemon = try WebDaemon(environment: ["SLUICED_LIMITS_BODY_BYTES": "10"])
        let long = String(repeating: "x", count: 17_000)
        #expect(
            try HTTPSocket(to: daemon).status(of: "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \(long)\r\n\r\n")
                == 431)
        #expect(try HTTPSocket(to: daemon).status(of: "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \(long)") == 431)
        #expect(try daemon.curl("-d", "12345678901", "/c/jobs").hasSuffix("|413"))
        #expect(try daemon.curl("-d", "1234567890", "/c/jobs?timeout=0").hasSuffix("|408"))
    }

    @Test("A client that does not finish a request in time gets 408 and is disconnected")
    func slowness() throws {
        let daemon = try WebDaemon(environment: ["SLUICED_LIMITS_LINE_SECONDS": "1"])
        for text in ["GET /healthz HT", "POST /c/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12"] {
            let socket = try HTTPSocket(to: daemon)
            #expect(try socket.status(of: text) == 408)
            #expect(try socket.response() == nil)
        }
    }

    @Test("A client that does not read its responses is disconnected, and gets no more of them meanwhile")
    func unreadResponses() throws {
        let daemon = try WebDaemon(environment: ["SLUICED_LIMITS_STALL_SECONDS": "1"])
        let socket = try HTTPSocket(to: daemon)
        let requests = String(repeating: "GET /v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 1000)
        #expect([ECONNRESET, EPIPE].contains(socket.socket.sendUntilRefused(Array(requests.utf8))))
        let report = try daemon.curl("/v1/info")
        let match = try #require(report.firstMatch(of: #/"memoryBytes":(\d+)/#))
        #expect(try #require(Int(match.1)) < 100_000)
    }

    @Test("A client that expects 100-continue gets it before it sends the body")
    func expectation() throws {
        let daemon = try WebDaemon()
        let socket = try HTTPSocket(to: daemon)
        try socket.send(
            "POST /c/jobs?timeout=0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(try socket.response()?.status == 100)
        #expect(try socket.status(of: "hello") == 408)
    }

    @Test("The door serves TLS, and says so to a client without TLS")
    func tls() throws {
        let daemon = try Daemon(
            ["--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--dev-tls"], listeners: 3)
        let port = try #require(daemon.readyLines[1].wholeMatch(of: #/ready https=127\.0\.0\.1:(\d+)/#)).1
        let authority = try #require(daemon.readyLines[2].split(separator: " ").last)
        let curl = try Program(
            "/usr/bin/env", ["curl", "-sS", "--cacert", String(authority), "https://127.0.0.1:\(port)/healthz"])
        #expect(try curl.rest() == "ok\n")
        let body = TemporaryFile("body", containing: String(repeating: "sluice ", count: 140_000))
        let flags = ["-sS", "--cacert", String(authority)]
        let jobs = "https://127.0.0.1:\(port)/c/jobs"
        let sender = try Program("/usr/bin/env", ["curl"] + flags + ["--data-binary", "@\(body.path)", jobs])
        let receiver = try Program(
            "/usr/bin/env", ["curl"] + flags + ["-w", "%{size_download}", "-o", "/dev/null", jobs])
        #expect(try receiver.rest() == "980000")
        #expect(try sender.rest() == "ok\n")
        let plain = try Program("/usr/bin/env", ["curl", "-sS", "http://127.0.0.1:\(port)/healthz"])
        #expect(try plain.rest() == "this port speaks TLS: use https://\n")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("While the daemon drains, the web door reports it")
    func draining() throws {
        let daemon = try WebDaemon()
        let (sender, receiver) = (try daemon.line(), try daemon.line())
        try sender.send(Array("send jobs hello\n".utf8))
        let head = try #require(try receiver.answer(to: "recv lease=1h jobs"))
        let did = String(try #require(head.firstMatch(of: #/did=(\S+)/#)).1)
        _ = try receiver.line()
        daemon.daemon.program.send(signal: SIGTERM)
        try waitUntil { try daemon.curl("/readyz").hasSuffix("|503") }
        #expect(try daemon.curl("/healthz") == "ok\n|200")
        #expect(try daemon.curl("-d", "x", "/c/jobs").hasSuffix("|503"))
        #expect(try receiver.answer(to: "ack \(did)") == "OK")
        #expect(try daemon.daemon.program.status() == 0)
    }

    @Test("While the daemon drains, a connection ends with the response to its first request")
    func drainingPipelines() throws {
        let daemon = try WebDaemon()
        let (sender, receiver) = (try daemon.line(), try daemon.line())
        try sender.send(Array("send jobs hello\n".utf8))
        _ = try receiver.answer(to: "recv lease=1h jobs")
        let (waiting, idle) = (try HTTPSocket(to: daemon), try HTTPSocket(to: daemon))
        let receive = "GET /c/other HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try waiting.send(receive + receive)
        #expect(try idle.status(of: "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200)
        try daemon.waitForWaiters(1, on: "other", try daemon.line())
        daemon.daemon.program.send(signal: SIGTERM)
        try waitUntil { try daemon.curl("/readyz").hasSuffix("|503") }
        #expect(try idle.response() == nil)
        let refused = try #require(try waiting.response())
        #expect(refused.status == 503 && refused.headers["connection"] == "close")
        #expect(try waiting.response() == nil)
        for (request, status) in [
            ("GET /healthz", 200), ("GET /readyz", 503), ("POST /d/x", 410), ("GET /c/x?timeout=0", 503),
            ("POST /c/x", 503), ("GET /nothing", 404), ("OPTIONS /c/x", 204), ("GET /v1/info", 200),
        ] {
            let socket = try HTTPSocket(to: daemon)
            let text = "\(request) HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try socket.send(String(repeating: text, count: 20))
            let response = try #require(try socket.response(), "\(request)")
            #expect(response.status == status && response.headers["connection"] == "close", "\(request)")
            #expect(try socket.response() == nil, "\(request)")
        }
        receiver.close()
        #expect(try daemon.daemon.program.status() == 0)
    }

    @Test("Daemons that set listen do not compete for the default address of the web door")
    func defaults() throws {
        let daemons = try (0..<2).map { _ in try Daemon() }
        for daemon in daemons { #expect(try daemon.conversation("ping\n", "-N") == "OK\n") }
    }
}
