import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Channels that were opened as another kind, in the pure machine: buffers, what they drop, and values that are sent once.
@Suite struct ChannelKindTests {
    // MARK: Opening

    @Test func openingTheSameAgainIsFineAndAnotherKindIsAConflict() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.open("c", .buffer(2), by: a) == .done(.ok))
        #expect(try floor.open("c", .buffer(2), by: a) == .done(.ok))
        for other in [ChannelDeclaration.buffer(3), .buffer(2, .dropOldest), .rendezvous, .broadcast, .once] {
            #expect(try floor.open("c", other, by: a).refusal == .conflict)
        }
        #expect(floor.machine.channels.declaredCount == 1)
    }

    @Test func anOpenedChannelStaysUntilItIsClosed() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.open("c", .rendezvous, by: a)
        floor.disconnect(a)
        floor.pass(.seconds(1_000_000))
        #expect(floor.machine.channels.count == 1)
        let b = floor.connect()
        _ = try floor.close("c", by: b)
        floor.pass(.seconds(100))
        #expect(floor.machine.channels.declaredCount == 0)
        floor.expectEmpty()
    }

    @Test func aRendezvousInUseMayBeOpenedWhileNoMessageWaits() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: a, tag: "1")
        _ = try floor.receive(from: "c", by: a, tag: "2", lease: .seconds(1))
        #expect(try floor.open("c", .once, by: b).refusal == .conflict, "one of them has a lease")
        #expect(try floor.open("c", .buffer(1), by: b) == .done(.ok))
        #expect(try floor.send("x", on: "c", by: b) == .done(.ok))
        #expect(try floor.news() == [News(a, "1", .message("x", from: "c"))])

        _ = try floor.send("x", on: "d", by: b, tag: "s")
        #expect(try floor.open("d", .buffer(1), by: b).refusal == .conflict)
        #expect(try floor.open("d", .rendezvous, by: b) == .done(.ok), "that is what it is")
        let delivery = try #require(try floor.receive(from: "d", by: a, lease: .seconds(1)).delivery)
        _ = try floor.close("d", by: b)
        #expect(
            try floor.open("d", .buffer(1), by: b).refusal == .conflict, "it has ended, and something may come back")
        #expect(floor.ack(delivery, by: a) == .done(.ok))
        #expect(try floor.open("d", .buffer(1), by: b) == .done(.ok))
    }

    @Test func aMessageUnderALeaseKeepsAChannelWhatItIs() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let send = try #require(try floor.send("x", on: "c", by: a).parked)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        #expect(try floor.open("c", .buffer(1), by: b).refusal == .conflict)
        _ = floor.nack(delivery, by: b)
        #expect(try floor.open("c", .buffer(1), by: b).refusal == .conflict)
        floor.cancel(send)
        #expect(try floor.open("c", .buffer(1), by: b) == .done(.ok))
    }

    @Test(arguments: [ChannelDeclaration.broadcast, .once])
    func whoIsPausedWithALeaseKeepsAChannelFromBecomingOneWithout(_ declaration: ChannelDeclaration) throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var floor = Floor(limits: limits)
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        _ = try floor.send("x", on: "c", by: a)
        let delivery = try #require(floor.deliveries().first)
        _ = floor.ack(delivery, by: b)
        #expect(try floor.open("c", declaration, by: a).refusal == .conflict)
    }

    // MARK: Buffers

    @Test func aBufferKeepsMessagesAndThenHoldsTheSenders() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(2), by: a)
        for text in ["1", "2"] { #expect(try floor.send(text, on: "c", by: a) == .done(.ok)) }
        for text in ["3", "4"] { #expect(try floor.send(text, on: "c", by: a, tag: text).isParked) }
        #expect(floor.machine.totals.keptMessages == 2)
        #expect(try floor.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(floor.news() == [News(a, "3", .ok)], "accepted, in the room of the first")
        for text in ["2", "3", "4"] {
            #expect(try floor.receive(from: "c", by: b) == .done(.message(text, from: "c")))
        }
        #expect(floor.news() == [News(a, "4", .ok)])
        #expect(floor.machine.totals.keptMessages == 0)
        #expect(floor.machine.totals.keptBytes == 0)
    }

    @Test func whatWasAcceptedOutlivesItsSender() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        _ = try floor.send("x", on: "c", by: a)
        floor.disconnect(a)
        #expect(try floor.receive(from: "c", by: b) == .done(.message("x", from: "c")))
    }

    @Test func aSenderMayWaitUntilItsMessageIsTaken() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(2), by: a)
        #expect(try floor.send("1", on: "c", by: a, tag: "1", until: .taken).isParked)
        #expect(try floor.send("2", on: "c", by: a, until: .accepted) == .done(.ok))
        #expect(try floor.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(floor.news() == [News(a, "1", .ok)])
    }

    @Test func aSenderThatStopsWaitingTakesItsMessageOutOfTheBuffer() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        let send = try #require(try floor.send("1", on: "c", by: a, tag: "1", until: .taken).parked)
        #expect(try floor.send("2", on: "c", by: b, tag: "2").isParked)
        floor.cancel(send)
        #expect(Set(floor.news()) == [News(a, "1", .cancelled(nil)), News(b, "2", .ok)])
        #expect(try floor.receive(from: "c", by: b) == .done(.message("2", from: "c")))
        #expect(floor.machine.totals.keptBytes == 0)
    }

    @Test func withoutTimeItIsTakenAtOnceOrNotAtAll() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        #expect(try floor.send("1", on: "c", by: a, timeout: .zero, until: .taken) == .done(.timeout))
        #expect(try floor.receive(from: "c", by: b, tag: "r").isParked)
        #expect(try floor.send("2", on: "c", by: a, timeout: .zero, until: .taken) == .done(.ok))
        #expect(try floor.news() == [News(b, "r", .message("2", from: "c"))])
    }

    // MARK: What is dropped

    @Test func theNewestIsDropped() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1, .dropNewest), by: a)
        #expect(try floor.send("1", on: "c", by: a) == .done(.ok))
        #expect(try floor.send("2", on: "c", by: a) == .done(.dropped))
        #expect(try floor.send("3", on: "c", by: a, until: .taken) == .done(.cancelled("dropped")))
        #expect(try floor.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(floor.machine.totals.keptMessages == 0)
    }

    @Test func theOldestIsDroppedAndItsSenderToldIfItWaits() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1, .dropOldest), by: a)
        #expect(try floor.send("1", on: "c", by: a, tag: "1", until: .taken).isParked)
        #expect(try floor.send("2", on: "c", by: a) == .done(.ok))
        #expect(floor.news() == [News(a, "1", .cancelled("dropped"))])
        #expect(try floor.send("3", on: "c", by: a) == .done(.ok))
        #expect(try floor.receive(from: "c", by: b) == .done(.message("3", from: "c")))
        #expect(floor.machine.totals.keptMessages == 0)
    }

    @Test func nothingIsDroppedForAMessageThatIsTakenAtOnceOrNotAtAll() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1, .dropOldest), by: a)
        #expect(try floor.send("1", on: "c", by: a) == .done(.ok))
        #expect(try floor.send("2", on: "c", by: a, timeout: .zero, until: .taken) == .done(.timeout))
        #expect(try floor.receive(from: "c", by: b) == .done(.message("1", from: "c")))
    }

    @Test(arguments: [Overflow.dropNewest, .dropOldest])
    func aBufferWithoutRoomDropsWhatNobodyWaitsFor(_ overflow: Overflow) throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(0, overflow), by: a)
        #expect(try floor.send("1", on: "c", by: a) == .done(.dropped))
        #expect(try floor.receive(from: "c", by: b, tag: "r").isParked)
        #expect(try floor.send("2", on: "c", by: a) == .done(.ok))
        #expect(try floor.news() == [News(b, "r", .message("2", from: "c"))])
    }

    @Test func anArmOfASelectIsAcceptedOrDropped() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.open("c", .buffer(1, .dropNewest), by: a)
        #expect(try floor.select("recv d", "send c 1", by: a) == .done(.ok(arm: 1)))
        let dropped = Reply.ok([Attribute(.dropped, flag: true), Attribute(.arm, 1)])
        #expect(try floor.select("recv d", "send c 2", by: a) == .done(dropped))
    }

    // MARK: Once

    @Test func aValueThatIsSentOnceIsEveryReceiversAnswer() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .once, by: a)
        for tag in ["1", "2"] { #expect(try floor.receive(from: "c", by: b, tag: tag).isParked) }
        #expect(try floor.send("v", on: "c", by: a) == .done(.ok))
        #expect(try floor.news() == ["1", "2"].map { try News(b, $0, .message("v", from: "c")) })
        for _ in 0..<3 { #expect(try floor.receive(from: "c", by: b) == .done(.message("v", from: "c"))) }
        #expect(try floor.select("recv d", "recv c", by: b) == .done(.message("v", from: "c", arm: 1)))
        #expect(try floor.send("w", on: "c", by: a) == .done(.closed("c")))
        #expect(floor.machine.totals.handoffs == 6)
    }

    @Test func aClosedValueIsStillReceivedForAWhile() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.open("c", .once, by: a)
        _ = try floor.send("v", on: "c", by: a)
        #expect(try floor.close("c", by: a) == .done(.ok))
        #expect(try floor.receive(from: "c", by: a) == .done(.message("v", from: "c")))
        #expect(floor.machine.totals.keptMessages == 0)
        floor.pass(.seconds(100))
        #expect(try floor.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        floor.expectEmpty()
    }

    @Test func aValueThatWasNeverSentIsClosed() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .once, by: a)
        _ = try floor.receive(from: "c", by: b, tag: "r")
        _ = try floor.close("c", by: a)
        #expect(try floor.news() == [News(b, "r", .closed("c"))])
        #expect(try floor.send("v", on: "c", by: a) == .done(.closed("c")))
    }
}
