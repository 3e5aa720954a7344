import Foundation
import TestSupport
import Testing

/// HTTP connections as clients of the hub: limits, proxies and KILL apply to them.
@Suite(.bounded) struct WebClientTests {
    @Test("An address that has too many connections gets 503")
    func limits() throws {
        let daemon = try WebDaemon(environment: ["SLUICED_LIMITS_CONNECTIONS_PER_ADDRESS": "2"])
        let sockets = [try HTTPSocket(to: daemon), try HTTPSocket(to: daemon)]
        for socket in sockets {
            #expect(try socket.status(of: "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200)
        }
        let refused = try #require(try HTTPSocket(to: daemon).response())
        #expect(refused.status == 503 && refused.headers["sluice-outcome"] == "ERR limit")
        #expect(refused.body == "an address may have at most 2 connections\n")
    }

    @Test("A lease counts as a connection of the client that holds it")
    func leases() throws {
        let daemon = try WebDaemon(environment: ["SLUICED_LIMITS_CONNECTIONS_PER_ADDRESS": "2"])
        let socket = try HTTPSocket(to: daemon)
        try socket.send("POST /c/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
        let receiver = try HTTPSocket(to: daemon)
        let request = "GET /c/jobs?lease=1h&timeout=0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try waitUntil { try receiver.status(of: request) == 200 }
        #expect(try receiver.status(of: request) == 429)
    }

    @Test("KILL and reports have the address of an HTTP client")
    func killing() throws {
        let path = temporaryPath("web-kill.sock")
        let daemon = try Daemon(["--listen", "unix:\(path)", "--web", "127.0.0.1:0"], listeners: 2)
        let port = try #require(daemon.readyLines[1].split(separator: ":").last)
        let socket = try LineSocket(port: String(port))
        try socket.send(Array("GET /c/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        let netcat = try Program("/usr/bin/env", ["nc", "-U", path])
        try waitUntil {
            try netcat.say("waiters format=json\n")
            _ = try netcat.line()
            return try #require(try netcat.line()).contains(#""client":"\#(socket.address)""#)
        }
        try netcat.say("kill client=\(socket.address)\n")
        #expect(try netcat.line() == "OK connections=1")
        #expect(try socket.line() == "HTTP/1.1 503 Service Unavailable\r")
    }

    @Test("Behind a proxy, the client has the address that the proxy names")
    func proxies() throws {
        let file = TemporaryFile(
            "web.yaml",
            containing: """
                listen: 127.0.0.1:0
                web: {address: "127.0.0.1:0", proxy: true, proxy-networks: [127.0.0.0/8], hosts: [hub.example]}

                """)
        let daemon = try Daemon(["--config", file.path], listeners: 2)
        let socket = try LineSocket(port: String(try #require(daemon.readyLines[1].split(separator: ":").last)))
        try socket.send(
            Array(
                "PROXY TCP4 192.0.2.7 10.0.0.1 5000 80\r\nGET /v1/clients HTTP/1.0\r\nHost: hub.example\r\n\r\n".utf8))
        var lines: [String] = []
        while let line = try socket.line() { lines.append(line) }
        #expect(lines.first == "HTTP/1.1 200 OK\r")
        #expect(lines.last?.contains(#""address":"192.0.2.7:5000""#) == true)
    }
}
