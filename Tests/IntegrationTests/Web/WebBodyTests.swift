import Foundation
import TestSupport
import Testing

/// Bodies that have not arrived with the head of their request.
@Suite(.bounded) struct WebBodyTests {
    private static let lengths = [
        "Content-Length: 1000000", "Transfer-Encoding: chunked", "Content-Length: 1000000\r\nExpect: 100-continue",
    ]

    private func daemon() throws -> WebDaemon {
        let file = TemporaryFile(
            "principals",
            containing: """
                principals:
                  alice:
                    tokens: ["sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"]
                    allow: {"*": ["jobs/"], inspect: own}

                """)
        return try WebDaemon(environment: ["SLUICED_PRINCIPALS_FILE": file.path])
    }

    struct RefusedRequest {
        let authorization: String
        let path: String
        let status: Int

        init(_ authorization: String, _ path: String, _ status: Int) {
            (self.authorization, self.path, self.status) = (authorization, path, status)
        }
    }

    @Test(
        "A client gets the refusal of its credentials or its permission before it has sent the body",
        arguments: [
            RefusedRequest("", "/c/jobs/x", 401), RefusedRequest("", "/d/x", 401),
            RefusedRequest("Bearer alice:wrong", "/c/jobs/x", 401), RefusedRequest("Bearer alice:wrong", "/d/x", 401),
            RefusedRequest("Bearer nobody:wrong", "/c/jobs/x", 401), RefusedRequest("Bearer", "/c/jobs/x", 401),
            RefusedRequest("Basic x", "/c/jobs/x", 401), RefusedRequest("Digest x", "/d/x", 401),
            RefusedRequest("Bearer alice:secret", "/c/other", 403),
            RefusedRequest("Bearer alice:secret", "/c/other?call=1", 403),
            RefusedRequest("Bearer alice:secret", "/d/x", 410),
        ], WebBodyTests.lengths)
    func refusals(_ request: RefusedRequest, _ length: String) throws {
        let daemon = try daemon()
        let socket = try HTTPSocket(to: daemon)
        let authorization = request.authorization.isEmpty ? "" : "Authorization: \(request.authorization)\r\n"
        try socket.send("POST \(request.path) HTTP/1.1\r\nHost: localhost\r\n\(authorization)\(length)\r\n\r\n")
        let response = try #require(try socket.response())
        #expect(response.status == request.status && response.headers["connection"] == "close")
        #expect(response.headers["sluice-outcome"] != nil || response.status == 401)
        #expect((response.headers["www-authenticate"] != nil) == (response.status == 401))
        // What follows would be the body.
        try? socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try socket.response() == nil)
        withExtendedLifetime(daemon) {}
    }

    @Test("A body is taken when the credentials are right, also of the next request and of another principal's")
    func acceptance() throws {
        let daemon = try daemon()
        let socket = try HTTPSocket(to: daemon)
        let body = String(repeating: "x", count: 100_000)
        let head = "POST /c/jobs/x?timeout=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice:secret\r\n"
        for _ in 0..<2 {
            try socket.send("\(head)Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n")
            #expect(try socket.response()?.status == 100)
            #expect(try socket.status(of: body) == 408)
            #expect(try socket.status(of: "\(head)Content-Length: 100000\r\n\r\n\(body)") == 408)
            #expect(
                try socket.status(of: "\(head)Transfer-Encoding: chunked\r\n\r\n186A0\r\n\(body)\r\n0\r\n\r\n") == 408)
        }
        // A short body comes with its head.
        #expect(try socket.status(of: "\(head)Content-Length: 1\r\n\r\nx") == 408)
        #expect(
            try socket.status(of: "POST /c/jobs/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx") == 401)
    }

    @Test("Guesses of tokens wait for each other when no body comes, too")
    func guesses() throws {
        let daemon = try daemon()
        let sockets = try (0..<48).map { _ in try HTTPSocket(to: daemon) }
        for (number, socket) in sockets.enumerated() {
            try socket.send(
                "POST /c/jobs/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice:guess\(number)\r\n"
                    + "Content-Length: 1000\r\n\r\n")
        }
        let bodies = try sockets.map { try #require(try $0.response()).body }
        #expect(bodies.contains { $0.contains("too many clients of this address") })
    }

    @Test("A body is charged to the principal of its request, and so is one that answers a call under a lease")
    func charges() throws {
        let daemon = try daemon()
        let line = try daemon.line()
        #expect(try line.answer(to: "auth alice secret") == "OK")
        try line.send(Array("call jobs/x question\n".utf8))
        let common = "HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice:secret\r\n"
        let (worker, sender) = (try HTTPSocket(to: daemon), try HTTPSocket(to: daemon))
        try worker.send("GET /c/jobs/x?lease=1h \(common)\r\n")
        let token = try #require(try worker.response()?.headers["sluice-delivery"])
        try worker.send("POST /d/\(token) \(common)Content-Length: 900001\r\n\r\n")
        try sender.send("POST /c/jobs/y \(common)Content-Length: 900001\r\n\r\n")
        let body = String(repeating: "x", count: 900_000)
        for socket in [worker, sender] { try socket.send(body) }
        try waitUntil {
            let report = try daemon.curl("-u", "alice:secret", "/v1/clients")
            let rows = report.matches(of: #/"memoryBytes":(\d+),[^}]*"principal":"alice"/#)
            return rows.count { Int($0.1) ?? 0 > 900_000 } == 2
        }
        try worker.send("x")
        #expect(try worker.response()?.status == 200)
        #expect(try line.line() == "DATA 900001")
    }
}
