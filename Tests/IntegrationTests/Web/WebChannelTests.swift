import Foundation
import TestSupport
import Testing

/// Sending and receiving messages with curl.
@Suite(.bounded) struct WebChannelTests {
    @Test("A message that curl sends is answered when curl, or a client of the line protocol, takes it")
    func handoff() throws {
        let daemon = try WebDaemon()
        let sender = try daemon.startCurl("-d", "sweep the yard", "/c/jobs")
        #expect(try daemon.curl("/c/jobs") == "sweep the yard|200")
        #expect(try sender.rest() == "ok\n|200")

        let line = try daemon.line()
        try line.send(Array("recv jobs\n".utf8))
        #expect(try daemon.curl("-d", "mow the lawn", "/c/jobs") == "ok\n|200")
        #expect(try line.line() == "MSG jobs 12")
        #expect(try line.line() == "mow the lawn")

        try line.send(Array("send jobs paint the fence\n".utf8))
        #expect(try daemon.curl("/c/jobs") == "paint the fence|200")
        #expect(try line.line() == "OK")
    }

    @Test("A message is any bytes, and of any length up to the limit", arguments: [0, 1, 70_000, 1_048_576])
    func sizes(length: Int) throws {
        let daemon = try WebDaemon()
        let bytes = Data((0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) })
        let (sent, received) = (temporaryPath("sent-\(length)"), temporaryPath("received-\(length)"))
        defer { for path in [sent, received] { try? FileManager.default.removeItem(atPath: path) } }
        try bytes.write(to: URL(fileURLWithPath: sent))
        let sender = try daemon.startCurl("--data-binary", "@\(sent)", "/c/a/b:c")
        #expect(try daemon.curl("-o", received, "/c/a%2Fb:c") == "|200")
        #expect(try Data(contentsOf: URL(fileURLWithPath: received)) == bytes)
        #expect(try sender.rest() == "ok\n|200")
    }

    @Test("The status of a response says what happened, and Sluice-Outcome says it in the words of the line protocol")
    func outcomes() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        let outcome = { (arguments: String...) throws -> String in
            let curl = try Program(
                "/usr/bin/env",
                ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %header{sluice-outcome}"]
                    + arguments.dropLast() + ["http://127.0.0.1:\(try daemon.port)\(try #require(arguments.last))"])
            return try curl.rest()
        }
        #expect(try outcome("-d", "x", "/c/jobs?timeout=0") == "408 TIMEOUT")
        #expect(try outcome("-d", "x", "/c/jobs?timeout=50ms") == "408 TIMEOUT")
        #expect(try outcome("/c/jobs?timeout=0") == "204 TIMEOUT")
        #expect(try outcome("-d", "x", "/c/jobs?timeout=1") == "400 ERR bad-number")
        #expect(try outcome("-d", "x", "/c/jobs?until=never") == "400 ERR bad-option")
        #expect(try outcome("-d", "x", "/c/jobs?x=1") == "400 ")
        #expect(try outcome("-d", "x", "/c/jobs?timeout=1s%20id=x") == "400 ")
        #expect(try outcome("-d", "x", "/c/jo%0Abs") == "400 ")
        #expect(try outcome("-d", "x", "/c/") == "400 ")

        #expect(try line.answer(to: "open cap=2 overflow=drop-newest kept") == "OK")
        #expect(try outcome("-d", "x", "-H", "Idempotency-Key: k-1", "/c/kept") == "202 OK kept=yes")
        #expect(try outcome("-d", "x", "-H", "Idempotency-Key: k-1", "/c/kept") == "202 OK dup=yes kept=yes")
        #expect(try outcome("-d", "x", "/c/kept") == "202 OK kept=yes")
        #expect(try outcome("-d", "x", "/c/kept") == "202 OK dropped=yes")
        #expect(try outcome("-d", "x", "/c/kept?until=taken") == "409 CANCELLED dropped")
        #expect(try outcome("-d", "x", "-H", "Idempotency-Key: a b", "/c/kept") == "400 ")
        #expect(try outcome("-d", "x", "-H", "Idempotency-Key: k-1", "/c/kept?call=1") == "409 ERR conflict")

        #expect(try line.answer(to: "poison bad broken") == "OK")
        #expect(try outcome("-d", "x", "/c/bad") == "410 POISONED")
        #expect(try daemon.curl("/c/bad") == "the channel was poisoned: broken\n|410")
        #expect(try line.answer(to: "close ended") == "OK")
        #expect(try outcome("/c/ended") == "410 CLOSED")

        #expect(try line.answer(to: "open kind=broadcast news") == "OK")
        #expect(try outcome("-d", "x", "/c/news") == "200 OK receivers=0")
        #expect(try line.answer(to: "open kind=once answer") == "OK")
        #expect(try line.answer(to: "send answer 42") == "OK")
        #expect(try outcome("/c/answer") == "200 MSG")
        #expect(try daemon.curl("/c/answer") == "42|200")
    }

    @Test("A call is answered with the receiver's answer, a rejected message with 422, one in doubt with 504")
    func calls() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        func receive(_ curl: Program) throws -> String {
            let head = try #require(try line.answer(to: "recv lease=1h squares"))
            _ = try line.line()
            return String(try #require(head.firstMatch(of: #/did=(\S+)/#)).1)
        }
        let call = try daemon.startCurl("-d", "7", "/c/squares?call=1")
        #expect(try line.answer(to: "ack \(try receive(call)) 49") == "OK")
        #expect(try call.rest() == "49|200")
        let rejected = try daemon.startCurl("-d", "x", "/c/squares?call=1")
        #expect(try line.answer(to: "reject \(try receive(rejected)) not a number") == "OK")
        #expect(try rejected.rest() == "the message was rejected: not a number\n|422")
        let doubtful = try daemon.startCurl("-d", "9", "/c/squares?timeout=100ms")
        _ = try receive(doubtful)
        #expect(try doubtful.rest() == "in doubt, a receiver may have the message: timeout\n|504")
    }

    @Test("The operation of a client that hangs up while it waits is withdrawn at once")
    func hangingUp() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        let receiver = try daemon.startCurl("/c/jobs")
        try daemon.waitForWaiters(1, on: "jobs", line)
        receiver.send(signal: SIGKILL)
        try daemon.waitForWaiters(0, on: "jobs", line)
        #expect(try line.answer(to: "send timeout=0 jobs x") == "TIMEOUT")

        let sender = try daemon.startCurl("-d", "x", "/c/jobs")
        try daemon.waitForWaiters(1, on: "jobs", line)
        sender.send(signal: SIGKILL)
        try daemon.waitForWaiters(0, on: "jobs", line)
        #expect(try line.answer(to: "recv timeout=0 jobs") == "TIMEOUT")
    }

    @Test("The operation of a client that hangs up is withdrawn even if the door reads no more of its input")
    func hangingUpUnread() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        let socket = try HTTPSocket(to: daemon)
        try socket.send("GET /c/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n" + String(repeating: "x", count: 60_000))
        try daemon.waitForWaiters(1, on: "jobs", line)
        socket.socket.close()
        try daemon.waitForWaiters(0, on: "jobs", line)
    }

    @Test("A message that its receiver did not take goes to the next one")
    func lostReceiver() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        // The kernel of a client that does not read confirms a part of the message only.
        let receiver = try HTTPSocket(to: daemon)
        try receiver.send("GET /c/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try daemon.waitForWaiters(1, on: "jobs", line)
        let body = String(repeating: "x", count: 1_048_576)
        try line.send(Array("#1 send len=\(body.utf8.count) jobs\n\(body)\n".utf8))
        #expect(try line.answer(to: "ping") == "OK")
        receiver.socket.close()
        #expect(try daemon.curl("-o", "/dev/null", "/c/jobs") == "|200")
        #expect(try line.line() == "#1 OK")
    }

    @Test("Several principals use one connection, each with its credentials")
    func principals() throws {
        let users = TemporaryFile("users", containing: "alice s3cret\nbob hidden\n")
        let daemon = try WebDaemon(environment: ["SLUICED_USERS_FILE": users.path])
        #expect(try daemon.curl("/healthz") == "ok\n|200")
        #expect(try daemon.curl("/c/jobs?timeout=0").hasSuffix("|401"))
        #expect(try daemon.curl("-u", "alice:s3cret", "/c/jobs?timeout=0") == "|204")
        #expect(try daemon.curl("-H", "Authorization: Bearer bob:hidden", "/c/jobs?timeout=0") == "|204")
        #expect(try daemon.curl("-u", "alice:guess", "/c/jobs?timeout=0") == "unknown principal or wrong token\n|401")
        #expect(try daemon.curl("-u", "nobody:", "/c/jobs?timeout=0").hasSuffix("|401"))

        let socket = try HTTPSocket(to: daemon)
        let alice = "Authorization: Bearer alice:s3cret\r\n"
        let bob = "Authorization: Bearer bob:hidden\r\n"
        for (header, status) in [(alice, 204), (alice, 204), (bob, 204), (alice, 204), ("", 401), (bob, 204)] {
            #expect(
                try socket.status(of: "GET /c/jobs?timeout=0 HTTP/1.1\r\nHost: localhost\r\n\(header)\r\n") == status)
        }
    }

    @Test("Python's http.client sends and receives over one connection")
    func python() throws {
        let daemon = try WebDaemon()
        let script = """
            import http.client, sys, threading
            port = int(sys.argv[1])
            def send():
                connection = http.client.HTTPConnection("127.0.0.1", port)
                for number in range(200):
                    connection.request("POST", "/c/numbers", str(number))
                    response = connection.getresponse()
                    assert response.status == 200, response.status
                    response.read()
            sender = threading.Thread(target=send)
            sender.start()
            connection = http.client.HTTPConnection("127.0.0.1", port)
            for number in range(200):
                connection.request("GET", "/c/numbers")
                response = connection.getresponse()
                assert response.status == 200, response.status
                assert response.read() == str(number).encode()
            sender.join()
            print("done")
            """
        let python = try Program("/usr/bin/env", ["python3", "-c", script, try daemon.port])
        #expect(try python.rest() == "done\n")
    }
}
