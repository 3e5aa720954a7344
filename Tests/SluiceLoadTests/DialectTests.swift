import SluiceWire
import Testing

@testable import sluice_load

/// Feeds a server's answers to a dialect in two pieces, split at every position.
@Suite("Dialects")
struct DialectTests {
    private static let pattern = MessagePattern(bodyBytes: 16, seed: 7)

    private static func body(_ sender: Int, _ number: Int) -> String {
        var output = ByteQueue()
        pattern.write(sender: sender, number: number, to: &output)
        return String(decoding: output.bytes, as: UTF8.self)
    }

    /// Returns how a sender reads the text, and what it writes. The rest follows when the part before the split is
    /// read.
    private func meanings(
        _ dialect: some SendingDialect, _ text: String, split: Int
    ) throws -> (meanings: [SendingAnswer.Meaning], said: String) {
        var dialect = dialect
        var output = ByteQueue()
        var meanings: [SendingAnswer.Meaning] = []
        let bytes = Array(text.utf8)
        var used = 0
        for end in [split, bytes.count] {
            while used < end {
                let answer = try Array(bytes[used..<end]).withUnsafeBytes { try dialect.answer($0, &output) }
                guard let answer else { break }
                used += answer.length
                meanings.append(answer.meaning)
            }
        }
        #expect(used == bytes.count)
        return (meanings, String(decoding: output.bytes, as: UTF8.self))
    }

    private func messages(
        _ dialect: some ReceivingDialect, _ text: String, split: Int
    ) throws -> (bodies: [String], said: String) {
        var dialect = dialect
        var output = ByteQueue()
        var bodies: [String] = []
        let bytes = Array(text.utf8)
        var used = 0
        for end in [split, bytes.count] {
            while used < end {
                let rest = Array(bytes[used..<end])
                let length = try rest.withUnsafeBytes { rest -> Int in
                    guard let answer = try dialect.answer(rest, &output) else { return 0 }
                    if case .message(let range) = answer.meaning {
                        bodies.append(String(decoding: rest[range], as: UTF8.self))
                        dialect.proceed(after: rest, &output)
                    }
                    return answer.length
                }
                if length == 0 { break }
                used += length
            }
        }
        #expect(used == bytes.count)
        return (bodies, String(decoding: output.bytes, as: UTF8.self))
    }

    private func expect(
        _ dialect: some SendingDialect, _ text: String, means wanted: [SendingAnswer.Meaning], says: String = ""
    ) throws {
        for split in 0...text.utf8.count {
            let result = try meanings(dialect, text, split: split)
            #expect(result.meanings == wanted, "split at \(split)")
            #expect(result.said == says, "split at \(split)")
        }
    }

    private func expect(_ dialect: some ReceivingDialect, _ text: String, bodies: [String], says: String) throws {
        for split in 0...text.utf8.count {
            let result = try messages(dialect, text, split: split)
            #expect(result.bodies == bodies, "split at \(split)")
            #expect(result.said == says, "split at \(split)")
        }
    }

    // MARK: Sluice

    @Test("Sluice: a sender uses tags with more than one message in flight")
    func sluiceSending() throws {
        let greeting = SluiceGreeting(nil)
        let one = SluiceSending("c", greeting, Self.pattern, sender: 1, depth: 1)
        try expect(one, "OK\nOK\nOK\n", means: [.ready, .done(place: 0), .done(place: 0)])
        let many = SluiceSending("c", greeting, Self.pattern, sender: 1, depth: 100)
        try expect(many, "OK\n#12 OK\n#3 OK\n", means: [.ready, .done(place: 12), .done(place: 3)])
        let broadcast = SluiceSending(
            "c", SluiceGreeting(nil, then: "OPEN kind=broadcast c\n", answered: "OK\n"), Self.pattern, sender: 1,
            depth: 1,
            options: "need=3 ", done: "OK receivers=3")
        try expect(broadcast, "OK\nOK\nOK receivers=3\n", means: [.ready, .done(place: 0)])
    }

    @Test("Sluice: a sender greets with its credentials and sends with tags")
    func sluiceRequests() throws {
        var output = ByteQueue()
        let name = try #require(ChannelName("me"))
        let greeting = SluiceGreeting(Credentials(name, token: Array("secret".utf8)))
        let dialect = SluiceSending("c", greeting, Self.pattern, sender: 1, depth: 2)
        dialect.greet(&output)
        dialect.send(5, at: 1, &output)
        #expect(String(decoding: output.bytes, as: UTF8.self) == "AUTH me secret\nPING\n#1 SEND c \(Self.body(1, 5))\n")
        try expect(dialect, "OK\nOK\n#0 OK\n", means: [.ready, .done(place: 0)])
    }

    @Test("Sluice: a receiver uses single, leased, counted or answering receives")
    func sluiceReceiving() throws {
        let (first, second) = (Self.body(1, 0), Self.body(1, 1))
        func receiving(_ manner: SluiceReceiving.RequestStyle) -> SluiceReceiving {
            SluiceReceiving("c", SluiceGreeting(nil), bodyBytes: 16, manner)
        }
        try expect(
            receiving(.single), "OK\nMSG c 16\n\(first)\nMSG c 16\n\(second)\n", bodies: [first, second],
            says: "RECV c\nRECV c\n")
        try expect(
            receiving(.leased),
            "OK\nMSG c 16 did=5.1 attempt=1\n\(first)\nMSG c 16 did=77.1 attempt=1\n\(second)\n",
            bodies: [first, second],
            says: "ACK reply=error 5.1\nRECV lease=30s c\nACK reply=error 77.1\nRECV lease=30s c\n")
        try expect(
            receiving(.counted), "OK\n#w MSG c 16\n\(first)\n#w MSG c 16\n\(second)\n", bodies: [first, second],
            says: "")
        try expect(
            receiving(.answering),
            "OK\n#w MSG c 16 did=5.1 attempt=1 call=yes\n\(first)\n"
                + "#w MSG c 16 did=77.1 attempt=1 call=yes\n\(second)\n",
            bodies: [first, second], says: "ACK reply=error 5.1 ok\nACK reply=error 77.1 ok\n")
    }

    @Test("Sluice: a selecting receiver checks the arm of each message")
    func sluiceSelecting() throws {
        let dialect = SluiceSelecting("c/", channels: 8..<10, SluiceGreeting(nil), bodyBytes: 16)
        let request = "SELECT recv c/8 | recv c/9\n"
        try expect(
            dialect, "OK\nMSG c/9 16 arm=1\n\(Self.body(9, 0))\nMSG c/8 16 arm=0\n\(Self.body(8, 0))\n",
            bodies: [Self.body(9, 0), Self.body(8, 0)], says: request + request)
        #expect(throws: LoadFailure.self) {
            try messages(dialect, "OK\nMSG c/9 16 arm=0\n\(Self.body(9, 0))\n", split: 0)
        }
    }

    @Test(
        "Sluice: an unexpected answer fails the run",
        arguments: [
            "OK\nERR limit too many\n", "OK\nCLOSED c\n", "OK\nTIMEOUT\n", "OK\nMAYBE eof\n", "OK\nOK dup=yes\n",
            "NO\n",
        ])
    func sluiceRefusals(text: String) {
        #expect(throws: LoadFailure.self) {
            try meanings(SluiceSending("c", SluiceGreeting(nil), Self.pattern, sender: 1, depth: 1), text, split: 0)
        }
        #expect(throws: LoadFailure.self) {
            try messages(SluiceReceiving("c", SluiceGreeting(nil), bodyBytes: 16, .single), text, split: 0)
        }
    }

    @Test(
        "Sluice: a message with an unexpected head or end fails the run",
        arguments: [
            "MSG d 16\n", "MSG c 15\n", "MSG c 16\n0123456789abcdefX\n", "MSG c 16 did=1.1 attempt=1\n",
            "#w MSG c 16\n",
        ])
    func sluiceMessages(text: String) {
        #expect(throws: LoadFailure.self) {
            try messages(SluiceReceiving("c", SluiceGreeting(nil), bodyBytes: 16, .single), "OK\n\(text)", split: 0)
        }
    }

    // MARK: Peers

    @Test("Redis: pushes, pops and confirms through a reply list")
    func redis() throws {
        let message = "*2\r\n$1\r\nl\r\n$16\r\n\(Self.body(1, 0))\r\n"
        let push = RedisSending("l", Self.pattern, sender: 1, depth: 1, replies: nil)
        try expect(push, "+PONG\r\n:1\r\n:12\r\n", means: [.ready, .done(place: 0), .done(place: 0)])
        let call = RedisSending("l", Self.pattern, sender: 1, depth: 1, replies: "r")
        try expect(
            call, "+PONG\r\n:1\r\n*2\r\n$4\r\nr100\r\n$2\r\nok\r\n", means: [.ready, .nothing, .done(place: 0)])
        let pop = "*3\r\n$5\r\nBRPOP\r\n$1\r\nl\r\n$1\r\n0\r\n"
        try expect(
            RedisReceiving("l", bodyBytes: 16, replies: nil), "+PONG\r\n\(message)", bodies: [Self.body(1, 0)],
            says: pop)
        try expect(
            RedisReceiving("l", bodyBytes: 16, replies: "r"), "+PONG\r\n\(message):1\r\n", bodies: [Self.body(1, 0)],
            says: "*3\r\n$5\r\nLPUSH\r\n$4\r\nr100\r\n$2\r\nok\r\n\(pop)")
        for wrong in ["-ERR wrong\r\n", "$3\r\nabc\r\n", ":x\r\n"] {
            #expect(throws: LoadFailure.self) { try meanings(push, "+PONG\r\n\(wrong)", split: 0) }
        }
    }

    @Test("NATS: requests, replies, and answers the server's pings")
    func nats() throws {
        let information = "INFO {\"server_id\":\"x\"}\r\n"
        let request = NatsRequesting("s", Self.pattern, sender: 4, depth: 1, inboxes: "i/")
        try expect(
            request, "\(information)PONG\r\nPING\r\nMSG i/4 1 2\r\nok\r\n",
            means: [.nothing, .ready, .nothing, .done(place: 0)], says: "PONG\r\n")
        let body = Self.body(4, 0)
        try expect(
            NatsReceiving("s", bodyBytes: 16, replies: true),
            "\(information)PONG\r\nMSG s 1 i/4 16\r\n\(body)\r\nPING\r\n", bodies: [body],
            says: "PUB i/4 2\r\nok\r\nPONG\r\n")
        try expect(
            NatsReceiving("s", bodyBytes: 16, replies: false), "\(information)PONG\r\nMSG s 1 16\r\n\(body)\r\n",
            bodies: [body], says: "")
        #expect(throws: LoadFailure.self) {
            try meanings(request, "\(information)PONG\r\n-ERR 'Slow Consumer'\r\n", split: 0)
        }
    }

    @Test("beanstalkd: puts, reserves and deletes")
    func beanstalkd() throws {
        let put = BeanstalkdPutting("t", Self.pattern, sender: 1, depth: 2)
        try expect(
            put, "USING t\r\nINSERTED 1\r\nINSERTED 22\r\nINSERTED 3\r\n",
            means: [.ready, .done(place: 0), .done(place: 1), .done(place: 0)])
        let body = Self.body(1, 0)
        try expect(
            BeanstalkdReserving("t", bodyBytes: 16),
            "WATCHING 2\r\nWATCHING 1\r\nRESERVED 17 16\r\n\(body)\r\nDELETED\r\n", bodies: [body],
            says: "delete 17\r\nreserve\r\n")
        for wrong in ["BURIED 1\r\n", "EXPECTED_CRLF\r\n", "OUT_OF_MEMORY\r\n", "INSERTED x\r\n"] {
            #expect(throws: LoadFailure.self) { try meanings(put, "USING t\r\n\(wrong)", split: 0) }
        }
    }

    @Test("Pings are answered in order")
    func pings() throws {
        try expect(
            SluicePinging(SluiceGreeting(nil), depth: 2), "OK\nOK\nOK\nOK\n",
            means: [.ready, .done(place: 0), .done(place: 1), .done(place: 0)])
        try expect(RedisPinging(depth: 1), "+PONG\r\n+PONG\r\n", means: [.ready, .done(place: 0)])
        try expect(
            NatsPinging(depth: 1), "INFO {}\r\nPONG\r\nPONG\r\nPING\r\n",
            means: [.nothing, .ready, .done(place: 0), .nothing], says: "PONG\r\n")
    }
}
