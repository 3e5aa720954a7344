import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// The limits on what the operations of a client may use, at the limit and past it.
@Suite struct ResourceLimitTests {
    // MARK: Messages

    @Test("The bytes of a connection's parked messages are bounded")
    func parkedBytesAreBounded() throws {
        var hub = TestHub(limits: limits { $0.parkedBytes = 10 })
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("12345", on: "c", by: a, tag: "1")
        #expect(try hub.select("send d 123456", "recv e", by: a).refusal == .limit)
        #expect(try hub.select("send d 12", "send e 345", by: a, tag: "2").isParked)
        #expect(try hub.send("1", on: "f", by: a).refusal == .limit)
        #expect(try hub.send("", on: "f", by: a, tag: "3").isParked)
        #expect(try hub.send("123456789", on: "f", by: b, tag: "4").isParked, "each client has its own limit")
        #expect(try hub.receive(from: "c", by: b) == .done(.message("12345", from: "c")))
        #expect(try hub.send("54321", on: "c", by: a, tag: "5").isParked)
        hub.disconnect(a)
        hub.disconnect(b)
        hub.expectEmpty()
    }

    @Test("The bound on parked messages does not apply to a message that need not wait")
    func aMessageThatNeedNotWaitFitsAlways() throws {
        var hub = TestHub(limits: limits { $0.parkedBytes = 10 })
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("b", .buffer(1), by: a)
        _ = try hub.send("1234567890", on: "c", by: a, tag: "1")
        _ = try hub.receive(from: "d", by: b)
        #expect(try hub.send("x", on: "d", by: a) == .done(.ok))
        #expect(try hub.send("x", on: "b", by: a) == .done(.ok))
    }

    @Test("Messages with receivers count as parked while their sender waits")
    func leasedMessagesCountAsParked() throws {
        var hub = TestHub(limits: limits { $0.parkedBytes = 10 })
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("b", .buffer(2), by: a)
        _ = try hub.open("w", .broadcast, by: a)
        _ = try hub.join(.receive, of: "w", by: b)
        _ = try hub.receive(from: "c", by: b, tag: "r", lease: .seconds(1))
        _ = try hub.receive(from: "c", by: b, tag: "q", lease: .seconds(1))
        #expect(try hub.send("1234567890", on: "c", by: a, tag: "1").isParked)
        #expect(try hub.send("x", on: "c", by: a).refusal == .limit)
        #expect(try hub.send("x", on: "w", by: a).refusal == .limit)
        #expect(try hub.send("x", on: "b", by: a, until: .taken).refusal == .limit)
        #expect(try hub.select("send c x", "recv e", by: a).refusal == .limit)
        #expect(hub.machine.clients[a]?.parkedBytes == 10)
    }

    @Test("The bytes that all channels keep are bounded")
    func keptBytesAreBounded() throws {
        var hub = TestHub(limits: limits { $0.keptBytes = 10 })
        let (a, b) = (hub.connect(), hub.connect())
        for name in ["b", "d"] { _ = try hub.open(name, .buffer(2), by: a) }
        _ = try hub.open("v", .once, by: a)
        #expect(try hub.send("12345", on: "b", by: a) == .done(.ok))
        #expect(try hub.send("1234", on: "d", by: a) == .done(.ok))
        #expect(try hub.send("12", on: "b", by: a).refusal == .limit)
        #expect(try hub.send("12", on: "v", by: a).refusal == .limit)
        _ = try hub.receive(from: "v", by: b, tag: "v")
        #expect(try hub.send("12", on: "v", by: a).refusal == .limit, "the value would be kept for other receivers")
        #expect(try hub.receive(from: "b", by: b) == .done(.message("12345", from: "b")))
        #expect(try hub.send("12", on: "v", by: a) == .done(.ok))
        #expect(hub.machine.totals.keptBytes == 6)
        #expect(try hub.close("v", by: a) == .done(.ok))
        #expect(try hub.send("12345", on: "b", by: a).refusal == .limit, "the value is kept for a while")
        hub.pass(.seconds(100))
        #expect(try hub.send("123456", on: "b", by: a) == .done(.ok))
    }

    @Test("A leased message over the bound on kept bytes makes its sender wait")
    func aLeasedMessageIsKeptOrItsSenderWaits() throws {
        var hub = TestHub(limits: limits { $0.keptBytes = 10 })
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("b", .buffer(5), by: a)
        for tag in ["1", "2"] { _ = try hub.receive(from: "b", by: b, tag: tag, lease: .seconds(1)) }
        #expect(try hub.send("1234567", on: "b", by: a) == .done(.ok))
        #expect(try hub.send("7654321", on: "b", by: a, tag: "s").isParked)
        let held = hub.takeDeliveries()
        #expect(held.count == 2)
        for delivery in held { #expect(hub.ack(delivery, by: b) == .done(.ok)) }
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        #expect(hub.machine.totals.keptBytes == 0)
    }

    @Test("A parked sender is refused if its message exceeds the kept bytes when its turn comes")
    func aParkedSenderIsRefusedIfItsMessageCannotBeKept() throws {
        var hub = TestHub(limits: limits { $0.keptBytes = 20 })
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("b", .buffer(2), by: a)
        for _ in 0..<2 { _ = try hub.send("1234", on: "b", by: a) }
        for (tag, count) in [("1", 12), ("2", 12), ("3", 12), ("4", 8)] {
            #expect(try hub.send(String(repeating: "x", count: count), on: "b", by: a, tag: tag).isParked)
        }
        #expect(try hub.receive(from: "b", by: b) == .done(.message("1234", from: "b")))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok)])
        #expect(try hub.receive(from: "b", by: b) == .done(.message("1234", from: "b")))
        let lateReplies = hub.takeLateReplies()
        #expect(lateReplies.map(\.tag) == [Tag("2"), Tag("3"), Tag("4")])
        #expect(lateReplies.map(\.refusal) == [.limit, .limit, nil])
        #expect(hub.machine.totals.keptBytes == 20)
    }

    // MARK: Leases

    @Test("Leases are bounded, including those that parked receives can begin")
    func leasesAreBounded() throws {
        var hub = TestHub(limits: limits { $0.maxLeases = 3 })
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<4 { _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)") }
        let second = Duration.seconds(1)
        #expect(try hub.receive(from: "c", by: b, lease: second).delivery != nil)
        #expect(try hub.receive(from: "d", by: b, tag: "1", lease: second).isParked)
        #expect(try hub.select("recv lease=1s new", "recv lease=1s d", by: b, tag: "2").isParked)
        #expect(try hub.receive(from: "c", by: b, lease: second).refusal == .limit)
        #expect(try hub.select("recv e", "recv lease=1s unknown", by: b).refusal == .limit)
        #expect(try hub.stream(from: "c", by: b, tag: "s", lease: second).refusal == .limit)
        #expect(try hub.receive(from: "c", by: b).isParked == false, "without a lease")
        #expect(try hub.receive(from: "c", by: a, lease: second).delivery != nil, "each client has its own limit")
        for text in ["1", "2"] { #expect(try hub.send(text, on: "d", by: a, tag: text + "d").isParked) }
        #expect(hub.machine.clients[b]?.leaseCount == 3)
        #expect(hub.machine.clients[b]?.reservedLeases == 0)
    }

    @Test("The window of a counted receive counts as leases")
    func aWindowCountsAsLeases() throws {
        var hub = TestHub(limits: limits { $0.maxLeases = 3 })
        let (a, b) = (hub.connect(), hub.connect())
        let second = Duration.seconds(1)
        #expect(try hub.stream(from: "c", by: b, tag: "1", lease: second, window: 4).refusal == .limit)
        #expect(try hub.stream(from: "c", by: b, tag: "1", lease: second, window: .max).refusal == .limit)
        let stream = try #require(try hub.stream(from: "c", by: b, tag: "1", lease: second, window: 2).parked)
        #expect(try hub.stream(from: "c", by: b, tag: "2", lease: second, window: 2).refusal == .limit)
        _ = try hub.send("x", on: "c", by: a)
        #expect(try hub.stream(from: "c", by: b, tag: "2", lease: second, window: 2).refusal == .limit)
        hub.cancel(stream)
        #expect(try hub.stream(from: "c", by: b, tag: "2", lease: second, window: 2).isParked)
        #expect(hub.machine.clients[b]?.reservedLeases == 2)
    }

    @Test("A select that has sent its message no longer reserves a lease")
    func aSelectThatHasSentReservesNoLease() throws {
        var hub = TestHub(limits: limits { $0.maxLeases = 1 })
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.select("recv lease=1s c", "send d x", by: a, tag: "s")
        #expect(try hub.receive(from: "e", by: a, tag: "r", lease: .seconds(1)).refusal == .limit)
        let delivery = try #require(try hub.receive(from: "d", by: b, lease: .seconds(1)).delivery)
        #expect(try hub.receive(from: "e", by: a, tag: "r", lease: .seconds(1)).isParked)
        _ = hub.ack(delivery, by: b)
        #expect(hub.machine.clients[a]?.reservedLeases == 1)
    }

    // MARK: Declared channels and ends

    @Test("Declared channels are bounded")
    func declaredChannelsAreBounded() throws {
        var hub = TestHub(limits: limits { $0.maxDeclaredChannels = 2 })
        let a = hub.connect()
        for name in ["a", "b"] { #expect(try hub.open(name, .buffer(1), by: a) == .done(.ok)) }
        #expect(try hub.open("c", .buffer(1), by: a).refusal == .limit)
        #expect(try hub.open("a", .buffer(1), by: a) == .done(.ok), "it is declared already")
        #expect(hub.machine.channels.count == 2)
        _ = try hub.close("a", by: a)
        #expect(try hub.open("c", .buffer(1), by: a) == .done(.ok))
        #expect(try hub.open("a", .buffer(1), by: a).refusal == .limit)
    }

    @Test("The ends that a connection has joined are bounded")
    func endsAreBounded() throws {
        var hub = TestHub(limits: limits { $0.maxEnds = 2 })
        let a = hub.connect()
        _ = try hub.join(.send, of: "a", by: a)
        _ = try hub.join(.receive, of: "a", by: a)
        #expect(try hub.join(.send, of: "b", by: a).refusal == .limit)
        #expect(try hub.join(.send, of: "a", by: a) == .done(.ok))
        #expect(hub.machine.channels.count == 1)
        _ = try hub.leave(.receive, of: "a", by: a)
        #expect(try hub.join(.send, of: "b", by: a) == .done(.ok))
        #expect(try hub.join(.send, of: "c", by: a) == .done(.ok), "the end of the channel that has ended is forgotten")
        #expect(try hub.join(.send, of: "d", by: a).refusal == .limit)
        #expect(try hub.leave(.send, of: "a", by: a).refusal == .notFound)
    }

    @Test("A client that joins a channel for each job never reaches the limit of ends")
    func endsOfEndedChannelsDoNotCount() throws {
        var hub = TestHub(limits: limits { $0.maxEnds = 4 })
        let (worker, boss) = (hub.connect(), hub.connect())
        for job in 0..<100 {
            #expect(try hub.join(.receive, of: "job/\(job)", by: worker) == .done(.ok))
            if job % 2 == 0 {
                _ = try hub.close("job/\(job)", by: boss)
            } else {
                _ = try hub.poison("job/\(job)", by: boss)
            }
        }
        #expect(try hub.join(.receive, of: "job/99", by: worker).refusal == nil)
        #expect((hub.machine.clients[worker]?.ends.count ?? 0) <= 4)
        hub.disconnect(worker)
    }

    @Test("Traces are bounded for each connection, each address and in all")
    func tracersAreBounded() throws {
        var hub = TestHub(limits: limits { $0.maxTracers = 1 })
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        let trace = try #require(try hub.trace(by: a, tag: "t").parked)
        #expect(try hub.trace(by: a, tag: "u").refusal == .limit)
        #expect(try hub.trace(by: b, tag: "t").isParked)
        #expect(try hub.trace(by: c, tag: "t").refusal == .limit, "an address has twice as many")
        for network: UInt32 in [2, 2] { #expect(try hub.trace(by: hub.connect(from: network), tag: "t").isParked) }
        #expect(try hub.trace(by: a, tag: "t").refusal == .limit)
        #expect(try hub.trace(by: hub.connect(from: 3), tag: "t").isParked, "another address may have one trace")
        #expect(try hub.trace(by: hub.connect(from: 3), tag: "t").refusal == .limit)
        #expect(
            try hub.trace(by: hub.connect(from: 4), tag: "t").refusal == .limit,
            "all clients may have at most five times as many")
        hub.cancel(trace)
        #expect(try hub.trace(by: c, tag: "t").refusal == .limit, "the reserve is for those without a trace")
        #expect(try hub.trace(by: hub.connect(from: 4), tag: "t").isParked)
    }

    // MARK: Memory

    @Test("Tombstones are bounded in number and lifetime")
    func tombstonesAreBoundedInNumberAndLife() throws {
        var hub = TestHub(
            limits: limits {
                $0.maxTombstones = 2
                $0.tombstoneLife = .seconds(10)
            })
        let a = hub.connect()
        for name in ["a", "b", "c"] { _ = try hub.close(name, by: a) }
        #expect(hub.machine.channels.tombstoneCount == 2)
        #expect(try hub.receive(from: "a", by: a, timeout: .zero) == .done(.timeout), "the oldest tombstone is gone")
        #expect(try hub.receive(from: "b", by: a, timeout: .zero) == .done(.closed("b")))
        hub.pass(.seconds(11))
        #expect(hub.machine.channels.tombstoneCount == 0)
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
    }

    @Test("Remembered sends are bounded in number and lifetime")
    func rememberedSendsAreBoundedInNumberAndLife() throws {
        var hub = TestHub(
            limits: limits {
                $0.maxRememberedSends = 2
                $0.sendMemoryLife = .seconds(10)
            })
        let (a, b) = (hub.connect(), hub.connect())
        for id in ["1", "2", "3"] {
            _ = try hub.receive(from: "c", by: b)
            #expect(try hub.send("x", on: "c", by: a, id: id) == .done(.ok))
        }
        #expect(hub.machine.memory.deliveredCount == 2)
        #expect(
            try hub.send("x", on: "c", by: a, timeout: .zero, id: "1") == .done(.timeout), "the oldest is forgotten")
        #expect(try hub.send("x", on: "c", by: a, id: "2") == .done(.duplicate))
        hub.pass(.seconds(11))
        #expect(hub.machine.memory.deliveredCount == 0)
        #expect(try hub.send("x", on: "c", by: a, timeout: .zero, id: "3") == .done(.timeout))
        hub.expectEmpty()
    }
}
