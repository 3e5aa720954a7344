import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// A drained hub stores what it keeps, and the hub of the next run takes it up.
@Suite struct StoredHubTests {
    /// Drains a hub, and returns a hub of a later epoch that has taken up what it kept.
    private func restarted(
        _ hub: consuming TestHub, clients: [ConnectionID], after pause: Duration = .zero
    ) throws -> TestHub {
        hub.machine.drain()
        hub.machine.endDraining()
        for client in clients { hub.disconnect(client, isOrderly: true) }
        let isDrained = hub.machine.isDrained(localCount: 0)
        #expect(isDrained)
        let text = try hub.machine.stored().text(savedAt: 1000)
        var next = TestHub(epoch: hub.machine.epoch + 1)
        let (stored, time) = try StoredHub.read(text)
        #expect(time == 1000)
        try next.machine.restore(stored, after: pause.wholeNanoseconds)
        let invariants = MachineInvariants(next.machine)
        #expect(invariants.faults == [])
        return next
    }

    @Test("Buffered messages come in their order, with their trace contexts, and count as kept")
    func bufferedMessages() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open("jobs", .buffer(5), by: client)
        for text in ["one", "two\nlines", ""] { _ = try hub.send(text, on: "jobs", by: client) }
        _ = try hub.send("four", on: "jobs", by: client, trace: "00-aa-bb-01")
        var next = try restarted(hub, clients: [client])
        #expect(next.machine.totals.keptMessages == 4)
        #expect(next.machine.channels.declaredCount == 1)
        let other = next.connect()
        // The declaration is the same.
        #expect(try next.open("jobs", .buffer(5), by: other) == .done(.ok(Attributes())))
        #expect(try next.open("jobs", .buffer(6), by: other).refusal == .conflict)
        for text in ["one", "two\nlines", ""] {
            #expect(try next.receive(from: "jobs", by: other).message == text)
        }
        let last = try next.receive(from: "jobs", by: other)
        #expect(last.message == "four")
        #expect(last.attributes?.trace == TraceContext("00-aa-bb-01"))
        #expect(try next.receive(from: "jobs", by: other, timeout: .zero) == .done(.timeout))
        // The space of the buffer is free again.
        for _ in 0..<5 { #expect(try next.send("x", on: "jobs", by: other, timeout: .zero).isOK) }
        #expect(!(try next.send("x", on: "jobs", by: other, timeout: .zero).isOK))
    }

    @Test("A message that a receiver holds when the hub ends comes first, as a further attempt")
    func heldMessages() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open("jobs", .buffer(2), by: client)
        for text in ["one", "two"] { _ = try hub.send(text, on: "jobs", by: client) }
        _ = try hub.receive(from: "jobs", by: client, lease: .seconds(60))
        hub.machine.drain()
        hub.machine.endDraining()
        // The process ends before the receiver has disconnected.
        var next = TestHub(epoch: 43)
        try next.machine.restore(StoredHub.read(hub.machine.stored().text(savedAt: 1)).hub, after: 0)
        let other = next.connect()
        let first = try next.receive(from: "jobs", by: other, lease: .seconds(60))
        #expect(first.message == "one")
        #expect(first.attributes?.attempt == 2)
        #expect(try next.receive(from: "jobs", by: other).message == "two")
    }

    @Test("A delay goes on while no hub runs")
    func delayedMessages() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open("jobs", .buffer(5), by: client)
        _ = try hub.send("late", on: "jobs", by: client, delay: .seconds(60))
        hub.pass(.seconds(10))
        var next = try restarted(hub, clients: [client], after: .seconds(20))
        let other = next.connect()
        next.pass(.seconds(29))
        #expect(try next.receive(from: "jobs", by: other, timeout: .zero) == .done(.timeout))
        next.pass(.seconds(1))
        #expect(try next.receive(from: "jobs", by: other).message == "late")
    }

    @Test("A rejected message that waits for its dead channel moves there later, with its origin")
    func heldRejections() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open("jobs", .buffer(5), maxAttempts: 1, dead: "a-dead", by: client)
        _ = try hub.send("bad", on: "jobs", by: client, id: "m1")
        let delivery = try #require(try hub.receive(from: "jobs", by: client, lease: .seconds(9)).delivery)
        _ = hub.reject(delivery, "too bad", by: client)
        #expect(hub.machine.totals.heldRejections == 1)
        var next = try restarted(hub, clients: [client])
        #expect(next.machine.totals.heldRejections == 1)
        let other = next.connect()
        _ = try next.open("a-dead", .buffer(5), by: other)
        next.pass(.seconds(2))
        #expect(next.machine.totals.heldRejections == 0)
        let dead = try next.receive(from: "a-dead", by: other)
        #expect(dead.message == "bad")
        let origin = dead.attributes?.others.map { "\($0.key)=\($0.value)" }
        #expect(origin == ["from=jobs", "attempts=1", "reason=too%20bad", "id=m1"])
    }

    @Test("A dead letter keeps its origin, so that REDRIVE sends it back")
    func deadLetters() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open("dead", .buffer(5), by: client)
        _ = try hub.open("jobs", .buffer(5), maxAttempts: 1, dead: "dead", by: client)
        _ = try hub.send("bad", on: "jobs", by: client, id: "m1")
        let delivery = try #require(try hub.receive(from: "jobs", by: client, lease: .seconds(9)).delivery)
        _ = hub.reject(delivery, by: client)
        var next = try restarted(hub, clients: [client])
        let other = next.connect()
        #expect(try next.redrive("dead", by: other).isOK)
        #expect(try next.receive(from: "jobs", by: other).message == "bad")
        #expect(try next.send("bad", on: "jobs", by: other, id: "m1").attributes?.isDuplicate == true)
    }

    @Test("A repeated send is recognised, whatever has become of its message, also with the epoch of the earlier run")
    func rememberedIDs() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open("kept", .buffer(5), by: client)
        _ = try hub.send("k", on: "kept", by: client, id: "kept")
        for name in ["delivered", "rejected", "called", "unanswered"] {
            let isCall = name == "called" || name == "unanswered"
            _ =
                isCall
                ? try hub.call("c", on: name, by: client, tag: name, id: "x")
                : try hub.send("m", on: name, by: client, tag: name, id: "x")
            let taken = try hub.receive(from: name, by: client, lease: .seconds(9))
            let delivery = try #require(taken.delivery)
            switch name {
            case "rejected": _ = hub.reject(delivery, "no good", by: client)
            case "called": _ = hub.ack(delivery, by: client, answer: "the answer")
            default: _ = hub.ack(delivery, by: client)
            }
        }
        var next = try restarted(hub, clients: [client])
        let other = next.connect()
        let epochs: [Int?] = [nil, 42, 43]
        for epoch in epochs {
            let kept = try next.send("k", on: "kept", by: other, id: "kept", epoch: epoch)
            #expect(kept.attributes?.isDuplicate == true)
            let delivered = try next.send("m", on: "delivered", by: other, id: "x", epoch: epoch)
            #expect(delivered.attributes?.isDuplicate == true)
            let rejected = try next.send("m", on: "rejected", by: other, id: "x", epoch: epoch)
            #expect(rejected == .done(.rejected(try channel("rejected"), "no good")))
            let called = try next.call("c", on: "called", by: other, id: "x", epoch: epoch)
            #expect(called.message == "the answer")
            #expect(try next.call("c", on: "unanswered", by: other, id: "x", epoch: epoch).isOK)
        }
        #expect(try next.send("m", on: "kept", by: other, id: "new", epoch: 41) == .done(.maybe("epoch")))
        #expect(try next.receive(from: "kept", by: other).message == "k")
        #expect(try next.receive(from: "kept", by: other, timeout: .zero) == .done(.timeout))
        // Ids are forgotten after their full time.
        next.pass(HubLimits().sendMemoryLife + .seconds(5))
        #expect(try next.send("m", on: "delivered", by: other, timeout: .zero, id: "x") == .done(.timeout))
    }

    @Test("The ids of a principal stay its own")
    func idsOfPrincipals() throws {
        let key = SendKey(channel: try channel("jobs"), id: try #require(MessageID("x")), of: try channel("alice"))
        var stored = StoredHub(epochs: [42])
        stored.clients = [StoredClient(address: "a b=%", holder: .principal(try channel("alice")))]
        stored.sends = [StoredSend(key: key, payer: 0, result: .delivered)]
        var next = TestHub(epoch: 43)
        try next.machine.restore(StoredHub.read(stored.text(savedAt: 1)).hub, after: 0)
        let other = next.connect()
        #expect(try next.send("m", on: "jobs", by: other, timeout: .zero, id: "x") == .done(.timeout))
        let again = next.machine.stored()
        #expect(again.clients.map(\.address) == ["a b=%"])
        #expect(again.sends.map(\.key) == [key])
    }

    @Test("The longest delays and the greatest numbers of the protocol come back")
    func greatestNumbers() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open(
            "jobs", .queue(capacity: .max, overflow: .block), maxAttempts: .max, retry: Limits.maxDuration, by: client)
        _ = try hub.send("late", on: "jobs", by: client, delay: Limits.maxDuration)
        _ = try hub.send("returned", on: "jobs", by: client)
        let taken = try hub.receive(from: "jobs", by: client, lease: .seconds(60))
        _ = hub.nack(try #require(taken.delivery), by: client, delay: Limits.maxDuration)
        let before = hub.machine.stored().summary
        let next = try restarted(hub, clients: [client])
        #expect(next.machine.stored().summary == before)
    }

    @Test("The names of ended channels stay, with their reasons, as do the values of once channels")
    func endedChannels() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.close("closed", by: client)
        _ = try hub.poison("poisoned", "a bad day", by: client)
        _ = try hub.open("closing", .buffer(5), by: client)
        _ = try hub.send("left", on: "closing", by: client)
        _ = try hub.close("closing", by: client)
        for name in ["once", "once-closed"] {
            _ = try hub.open(name, .once, by: client)
            _ = try hub.send("value", on: name, by: client)
        }
        _ = try hub.close("once-closed", by: client)
        var next = try restarted(hub, clients: [client])
        #expect(next.machine.totals.keptMessages == 2)
        let other = next.connect()
        #expect(try next.send("m", on: "closed", by: other) == .done(.closed(try channel("closed"), nil)))
        #expect(
            try next.receive(from: "poisoned", by: other) == .done(.poisoned(try channel("poisoned"), "a bad day")))
        #expect(try next.send("m", on: "closing", by: other) == .done(.closed(try channel("closing"), nil)))
        #expect(try next.receive(from: "closing", by: other).message == "left")
        #expect(try next.receive(from: "closing", by: other) == .done(.closed(try channel("closing"), nil)))
        for name in ["once", "once-closed"] {
            for _ in 0..<2 { #expect(try next.receive(from: name, by: other).message == "value") }
        }
        next.pass(HubLimits().tombstoneLife + .seconds(5))
        #expect(try next.send("m", on: "closed", by: other, timeout: .zero) == .done(.timeout))
    }

    @Test("The end of a draining hub's connections does not end the channels that they have joined")
    func joinedEnds() throws {
        var hub = TestHub()
        let sender = hub.connect()
        let receiver = hub.connect()
        _ = try hub.open("jobs", .buffer(5), by: sender)
        _ = try hub.join(.send, of: "jobs", by: sender)
        _ = try hub.join(.receive, of: "jobs", by: receiver)
        _ = try hub.send("one", on: "jobs", by: sender)
        var next = try restarted(hub, clients: [sender, receiver])
        let other = next.connect()
        #expect(try next.join(.send, of: "jobs", by: other).isOK)
        #expect(try next.send("two", on: "jobs", by: other).isOK)
        #expect(try next.receive(from: "jobs", by: other).message == "one")
    }

    @Test("The next run charges the same holders, until their messages have gone")
    func charges() throws {
        var hub = TestHub()
        let client = hub.connect(from: 7)
        _ = try hub.open("jobs", .buffer(500), by: client)
        for number in 0..<100 { _ = try hub.send("message \(number)", on: "jobs", by: client, id: "m\(number)") }
        let before = hub.machine.account.holder(.origin(.ipv4(0x7F00_0007))).used
        var next = try restarted(hub, clients: [client])
        let holder = next.machine.account.holder(.origin(.ipv4(0x7F00_0007)))
        #expect(abs(holder.used - before) < 2 * ObjectSize.connection)
        let other = next.connect()
        for _ in 0..<100 { _ = try next.receive(from: "jobs", by: other) }
        _ = try next.close("jobs", by: other)
        next.pass(.seconds(10_000))
        next.disconnect(other)
        next.expectEmpty()
        #expect(holder.used == 0)
    }

    @Test("Storing what was taken up gives the same text, after random operations", arguments: 0..<UInt64(300))
    func randomHubs(seed: UInt64) throws {
        var clients = try RandomClients(seed: seed)
        for _ in 0..<150 where clients.faults.isEmpty { try clients.step() }
        clients.drain()
        clients.endDraining()
        let first = clients.stored()
        var next = TestHub(epoch: 42)
        try next.machine.restore(StoredHub.read(first.text(savedAt: 1)).hub, after: 0)
        let faults = MachineInvariants(next.machine).faults
        #expect(faults == [])
        var second = next.machine.stored()
        second.epochs = first.epochs
        #expect(second.summary == first.summary)
        #expect(second.messageCount == first.messageCount)
    }
}

extension Outcome {
    /// The attributes of the reply.
    fileprivate var attributes: Attributes? {
        switch reply {
        case .ok(let attributes)?, .message(_, _, let attributes)?, .data(_, let attributes)?: attributes
        default: nil
        }
    }

    /// The message or the answer in the reply.
    fileprivate var message: String? {
        switch reply {
        case .message(_, let body, _)?, .data(let body, _)?: String(decoding: body, as: UTF8.self)
        default: nil
        }
    }

    fileprivate var isOK: Bool { if case .ok? = reply { true } else { false } }
}

extension StoredHub {
    /// The text of the value.
    func text(savedAt time: Int) throws -> [UInt8] {
        var text: [UInt8] = []
        write(savedAt: time) { text += $0 }
        // Also if each record is a piece.
        var pieces: [UInt8] = []
        write(savedAt: time, pieceBytes: 1) { pieces += $0 }
        #expect(pieces == text)
        return text
    }

    static func read(_ text: [UInt8]) throws(StoredHubError) -> (hub: StoredHub, savedAt: Int) {
        var result: Result<(hub: StoredHub, savedAt: Int), StoredHubError> = .failure(StoredHubError("not read"))
        text.withUnsafeBytes { bytes in
            do throws(StoredHubError) { result = .success(try read(bytes)) } catch { result = .failure(error) }
        }
        return try result.get()
    }

    /// The channels, the messages and the ids as lines in an order that does not depend on the order of clients.
    var summary: [String] {
        var lines: [String] = []
        for channel in channels {
            lines.append("\(channel.name) \(channel.declaration) \(channel.isDeclared) \(channel.ending as Any)")
            lines += channel.messages.map { message in
                "\(message.place) \(message.usesSpace) \(message.position) \(message.attempts) \(message.body)"
                    + " \(message.isRemembered) \(clients[message.payer])"
            }
        }
        return lines + sends.map { "\($0.key.channel) \($0.key.id) \($0.result) \(clients[$0.payer])" }.sorted()
    }
}
