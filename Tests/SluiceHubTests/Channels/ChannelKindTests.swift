import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Declared kinds of channels in the state machine: buffers, dropping buffers, and once channels.
@Suite struct ChannelKindTests {
    // MARK: Opening

    @Test("Opening a channel again as the same kind succeeds, and as another kind is a conflict")
    func openingTheSameAgainIsFineAndAnotherKindIsAConflict() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.open("c", .buffer(2), by: a) == .done(.ok))
        #expect(try hub.open("c", .buffer(2), by: a) == .done(.ok))
        for other in [ChannelDeclaration.buffer(3), .buffer(2, .dropOldest), .rendezvous, .broadcast, .once] {
            #expect(try hub.open("c", other, by: a).refusal == .conflict)
        }
        #expect(hub.machine.channels.declaredCount == 1)
    }

    @Test("A declared channel exists until it is closed")
    func anOpenedChannelStaysUntilItIsClosed() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.open("c", .rendezvous, by: a)
        hub.disconnect(a)
        hub.pass(.seconds(1_000_000))
        #expect(hub.machine.channels.count == 1)
        let b = hub.connect()
        _ = try hub.close("c", by: b)
        hub.pass(.seconds(100))
        #expect(hub.machine.channels.declaredCount == 0)
        hub.expectEmpty()
    }

    @Test("A rendezvous channel can become another kind while no message waits on it")
    func aRendezvousInUseMayBeOpenedWhileNoMessageWaits() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: a, tag: "1")
        _ = try hub.receive(from: "c", by: a, tag: "2", lease: .seconds(1))
        #expect(try hub.open("c", .once, by: b).refusal == .conflict, "one of the receives has a lease")
        #expect(try hub.open("c", .buffer(1), by: b) == .done(.ok))
        #expect(try hub.send("x", on: "c", by: b) == .done(.ok))
        #expect(try hub.takeLateReplies() == [LateReply(a, "1", .message("x", from: "c"))])

        _ = try hub.send("x", on: "d", by: b, tag: "s")
        #expect(try hub.open("d", .buffer(1), by: b).refusal == .conflict)
        #expect(try hub.open("d", .rendezvous, by: b) == .done(.ok), "it is a rendezvous channel already")
        let delivery = try #require(try hub.receive(from: "d", by: a, lease: .seconds(1)).delivery)
        _ = try hub.close("d", by: b)
        #expect(
            try hub.open("d", .buffer(1), by: b).refusal == .conflict,
            "it has ended, but its leased message can come back")
        #expect(hub.ack(delivery, by: a) == .done(.ok))
        #expect(try hub.open("d", .buffer(1), by: b) == .done(.ok))
    }

    @Test("A channel keeps its kind while a message of it is leased or comes back")
    func aMessageUnderALeaseKeepsTheKind() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let send = try #require(try hub.send("x", on: "c", by: a).parked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        #expect(try hub.open("c", .buffer(1), by: b).refusal == .conflict)
        _ = hub.nack(delivery, by: b)
        #expect(try hub.open("c", .buffer(1), by: b).refusal == .conflict)
        hub.cancel(send)
        #expect(try hub.open("c", .buffer(1), by: b) == .done(.ok))
    }

    @Test(
        "A paused leased receive prevents a kind of channel without leases",
        arguments: [ChannelDeclaration.broadcast, .once])
    func aPausedLeasedReceiveKeepsTheKind(_ declaration: ChannelDeclaration) throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var hub = TestHub(limits: limits)
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        _ = try hub.send("x", on: "c", by: a)
        let delivery = try #require(hub.takeDeliveries().first)
        _ = hub.ack(delivery, by: b)
        #expect(try hub.open("c", declaration, by: a).refusal == .conflict)
    }

    // MARK: Buffers

    @Test("A buffer keeps messages up to its capacity, then parks senders")
    func aFullBufferParksSenders() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(2), by: a)
        for text in ["1", "2"] { #expect(try hub.send(text, on: "c", by: a) == .done(.ok)) }
        for text in ["3", "4"] { #expect(try hub.send(text, on: "c", by: a, tag: text).isParked) }
        #expect(hub.machine.totals.keptMessages == 2)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "3", .ok)], "accepted in place of the first")
        for text in ["2", "3", "4"] {
            #expect(try hub.receive(from: "c", by: b) == .done(.message(text, from: "c")))
        }
        #expect(hub.takeLateReplies() == [LateReply(a, "4", .ok)])
        #expect(hub.machine.totals.keptMessages == 0)
        #expect(hub.machine.totals.keptBytes == 0)
    }

    @Test("An accepted message outlives its sender")
    func anAcceptedMessageOutlivesItsSender() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        _ = try hub.send("x", on: "c", by: a)
        hub.disconnect(a)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("x", from: "c")))
    }

    @Test("A send with until=taken waits until the message leaves the buffer")
    func aSenderMayWaitUntilItsMessageIsTaken() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(2), by: a)
        #expect(try hub.send("1", on: "c", by: a, tag: "1", until: .taken).isParked)
        #expect(try hub.send("2", on: "c", by: a, until: .accepted) == .done(.ok))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok)])
    }

    @Test("Cancelling a send with until=taken removes its message from the buffer")
    func aCancelledSendLeavesTheBuffer() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        let send = try #require(try hub.send("1", on: "c", by: a, tag: "1", until: .taken).parked)
        #expect(try hub.send("2", on: "c", by: b, tag: "2").isParked)
        hub.cancel(send)
        #expect(Set(hub.takeLateReplies()) == [LateReply(a, "1", .cancelled(nil)), LateReply(b, "2", .ok)])
        #expect(try hub.receive(from: "c", by: b) == .done(.message("2", from: "c")))
        #expect(hub.machine.totals.keptBytes == 0)
    }

    @Test("A send with timeout=0 until=taken needs a parked receiver")
    func aSendUntilTakenWithoutTimeNeedsAReceiver() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        #expect(try hub.send("1", on: "c", by: a, timeout: .zero, until: .taken) == .done(.timeout))
        #expect(try hub.receive(from: "c", by: b, tag: "r").isParked)
        #expect(try hub.send("2", on: "c", by: a, timeout: .zero, until: .taken) == .done(.ok))
        #expect(try hub.takeLateReplies() == [LateReply(b, "r", .message("2", from: "c"))])
    }

    // MARK: Dropping

    @Test("A full buffer with overflow=drop-newest drops the new message")
    func theNewestIsDropped() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, .dropNewest), by: a)
        #expect(try hub.send("1", on: "c", by: a) == .done(.ok))
        #expect(try hub.send("2", on: "c", by: a) == .done(.dropped))
        #expect(try hub.send("3", on: "c", by: a, until: .taken) == .done(.cancelled("dropped")))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("A full buffer with overflow=drop-oldest drops the oldest message and answers its sender")
    func theOldestIsDroppedAndItsSenderToldIfItWaits() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, .dropOldest), by: a)
        #expect(try hub.send("1", on: "c", by: a, tag: "1", until: .taken).isParked)
        #expect(try hub.send("2", on: "c", by: a) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .cancelled("dropped"))])
        #expect(try hub.send("3", on: "c", by: a) == .done(.ok))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("3", from: "c")))
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("A send with timeout=0 until=taken drops no other message")
    func aSendUntilTakenWithoutTimeDropsNothing() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, .dropOldest), by: a)
        #expect(try hub.send("1", on: "c", by: a) == .done(.ok))
        #expect(try hub.send("2", on: "c", by: a, timeout: .zero, until: .taken) == .done(.timeout))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
    }

    @Test(
        "A dropping buffer of capacity 0 drops messages without a parked receiver",
        arguments: [Overflow.dropNewest, .dropOldest])
    func aBufferOfCapacityZeroDropsMessages(_ overflow: Overflow) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(0, overflow), by: a)
        #expect(try hub.send("1", on: "c", by: a) == .done(.dropped))
        #expect(try hub.receive(from: "c", by: b, tag: "r").isParked)
        #expect(try hub.send("2", on: "c", by: a) == .done(.ok))
        #expect(try hub.takeLateReplies() == [LateReply(b, "r", .message("2", from: "c"))])
    }

    @Test("A send arm on a dropping buffer is accepted or dropped")
    func anArmOfASelectIsAcceptedOrDropped() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.open("c", .buffer(1, .dropNewest), by: a)
        #expect(try hub.select("recv d", "send c 1", by: a) == .done(.ok(arm: 1)))
        let dropped = Reply.ok([Attribute(.dropped, flag: true), Attribute(.arm, 1)])
        #expect(try hub.select("recv d", "send c 2", by: a) == .done(dropped))
    }

    // MARK: Once

    @Test("Every receiver of a once channel gets the value")
    func everyReceiverGetsTheValue() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .once, by: a)
        for tag in ["1", "2"] { #expect(try hub.receive(from: "c", by: b, tag: tag).isParked) }
        #expect(try hub.send("v", on: "c", by: a) == .done(.ok))
        #expect(try hub.takeLateReplies() == ["1", "2"].map { try LateReply(b, $0, .message("v", from: "c")) })
        for _ in 0..<3 { #expect(try hub.receive(from: "c", by: b) == .done(.message("v", from: "c"))) }
        #expect(try hub.select("recv d", "recv c", by: b) == .done(.message("v", from: "c", arm: 1)))
        #expect(try hub.send("w", on: "c", by: a) == .done(.closed("c")))
        #expect(hub.machine.totals.handoffs == 6)
    }

    @Test("A closed once channel still delivers its value for a while")
    func aClosedValueIsStillReceivedForAWhile() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.open("c", .once, by: a)
        _ = try hub.send("v", on: "c", by: a)
        #expect(try hub.close("c", by: a) == .done(.ok))
        #expect(try hub.receive(from: "c", by: a) == .done(.message("v", from: "c")))
        #expect(hub.machine.totals.keptMessages == 0)
        hub.pass(.seconds(100))
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
    }

    @Test("Closing a once channel without a value answers CLOSED")
    func aValueThatWasNeverSentIsClosed() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .once, by: a)
        _ = try hub.receive(from: "c", by: b, tag: "r")
        _ = try hub.close("c", by: a)
        #expect(try hub.takeLateReplies() == [LateReply(b, "r", .closed("c"))])
        #expect(try hub.send("v", on: "c", by: a) == .done(.closed("c")))
    }
}
