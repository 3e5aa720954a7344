import Foundation
import TestSupport
import Testing

/// Leases that another request ends.
@Suite(.bounded) struct WebLeaseTests {
    /// Receives a message under a lease, and returns its token.
    private func receive(_ daemon: WebDaemon, lease: String = "1h", headers: String = "") throws -> String {
        let socket = try HTTPSocket(to: daemon)
        try socket.send("GET /c/jobs?lease=\(lease) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n")
        let response = try #require(try socket.response())
        #expect(response.status == 200)
        #expect(response.headers["sluice-outcome"]?.contains("did=") == false)
        return try #require(response.headers["sluice-delivery"])
    }

    @Test(
        "A delivery is acknowledged, given back, rejected and prolonged by its token, over other connections",
        arguments: [1, 2])
    func ends(reactors: Int) throws {
        let daemon = try WebDaemon(["--reactors", "\(reactors)"])
        let line = try daemon.line()
        try line.send(Array("send jobs one\n".utf8))
        let first = try receive(daemon)
        #expect(first.count == 32)
        #expect(try daemon.curl("-X", "PATCH", "/d/\(first)") == "ok\n|200")
        #expect(try daemon.curl("-X", "DELETE", "/d/\(first)") == "ok\n|200")
        #expect(try daemon.curl("-X", "POST", "/d/\(first)").hasSuffix("|410"))
        let second = try receive(daemon)
        #expect(second != first)
        #expect(try daemon.curl("-X", "POST", "/d/\(second)") == "ok\n|200")
        #expect(try line.line() == "OK")
        #expect(try daemon.curl("-X", "POST", "/d/\(second)").hasSuffix("|410"))

        try line.send(Array("send jobs two\n".utf8))
        #expect(try daemon.curl("-X", "DELETE", "/d/\(try receive(daemon))?reject=not%20today") == "ok\n|200")
        #expect(try line.line() == "REJECTED jobs not today")

        try line.send(Array("call jobs three\n".utf8))
        #expect(try daemon.curl("-d", "the answer", "/d/\(try receive(daemon))") == "ok\n|200")
        #expect(try line.line() == "DATA 10")
        #expect(try line.line() == "the answer")
        #expect(try daemon.curl("-X", "POST", "/d/\(String(repeating: "0", count: 32))").hasSuffix("|410"))
    }

    @Test("A lease that runs out returns the message, and its token becomes invalid")
    func expiry() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        try line.send(Array("send jobs one\n".utf8))
        let token = try receive(daemon, lease: "100ms")
        #expect(try daemon.curl("/c/jobs") == "one|200")
        #expect(try line.line() == "OK")
        #expect(try daemon.curl("-X", "POST", "/d/\(token)").hasSuffix("|410"))
        // The hub's client that has held the lease goes as well.
        try waitUntil { try daemon.curl("/v1/clients").matches(of: #/"address"/#).count <= 2 }
    }

    @Test("Only the principal that holds a lease can end it")
    func principals() throws {
        let users = TemporaryFile("users", containing: "alice s3cret\nbob hidden\n")
        let daemon = try WebDaemon(environment: ["SLUICED_USERS_FILE": users.path])
        let line = try daemon.line()
        #expect(try line.answer(to: "auth alice s3cret") == "OK")
        try line.send(Array("send jobs one\n".utf8))
        let token = try receive(daemon, headers: "Authorization: Bearer alice:s3cret\r\n")
        #expect(try daemon.curl("-X", "POST", "/d/\(token)").hasSuffix("|401"))
        #expect(try daemon.curl("-u", "bob:hidden", "-X", "POST", "/d/\(token)").hasSuffix("|403"))
        #expect(try daemon.curl("-u", "alice:s3cret", "-X", "POST", "/d/\(token)") == "ok\n|200")
        #expect(try line.line() == "OK")
    }

    @Test("A lease can be ended over the connection that received it while the server accepts no further one")
    func fullServer() throws {
        let daemon = try WebDaemon(environment: ["SLUICED_LIMITS_CONNECTIONS": "3"])
        let line = try daemon.line()
        try line.send(Array("send jobs one\n".utf8))
        let worker = try HTTPSocket(to: daemon)
        try worker.send("GET /c/jobs?lease=1h HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let token = try #require(try worker.response()?.headers["sluice-delivery"])
        let idle = try daemon.line()
        #expect(try idle.answer(to: "ping") == "OK")
        #expect(try daemon.line().line()?.hasPrefix("ERR limit") == true)
        for method in ["PATCH", "POST"] {
            #expect(try worker.status(of: "\(method) /d/\(token) HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200)
        }
        #expect(try line.line() == "OK")
        // The place of the lease is free again, once the hub has ended the client to which the lease belonged.
        try waitUntil {
            _ = try line.answer(to: "info format=json")
            return try line.line()?.contains("\"connections\":2,") == true
        }
        #expect(try worker.status(of: "POST /c/jobs?timeout=0 HTTP/1.1\r\nHost: localhost\r\n\r\n") == 408)
    }

    @Test("A lease can be ended while the daemon drains")
    func draining() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        try line.send(Array("send jobs one\n".utf8))
        let token = try receive(daemon)
        daemon.daemon.program.send(signal: SIGTERM)
        try waitUntil { try daemon.curl("/readyz").hasSuffix("|503") }
        #expect(try daemon.curl("-X", "POST", "/d/\(token)") == "ok\n|200")
        #expect(try line.line() == "OK")
        #expect(try daemon.daemon.program.status() == 0)
    }

    @Test("Receivers that are killed at any moment lose no message with a lease")
    func killedReceivers() throws {
        let daemon = try WebDaemon()
        let script = """
            import http.client, random, socket, sys, threading
            port, count = int(sys.argv[1]), 200
            random.seed(1)
            done = set()
            def send(number):
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request("POST", "/c/jobs", str(number))
                assert connection.getresponse().status == 200
                done.add(number)
            senders = [threading.Thread(target=send, args=(number,)) for number in range(count)]
            for sender in senders: sender.start()
            taken = set()
            for attempt in range(10 * count):
                if len(taken) == count: break
                receiver = socket.create_connection(("127.0.0.1", port))
                receiver.sendall(b"GET /c/jobs?lease=2s&timeout=5s HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                if random.random() < 0.5:
                    receiver.recv(random.randrange(1, 400)) if random.random() < 0.7 else None
                    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
                    receiver.close()
                    continue
                response = http.client.HTTPResponse(receiver)
                response.begin()
                if response.status == 204: continue
                body = response.read()
                end = http.client.HTTPConnection("127.0.0.1", port)
                end.request("POST", "/d/" + response.getheader("Sluice-Delivery"))
                if end.getresponse().status == 200: taken.add(int(body))
                receiver.close()
            for sender in senders: sender.join()
            assert len(taken) == count and done == taken, (len(taken), len(done))
            print("done")
            """
        let python = try Program("/usr/bin/env", ["python3", "-c", script, try daemon.port])
        let (output, errors) = (try python.rest(), try python.errorOutput())
        #expect(output == "done\n", "\(errors)")
    }
}
