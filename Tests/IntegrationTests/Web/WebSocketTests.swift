import Foundation
import TestSupport
import Testing

/// The line protocol over WebSockets.
@Suite(.bounded) struct WebSocketTests {
    /// A client of a WebSocket, which sends exactly the frames of a test.
    private final class Client {
        let http: HTTPSocket
        /// The headers of the response.
        let headers: [String: String]

        init(to daemon: WebDaemon, _ headers: String = "") throws {
            http = try HTTPSocket(to: daemon)
            let response = try Self.response(http, headers)
            try #require(response.status == 101, "\(response)")
            self.headers = response.headers
        }

        /// Asks for a WebSocket, and returns the response.
        static func response(_ http: HTTPSocket, _ headers: String) throws -> HTTPSocket.Response {
            try http.send(
                """
                GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(headers)\r\n
                """)
            return try #require(try http.response())
        }

        static func frame(_ code: UInt8, _ payload: [UInt8]) -> [UInt8] {
            let mask: [UInt8] = [1, 2, 3, 4]
            var bytes: [UInt8] = [0x80 | code]
            if payload.count < 126 {
                bytes.append(0x80 | UInt8(payload.count))
            } else {
                let lengthBytes = payload.count <= 0xFFFF ? 2 : 8
                bytes.append(lengthBytes == 2 ? 0xFE : 0xFF)
                bytes += (0..<lengthBytes).reversed().map { UInt8(truncatingIfNeeded: payload.count >> (8 * $0)) }
            }
            return bytes + mask + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
        }

        func send(_ text: String) throws { try http.socket.send(Self.frame(1, Array(text.utf8))) }
        func send(_ code: UInt8, _ payload: [UInt8]) throws { try http.socket.send(Self.frame(code, payload)) }

        /// Receives a frame: its opcode and its payload. Skips the pings of the server, which come to a client that has
        /// been silent for a while, as on a busy machine.
        func frame() throws -> (code: UInt8, payload: [UInt8]) {
            while true {
                let frame = try anyFrame()
                if frame.code != 9 { return frame }
            }
        }

        private func anyFrame() throws -> (code: UInt8, payload: [UInt8]) {
            let head = try http.socket.bytes(2)
            #expect(head[0] & 0xF0 == 0x80 && head[1] & 0x80 == 0)
            var length = Int(head[1])
            if length >= 126 {
                length = try http.socket.bytes(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
            }
            return (head[0] & 0x0F, try http.socket.bytes(length))
        }

        func text() throws -> String {
            let frame = try frame()
            #expect(frame.code == 1)
            return String(decoding: frame.payload, as: UTF8.self)
        }

        /// Receives a closing frame, and returns its code.
        func closing() throws -> Int {
            let frame = try frame()
            try #require(frame.code == 8 && frame.payload.count >= 2, "\(frame)")
            return Int(frame.payload[0]) << 8 | Int(frame.payload[1])
        }
    }

    @Test("A WebSocket carries the line protocol, with a message for each line and each body")
    func protocolOverWebSocket() throws {
        let daemon = try WebDaemon()
        let client = try Client(to: daemon, "Sec-WebSocket-Protocol: other, sluice\r\n")
        #expect(client.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(client.headers["sec-websocket-protocol"] == "sluice")
        #expect(client.headers["sec-websocket-extensions"] == nil)
        try client.send("ping")
        #expect(try client.text() == "OK")
        let line = try daemon.line()
        try client.send("#1 recv jobs")
        try daemon.waitForWaiters(1, on: "jobs", line)
        try line.send(Array("send len=4 jobs\n\nx\n\n\n".utf8))
        #expect(try client.text() == "#1 MSG jobs 4")
        #expect(try client.frame() == (2, Array("\nx\n\n".utf8)))
        #expect(try line.line() == "OK")

        try client.send("#2 send len=5 jobs")
        try client.send(2, [1, 10, 13, 0, 255])
        try line.send(Array("recv jobs\n".utf8))
        #expect(try line.line() == "MSG jobs 5")
        #expect(try line.bytes(6) == [1, 10, 13, 0, 255, 10])
        #expect(try client.text() == "#2 OK")

        let body = [UInt8](repeating: 7, count: 1_048_576)
        try client.send("#3 send len=1048576 jobs")
        try client.send(2, body)
        try client.send("recv jobs")
        #expect(try client.text() == "MSG jobs 1048576")
        #expect(try client.frame() == (2, body))
        #expect(try client.text() == "#3 OK")
        try client.send(9, [1, 2])
        #expect(try client.frame() == (10, [1, 2]))
        try client.send("nonsense")
        #expect(try client.text() == "ERR unknown-command no such verb; HELP lists them")
        try client.send("quit")
        #expect(try client.text() == "OK")
        #expect(try client.closing() == 1000)
        try client.send(8, [3, 232])
        #expect(try client.http.socket.line() == nil)
    }

    @Test("A client that closes or disappears is gone from the hub at once")
    func endings() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        for isAbrupt in [false, true] {
            let client = try Client(to: daemon)
            try client.send("#1 recv jobs")
            try daemon.waitForWaiters(1, on: "jobs", line)
            if isAbrupt { client.http.socket.close() } else { try client.send(8, [3, 233]) }
            try daemon.waitForWaiters(0, on: "jobs", line)
            if !isAbrupt { #expect(try client.closing() == 1001) }
        }
    }

    @Test("Mistakes, KILL and a drain end a WebSocket, each with its own code")
    func codes() throws {
        let daemon = try WebDaemon(environment: ["SLUICED_LIMITS_BODY_BYTES": "10000"])
        let line = try daemon.line()
        let clients = try (0..<5).map { _ in try Client(to: daemon) }
        try clients[0].send(1, [0xFF])
        #expect(try clients[0].closing() == 1007)
        try clients[1].send(2, [UInt8](repeating: 0, count: 10_001))
        #expect(try clients[1].closing() == 1009)
        try clients[2].http.socket.send([0x81, 1, 0x61])
        #expect(try clients[2].closing() == 1002)
        for client in clients[0...2] { #expect(try client.http.socket.line() == nil) }

        try clients[3].send("send len=x jobs")
        #expect(try clients[3].text().hasPrefix("ERR framing"))
        #expect(try clients[3].closing() == 1008)
        try clients[4].send("#1 recv jobs")
        try daemon.waitForWaiters(1, on: "jobs", line)
        daemon.daemon.program.send(signal: SIGTERM)
        #expect(try clients[4].text() == "#1 CANCELLED draining")
        #expect(try clients[4].closing() == 1001)
    }

    @Test(
        "A request that is not one for a WebSocket is refused",
        arguments: [
            ("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", 426),
            ("Connection: upgrade\r\nUpgrade: h2c", 426), ("", 426),
            (
                "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                426
            ),
            ("Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhl", 400),
            ("Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13", 400),
        ])
    func refusals(headers: String, status: Int) throws {
        let daemon = try WebDaemon()
        let socket = try HTTPSocket(to: daemon)
        try socket.send("GET /ws HTTP/1.1\r\nHost: localhost\r\n\(headers)\(headers.isEmpty ? "" : "\r\n")\r\n")
        let response = try #require(try socket.response())
        #expect(response.status == status)
        if status == 426 { #expect(response.headers["sec-websocket-version"] == "13") }
    }

    @Test("A page of another origin gets no WebSocket")
    func foreignOrigin() throws {
        let daemon = try WebDaemon()
        for headers in [
            "Host: localhost\r\nOrigin: http://evil.example", "Host: localhost\r\nOrigin: null", "Host: evil.example",
            "Host: localhost\r\nOrigin: https://localhost.evil.example",
        ] {
            let status = try HTTPSocket(to: daemon).status(
                of:
                    "GET /ws HTTP/1.1\r\n\(headers)\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            #expect(status == 403 || status == 421)
        }
        _ = try Client(to: daemon, "Origin: http://localhost\r\n")
    }

    @Test("A principal authenticates with a header or with AUTH")
    func principals() throws {
        let users = TemporaryFile("users", containing: "alice s3cret\n")
        let daemon = try WebDaemon(environment: ["SLUICED_USERS_FILE": users.path])
        let known = try Client(to: daemon, "Authorization: Bearer alice:s3cret\r\n")
        try known.send("recv timeout=0 jobs")
        #expect(try known.text() == "TIMEOUT")
        let late = try Client(to: daemon)
        try late.send("auth alice s3cret")
        #expect(try late.text() == "OK")
        try late.send("recv timeout=0 jobs")
        #expect(try late.text() == "TIMEOUT")
        let unknown = try Client(to: daemon)
        try unknown.send("recv timeout=0 jobs")
        #expect(try unknown.text().hasPrefix("ERR auth-required"))
        let guess = try Client.response(HTTPSocket(to: daemon), "Authorization: Bearer alice:guess\r\n")
        #expect(guess.status == 401)
    }

    @Test("The server stops reading from a client that reads no replies, which then costs little memory")
    func unreadReplies() throws {
        let daemon = try WebDaemon(environment: ["SLUICED_LIMITS_STALL_SECONDS": "1"])
        let client = try Client(to: daemon)
        client.http.socket.keepFewUnreadBytes()
        let frames = (0..<1000).flatMap { _ in Client.frame(1, Array("help".utf8)) }
        #expect([ECONNRESET, EPIPE].contains(client.http.socket.sendUntilRefused(frames)))
        let pings = try Client(to: daemon)
        pings.http.socket.keepFewUnreadBytes()
        let frame = Client.frame(9, [UInt8](repeating: 0, count: 125))
        #expect([ECONNRESET, EPIPE].contains(pings.http.socket.sendUntilRefused((0..<500).flatMap { _ in frame })))
    }
}
