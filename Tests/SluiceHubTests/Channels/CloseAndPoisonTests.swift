import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Close, poison and the tombstones of ended channels, in the state machine.
@Suite struct CloseAndPoisonTests {
    // MARK: Close

    @Test("Closing a channel answers CLOSED to its receivers and to later operations")
    func closeTellsReceiversAndTakesNoMoreSends() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "1")
        _ = try hub.select("recv d", "recv c", by: b, tag: "2")
        _ = try hub.stream(from: "c", by: b, tag: "3")
        #expect(try hub.close("c", by: a) == .done(.ok))
        let ends = try [("1", nil), ("2", 1), ("3", nil)].map { tag, arm in
            LateReply(b, tag, try .closed("c").naming(arm: arm))
        }
        #expect(hub.takeLateReplies() == ends)
        #expect(try hub.send("x", on: "c", by: a) == .done(.closed("c")))
        #expect(try hub.receive(from: "c", by: a) == .done(.closed("c")))
        #expect(try hub.select("recv d", "send c x", by: a) == .done(.closed("c").naming(arm: 1)))
        #expect(try hub.join(.send, of: "c", by: a) == .done(.closed("c")))
        #expect(try hub.close("c", by: a) == .done(.ok))
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("Messages that were sent before a channel closed are still received")
    func messagesBeforeCloseAreReceived() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        _ = try hub.send("1", on: "c", by: a)
        _ = try hub.send("2", on: "c", by: a, tag: "2")
        _ = try hub.send("p", on: "d", by: a, tag: "p")
        for name in ["c", "d"] { _ = try hub.close(name, by: a) }
        #expect(hub.takeLateReplies().isEmpty)
        for text in ["1", "2"] {
            #expect(try hub.receive(from: "c", by: b) == .done(.message(text, from: "c")))
        }
        #expect(try hub.receive(from: "c", by: b) == .done(.closed("c")))
        #expect(try hub.receive(from: "d", by: b) == .done(.message("p", from: "d")))
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .ok), LateReply(a, "p", .ok)])
        #expect(try hub.receive(from: "d", by: b) == .done(.closed("d")))
    }

    @Test("Receivers of a closed channel wait while a leased message can come back")
    func receiversWaitForLeasedMessages() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        for text in ["1", "2"] { _ = try hub.send(text, on: "c", by: a, tag: text) }
        let held = try (0..<2).map { _ in
            try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        }
        for tag in ["1", "2", "3"] { #expect(try hub.receive(from: "c", by: c, tag: tag).isParked) }
        _ = try hub.close("c", by: a)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.nack(held[0], by: b) == .done(.ok))
        #expect(
            try Set(hub.takeLateReplies()) == [LateReply(c, "1", .message("1", from: "c")), LateReply(a, "1", .ok)])
        #expect(try hub.receive(from: "c", by: c, tag: "4").isParked)
        #expect(hub.ack(held[1], by: b) == .done(.ok))
        let ends = try ["2", "3", "4"].map { try LateReply(c, $0, .closed("c")) }
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .ok)] + ends)
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    @Test("Receivers of a closed channel are answered when the last delayed message is cancelled")
    func receiversAreAnsweredWhenADelayedMessageIsCancelled() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let send = try #require(try hub.send("1", on: "c", by: a, tag: "s").parked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        _ = hub.nack(delivery, by: b, delay: .seconds(60))
        _ = try hub.close("c", by: a)
        #expect(try hub.receive(from: "c", by: b, tag: "r").isParked)
        hub.cancel(send)
        #expect(
            try Set(hub.takeLateReplies()) == [LateReply(a, "s", .cancelled(nil)), LateReply(b, "r", .closed("c"))])
        #expect(hub.machine.parkedCount == 0)
    }

    // MARK: Poison

    @Test("Poison answers every parked operation and drops kept messages")
    func poisonAnswersEveryOperation() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        _ = try hub.send("lost", on: "c", by: a)
        _ = try hub.send("1", on: "c", by: a, tag: "1")
        _ = try hub.select("recv x", "send c 2", by: a, tag: "2")
        _ = try hub.receive(from: "d", by: b, tag: "3")
        #expect(try hub.poison("c", "it burns", by: b) == .done(.ok))
        #expect(try hub.poison("d", by: b) == .done(.ok))
        #expect(
            try hub.takeLateReplies() == [
                LateReply(a, "1", .poisoned("c", because: "it burns")),
                LateReply(a, "2", .poisoned("c", because: "it burns").naming(arm: 1)),
                LateReply(b, "3", .poisoned("d")),
            ])
        #expect(try hub.receive(from: "c", by: b) == .done(.poisoned("c", because: "it burns")))
        #expect(try hub.send("x", on: "c", by: b) == .done(.poisoned("c", because: "it burns")))
        #expect(hub.machine.totals.keptMessages == 0)
        #expect(hub.machine.channels.declaredCount == 0)
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    @Test("The sender of a leased message is answered at the end of the lease, even on a poisoned channel")
    func theSenderOfALeasedMessageWaitsForItsOutcome() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for text in ["1", "2", "3"] { _ = try hub.send(text, on: "c", by: a, tag: text) }
        let held = try (0..<3).map { _ in
            try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        }
        _ = try hub.poison("c", by: a)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.ack(held[0], by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok)])
        #expect(hub.nack(held[1], by: b, delay: .seconds(10)) == .done(.ok))
        #expect(try hub.takeLateReplies() == [LateReply(a, "2", .poisoned("c"))])
        hub.pass(.seconds(1))
        #expect(try hub.takeLateReplies() == [LateReply(a, "3", .poisoned("c"))])
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    @Test("Poison answers the senders of returned and delayed messages at once")
    func returnedAndDelayedMessagesArePoisonedAtOnce() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for text in ["1", "2"] { _ = try hub.send(text, on: "c", by: a, tag: text) }
        let held = try (0..<2).map { _ in
            try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        }
        _ = hub.nack(held[0], by: b)
        _ = hub.nack(held[1], by: b, delay: .seconds(60))
        _ = try hub.poison("c", by: a)
        #expect(try hub.takeLateReplies() == ["1", "2"].map { try LateReply(a, $0, .poisoned("c")) })
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    @Test("A closed channel can still be poisoned")
    func aClosedChannelCanBePoisoned() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("1", on: "c", by: a, tag: "s")
        _ = try hub.close("c", by: a)
        _ = try hub.poison("c", by: a)
        #expect(try hub.takeLateReplies() == [LateReply(a, "s", .poisoned("c"))])
        _ = try hub.close("c", by: a)
        #expect(try hub.receive(from: "c", by: b) == .done(.poisoned("c")))
    }

    @Test("A select with several arms on a poisoned channel is answered once")
    func aSelectIsPoisonedOnce() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.select("recv c", "send c x", "recv c", by: a, tag: "s")
        _ = try hub.poison("c", by: a)
        #expect(try hub.takeLateReplies() == [LateReply(a, "s", .poisoned("c").naming(arm: 0))])
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    // MARK: Tombstones

    @Test("The name of a closed channel is free again after the tombstone's lifetime")
    func theNameOfAnEndedChannelIsFreeAfterAWhile() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.close("c", by: a)
        #expect(hub.machine.channels.tombstoneCount == 1)
        #expect(hub.machine.channels.count == 0)
        hub.pass(.seconds(59))
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.closed("c")))
        hub.pass(.seconds(2))
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
    }

    @Test(
        "The name of an ended channel is free when its time is over, and at once without a time", arguments: [0, 1, 90])
    func theNameIsFreeOnTime(seconds: Int) throws {
        for offset in [0, 1, 999_999_999, 500_000_000] {
            var hub = TestHub(limits: limits { $0.tombstoneLife = .seconds(seconds) })
            hub.machine.now += UInt64(offset)
            let a = hub.connect()
            _ = try hub.close("c", by: a)
            if seconds > 0 {
                hub.pass(.seconds(seconds) - .milliseconds(1))
                #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.closed("c")))
                hub.pass(.milliseconds(11))
            }
            #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
            hub.expectEmpty()
        }
    }

    @Test("A closed channel can be opened again once all its messages are received")
    func anEndedChannelCanBeOpenedAnew() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for round in 0..<3 {
            #expect(try hub.open("c", .buffer(1), by: a) == .done(.ok))
            #expect(try hub.send("\(round)", on: "c", by: a) == .done(.ok))
            #expect(try hub.close("c", by: a) == .done(.ok))
            #expect(try hub.open("c", .buffer(1), by: a).refusal == .conflict, "a message is still to be received")
            #expect(try hub.receive(from: "c", by: b) == .done(.message("\(round)", from: "c")))
        }
        #expect(try hub.open("c", .rendezvous, by: a) == .done(.ok))
        hub.pass(.seconds(100))
        #expect(hub.machine.channels.count == 1, "the tombstone of the old channel does not end the new one")
        #expect(hub.machine.channels.tombstoneCount == 0)
        _ = try hub.poison("c", by: a)
        #expect(try hub.open("c", .once, by: a) == .done(.ok))
    }

    @Test("A lease outlives the close of its channel")
    func aLeaseOutlivesTheEndOfItsChannel() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("1", on: "c", by: a, tag: "s")
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1000)).delivery)
        _ = try hub.close("c", by: a)
        hub.pass(.seconds(500))
        #expect(hub.machine.channels.count == 1)
        #expect(
            try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout), "the leased message can come back")
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.closed("c")))
    }
}
