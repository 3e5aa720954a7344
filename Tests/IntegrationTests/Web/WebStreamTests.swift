import Foundation
import TestSupport
import Testing

/// Responses of server-sent events.
@Suite(.bounded) struct WebStreamTests {
    /// Asks for a stream, and returns the connection after the head of the response.
    private func stream(_ path: String, of daemon: WebDaemon) throws -> HTTPSocket {
        let socket = try HTTPSocket(to: daemon)
        try socket.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let response = try #require(try socket.response())
        #expect(response.status == 200 && response.headers["content-type"] == "text/event-stream")
        #expect(response.headers["content-length"] == nil && response.headers["connection"] == "close")
        return socket
    }

    /// Reads an event: its lines. Nil at the end.
    private func event(_ socket: HTTPSocket) throws -> [String]? {
        var lines: [String] = []
        while let line = try socket.socket.line() {
            if line.isEmpty, !lines.isEmpty { return lines }
            if !line.isEmpty, line != ":" { lines.append(line) }
        }
        return nil
    }

    @Test("A trace shows handoffs on the channels with its prefix")
    func trace() throws {
        let daemon = try WebDaemon()
        let trace = try stream("/v1/trace?prefix=jobs/", of: daemon)
        let line = try daemon.line()
        for channel in ["other", "jobs/a", "jobs/b"] {
            try line.send(Array("#1 recv \(channel)\nsend \(channel) hello\n".utf8))
            for _ in 0..<3 { _ = try line.line() }
        }
        for channel in ["jobs/a", "jobs/b"] {
            let lines = try #require(try event(trace))
            #expect(lines.count == 1 && lines[0].hasPrefix("data: {"))
            let report = try JSONSerialization.jsonObject(with: Data(lines[0].dropFirst(6).utf8)) as? [String: Any]
            #expect(report?["channel"] as? String == channel && report?["bodyBytes"] as? Int == 5)
            #expect(report?["from"] as? String == line.address && report?["droppedBefore"] as? Int == 0)
        }
        #expect(try daemon.curl("/v1/trace?prefix=a%20b").hasSuffix("|400"))
        #expect(try daemon.curl("-X", "HEAD", "-I", "/v1/trace").contains(" 405 "))
    }

    @Test("A slow reader of a trace learns how many handoffs were skipped, and costs little memory")
    func slowTrace() throws {
        let daemon = try WebDaemon()
        let trace = try stream("/v1/trace", of: daemon)
        let line = try daemon.line()
        let sender = try daemon.line()
        // Long names make long events: the kernels of both sides hold some megabytes of them.
        let name = String(repeating: "n", count: 200)
        for client in [line, sender] { #expect(try client.answer(to: "name \(name)") == "OK") }
        try line.send(Array("#r recv count=* \(name)\nping\n".utf8))
        _ = try line.line()
        for _ in 0..<25 {
            try sender.send(Array(String(repeating: "send \(name)\n", count: 1000).utf8))
            for _ in 0..<1000 { #expect(try sender.line() == "OK") }
            for _ in 0..<2000 { _ = try line.line() }
        }
        let report = try daemon.curl("/v1/clients")
        // The output of the hub and that of the web door, each with the memory of its growth.
        for match in report.matches(of: #/"memoryBytes":(\d+)/#) { #expect(try #require(Int(match.1)) < 600_000) }
        var (shown, skipped) = (0, 0)
        while skipped == 0 {
            // So that there is a further event in any case.
            #expect(try sender.answer(to: "send \(name)") == "OK")
            for _ in 0..<2 { _ = try line.line() }
            let event = try #require(try event(trace))
            shown += 1
            skipped = try #require(event[0].firstMatch(of: #/"droppedBefore":(\d+)/#).flatMap { Int($0.1) })
        }
        #expect(skipped > 0 && shown < 25_000)
    }

    @Test("A stream of messages has one event for each, whatever its bytes, and acknowledges each")
    func messages() throws {
        let daemon = try WebDaemon()
        let socket = try stream("/c/jobs?stream=1", of: daemon)
        let line = try daemon.line()
        for (body, lines) in [
            ("hello", ["data: hello"]), ("two\nlines", ["data: two", "data: lines"]), ("", ["data: "]),
            ("a\rb", ["event: base64", "data: YQ1i"]), ("\nx\n", ["data: ", "data: x", "data: "]),
            ("é", ["data: é"]), ("data: x", ["data: data: x"]),
        ] {
            try line.send(Array("send len=\(body.utf8.count) jobs\n\(body)\n".utf8))
            #expect(try event(socket) == lines)
            #expect(try line.line() == "OK")
        }
        try line.send([UInt8]("send len=3 jobs\n".utf8) + [0xFF, 0, 0xFE, 0x0A])
        #expect(try event(socket) == ["event: base64", "data: /wD+"])
        #expect(try line.line() == "OK")
        #expect(try line.answer(to: "poison jobs broken") == "OK")
        #expect(try event(socket) == ["event: end", "data: POISONED", "data: the channel was poisoned: broken"])
        #expect(try event(socket) == nil)
        #expect(try daemon.curl("/c/jobs?stream=1") == "the channel was poisoned: broken\n|410")
        #expect(try daemon.curl("/c/jobs?stream=1&timeout=1s").hasSuffix("|400"))
        #expect(try daemon.curl("/c/jobs?stream=1&lease=1s").hasSuffix("|400"))
    }

    @Test("A stream of a broadcast has no leases")
    func broadcast() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        #expect(try line.answer(to: "open kind=broadcast news") == "OK")
        let socket = try stream("/c/news?stream=1", of: daemon)
        try daemon.waitForWaiters(1, on: "news", line)
        #expect(try line.answer(to: "send news hello") == "OK receivers=1")
        #expect(try event(socket) == ["data: hello"])
    }

    @Test("When a client hangs up, its stream is withdrawn at once and its unconfirmed messages return")
    func hangingUp() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        let socket = try stream("/c/jobs?stream=1", of: daemon)
        try daemon.waitForWaiters(1, on: "jobs", line)
        // More than the kernels of both sides hold.
        let sender = try daemon.line()
        let body = String(repeating: "x", count: 1_048_576)
        for number in 1...30 { try sender.send(Array("#\(number) send len=1048576 jobs\n\(body)\n".utf8)) }
        var confirmed = 0
        while !(try #require(try sender.answer(to: "ping"))).hasPrefix("OK") { confirmed += 1 }
        socket.socket.close()
        // What was not confirmed is there for the next one.
        var left = 30 - confirmed
        while left > 0 {
            try line.send(Array("recv timeout=0 jobs\n".utf8))
            let head = try #require(try line.line())
            if head.hasPrefix("MSG") {
                _ = try line.line()
                left -= 1
            } else {
                #expect(head == "TIMEOUT")
                // Others were confirmed while the connection ended.
                let waiting = try daemon.curl("/v1/waiters?channel=jobs")
                if !waiting.contains(#""operation""#) { break }
            }
        }
        try daemon.waitForWaiters(0, on: "jobs", line)
    }

    @Test("A stream ends with an event when the server drains")
    func draining() throws {
        let daemon = try WebDaemon()
        let socket = try stream("/c/jobs?stream=1", of: daemon)
        daemon.daemon.program.send(signal: SIGTERM)
        #expect(try event(socket)?.prefix(2) == ["event: end", "data: CANCELLED draining"])
        #expect(try event(socket) == nil)
        socket.socket.close()
        #expect(try daemon.daemon.program.status() == 0)
    }
}
