import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// `trace=`: a word that comes with a message to its receivers.
@Suite(.bounded) struct TraceContextTests {
    private let second = Duration.seconds(1)
    private static let word = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test(
        "A message brings its word, whether the sender or the receiver waits first", arguments: [false, true],
        [false, true])
    func theWordComesWithTheMessage(receiverWaits: Bool, isLeased: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let lease = isLeased ? second : nil
        if receiverWaits { #expect(try hub.receive(from: "c", by: b, tag: "r", lease: lease).isParked) }
        let sent = try hub.send("1", on: "c", by: a, tag: "1", trace: Self.word)
        #expect(sent.isParked == (isLeased || !receiverWaits))
        let reply =
            receiverWaits
            ? hub.takeLateReplies().first?.reply : try hub.receive(from: "c", by: b, tag: "r", lease: lease).reply
        #expect(reply?.trace == Self.word)
        if let delivery = reply?.delivery { #expect(hub.ack(delivery, by: b) == .done(.ok)) }
        #expect(try hub.receive(from: "c", by: b, tag: "next").isParked)
        _ = hub.takeLateReplies()
        #expect(try hub.send("2", on: "c", by: a) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(b, "next", try .message("2", from: "c"))], "no word of its own")
        hub.expectEmpty()
    }

    @Test("A message keeps its word when it comes back, when it is rejected, and after REDRIVE")
    func aMessageKeepsItsWord() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("dead", .buffer(1), by: a)
        _ = try hub.open("c", .buffer(1), dead: "dead", by: a)
        #expect(try hub.send("1", on: "c", by: a, trace: Self.word) == .done(.ok))
        let first = try hub.receive(from: "c", by: b, lease: second)
        #expect(first.reply?.trace == Self.word)
        #expect(hub.nack(try #require(first.delivery), by: b) == .done(.ok))
        let second = try hub.receive(from: "c", by: b, lease: second)
        #expect(second.reply?.trace == Self.word)
        #expect(hub.reject(try #require(second.delivery), "no", by: b) == .done(.ok))
        let letter = try hub.receive(from: "dead", by: b, lease: self.second)
        #expect(letter.reply?.trace == Self.word)
        #expect(letter.reply?.attributes.flatMap(RejectedOrigin.init)?.reason == "no")
        #expect(hub.nack(try #require(letter.delivery), by: b) == .done(.ok))
        #expect(try hub.redrive("dead", by: a) == .done(.ok([Attribute(.count, 1)])))
        #expect(try hub.receive(from: "c", by: b).reply?.trace == Self.word)
    }

    @Test("A word comes through a delay, a select, a counted receive, a broadcast and a once channel")
    func aWordComesThroughEveryKindOfChannel() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        #expect(try hub.send("1", on: "later", by: a, tag: "1", delay: second, trace: Self.word).isParked)
        hub.pass(second)
        #expect(try hub.receive(from: "later", by: b).reply?.trace == Self.word)
        #expect(try hub.select("recv x", "send trace=\(Self.word) arm 1", by: a, tag: "s").isParked)
        #expect(try hub.receive(from: "arm", by: b).reply?.trace == Self.word)
        #expect(try hub.stream(from: "stream", by: b, tag: "b").isParked)
        _ = hub.takeLateReplies()
        for trace in [Self.word, nil] { _ = try hub.send("1", on: "stream", by: a, trace: trace) }
        #expect(hub.takeLateReplies().map(\.reply?.trace) == [Self.word, nil])
        _ = try hub.open("all", .broadcast, by: a)
        for receiver in [b, c] { #expect(try hub.receive(from: "all", by: receiver, tag: "all").isParked) }
        #expect(try hub.send("1", on: "all", by: a, trace: Self.word) == .done(.ok(receivers: 2)))
        #expect(hub.takeLateReplies().map(\.reply?.trace) == [Self.word, Self.word])
        _ = try hub.open("once", .once, by: a)
        #expect(try hub.receive(from: "once", by: b, tag: "once").isParked)
        #expect(try hub.send("1", on: "once", by: a, trace: Self.word) == .done(.ok))
        #expect(hub.takeLateReplies().map(\.reply?.trace) == [Self.word])
        #expect(try hub.receive(from: "once", by: c).reply?.trace == Self.word)
    }

    @Test("The sender is charged for its word as long as the message waits")
    func theSenderIsCharged() throws {
        func charge(_ trace: String?) throws -> Int {
            var hub = TestHub()
            let a = hub.connect()
            let idle = hub.machine.account.used
            let id = try #require(try hub.send("1", on: "c", by: a, tag: "1", trace: trace).parked)
            defer {
                hub.cancel(id)
                _ = hub.takeLateReplies()
                hub.expectEmpty()
            }
            return hub.machine.account.used - idle
        }
        let longest = String(repeating: "x", count: Limits.maxTraceBytes)
        #expect(try charge(longest) >= charge(nil) + Limits.maxTraceBytes)
        #expect(try charge("x") > charge(nil))
    }

    @Test("Lines that repeat the one before each bring their word, and others bring none")
    func repeatedLinesBringTheirWord() throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await receiver.say("#r RECV count=* c\n")
            try await service.parked(1)
            let line = "SEND trace=w c 1\n"
            try await sender.say(line + line + line + "SEND c 2\nSEND c 2\nSEND c 2\n" + line)
            try await sender.hear(String(repeating: "OK\n", count: 7))
            let (with, without) = ("#r MSG c 1 trace=w\n1\n", "#r MSG c 1\n2\n")
            try await receiver.hear(with + with + with + without + without + without + with)
        }
    }

    @Test("The attributes of a large message are not lost", arguments: [1000, 40_000])
    func theAttributesOfALargeMessage(byteCount: Int) throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            let body = String(repeating: "x", count: byteCount)
            try await sender.say("OPEN cap=1 dead\nOPEN cap=1 dead=dead c\nSEND trace=w len=\(byteCount) c\n\(body)\n")
            try await sender.hear("OK\nOK\nOK\n")
            try await receiver.say("RECV lease=1h c\n")
            try await receiver.hear("MSG c \(byteCount) did=1.0 attempt=1 fence=44040193 trace=w\n\(body)\n")
            try await receiver.say("REJECT 1.0 no\nRECV dead\n")
            try await receiver.hear("OK\nMSG dead \(byteCount) from=c attempts=1 reason=no trace=w\n\(body)\n")
            try await receiver.say("OPEN kind=broadcast all\n#1 RECV all\n#2 RECV all\n")
            try await receiver.hear("OK\n")
            try await service.parked(2)
            try await sender.say("SEND trace=w len=\(byteCount) all\n\(body)\n")
            try await sender.hear("OK receivers=2\n")
            try await receiver.hear(
                "#1 MSG all \(byteCount) trace=w\n\(body)\n#2 MSG all \(byteCount) trace=w\n\(body)\n")
        }
    }

    @Test("A word that is not 1 to 128 visible characters is refused, and not repeated")
    func aBadWordIsRefused() throws {
        try HubService.run { service in
            let client = try await service.connect()
            let error = "ERR bad-option trace= must be 1 to 128 visible ASCII characters, such as a traceparent\n"
            let longest = String(repeating: "w", count: 128)
            for word in ["", "caf\u{E9}", "a\tb", longest + "w"] {
                try await client.say("SEND timeout=0 trace=\(word) c 1\nSELECT send trace=\(word) c 1 | else\n")
                try await client.hear(error + error)
            }
            try await client.say("SEND trace=a trace=b c 1\nCALL timeout=0 trace=\(longest) c 1\nRECV trace=a c\n")
            try await client.hear(
                """
                ERR bad-option an option may be given only once
                TIMEOUT
                ERR bad-option no such option here; HELP and the verb list the options

                """)
        }
    }
}

extension Reply {
    fileprivate var attributes: Attributes? {
        if case .message(_, _, let attributes) = self { attributes } else { nil }
    }

    fileprivate var trace: String? { attributes?.trace?.description }
}

extension Outcome {
    fileprivate var reply: Reply? { if case .done(let reply) = self { reply } else { nil } }
}
