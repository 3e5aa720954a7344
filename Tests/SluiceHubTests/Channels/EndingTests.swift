import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Close, poison, and what is left of a channel that has ended, in the pure machine.
@Suite struct EndingTests {
    // MARK: Close

    @Test func closeTellsReceiversAndTakesNoMoreSends() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: b, tag: "1")
        _ = try floor.select("recv d", "recv c", by: b, tag: "2")
        _ = try floor.stream(from: "c", by: b, tag: "3")
        #expect(try floor.close("c", by: a) == .done(.ok))
        #expect(try floor.news() == ["1", "2", "3"].map { try News(b, $0, .closed("c")) })
        #expect(try floor.send("x", on: "c", by: a) == .done(.closed("c")))
        #expect(try floor.receive(from: "c", by: a) == .done(.closed("c")))
        #expect(try floor.select("recv d", "send c x", by: a) == .done(.closed("c")))
        #expect(try floor.join(.send, of: "c", by: a) == .done(.closed("c")))
        #expect(try floor.close("c", by: a) == .done(.ok))
        #expect(floor.machine.parkedCount == 0)
    }

    @Test func whatIsThereIsStillReceived() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        _ = try floor.send("1", on: "c", by: a)
        _ = try floor.send("2", on: "c", by: a, tag: "2")
        _ = try floor.send("p", on: "d", by: a, tag: "p")
        for name in ["c", "d"] { _ = try floor.close(name, by: a) }
        #expect(floor.news().isEmpty)
        for text in ["1", "2"] {
            #expect(try floor.receive(from: "c", by: b) == .done(.message(text, from: "c")))
        }
        #expect(try floor.receive(from: "c", by: b) == .done(.closed("c")))
        #expect(try floor.receive(from: "d", by: b) == .done(.message("p", from: "d")))
        #expect(floor.news() == [News(a, "2", .ok), News(a, "p", .ok)])
        #expect(try floor.receive(from: "d", by: b) == .done(.closed("d")))
    }

    @Test func receiversWaitForWhatMayComeBack() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        for text in ["1", "2"] { _ = try floor.send(text, on: "c", by: a, tag: text) }
        let held = try (0..<2).map { _ in
            try #require(try floor.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        }
        for tag in ["1", "2", "3"] { #expect(try floor.receive(from: "c", by: c, tag: tag).isParked) }
        _ = try floor.close("c", by: a)
        #expect(floor.news().isEmpty)
        #expect(floor.nack(held[0], by: b) == .done(.ok))
        #expect(try Set(floor.news()) == [News(c, "1", .message("1", from: "c")), News(a, "1", .ok)])
        #expect(try floor.receive(from: "c", by: c, tag: "4").isParked)
        #expect(floor.ack(held[1], by: b) == .done(.ok))
        let ends = try ["2", "3", "4"].map { try News(c, $0, .closed("c")) }
        #expect(floor.news() == [News(a, "2", .ok)] + ends)
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    @Test func receiversAreToldWhenWhatRestsWillNotComeBack() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let send = try #require(try floor.send("1", on: "c", by: a, tag: "s").parked)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        _ = floor.nack(delivery, by: b, delay: .seconds(60))
        _ = try floor.close("c", by: a)
        #expect(try floor.receive(from: "c", by: b, tag: "r").isParked)
        floor.cancel(send)
        #expect(try Set(floor.news()) == [News(a, "s", .cancelled(nil)), News(b, "r", .closed("c"))])
        #expect(floor.machine.parkedCount == 0)
    }

    // MARK: Poison

    @Test func poisonTellsEverybodyAtOnce() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        _ = try floor.send("lost", on: "c", by: a)
        _ = try floor.send("1", on: "c", by: a, tag: "1")
        _ = try floor.select("recv x", "send c 2", by: a, tag: "2")
        _ = try floor.receive(from: "d", by: b, tag: "3")
        #expect(try floor.poison("c", "it burns", by: b) == .done(.ok))
        #expect(try floor.poison("d", by: b) == .done(.ok))
        #expect(
            try floor.news() == [
                News(a, "1", .poisoned("c", because: "it burns")), News(a, "2", .poisoned("c", because: "it burns")),
                News(b, "3", .poisoned("d")),
            ])
        #expect(try floor.receive(from: "c", by: b) == .done(.poisoned("c", because: "it burns")))
        #expect(try floor.send("x", on: "c", by: b) == .done(.poisoned("c", because: "it burns")))
        #expect(floor.machine.totals.keptMessages == 0)
        #expect(floor.machine.channels.declaredCount == 0)
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    @Test func theSenderOfALeasedMessageWaitsForItsOutcome() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for text in ["1", "2", "3"] { _ = try floor.send(text, on: "c", by: a, tag: text) }
        let held = try (0..<3).map { _ in
            try #require(try floor.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        }
        _ = try floor.poison("c", by: a)
        #expect(floor.news().isEmpty)
        #expect(floor.ack(held[0], by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "1", .ok)])
        #expect(floor.nack(held[1], by: b, delay: .seconds(10)) == .done(.ok))
        #expect(try floor.news() == [News(a, "2", .poisoned("c"))])
        floor.pass(.seconds(1))
        #expect(try floor.news() == [News(a, "3", .poisoned("c"))])
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    @Test func whatCameBackAndWhatRestsIsPoisonedAtOnce() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for text in ["1", "2"] { _ = try floor.send(text, on: "c", by: a, tag: text) }
        let held = try (0..<2).map { _ in
            try #require(try floor.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        }
        _ = floor.nack(held[0], by: b)
        _ = floor.nack(held[1], by: b, delay: .seconds(60))
        _ = try floor.poison("c", by: a)
        #expect(try floor.news() == ["1", "2"].map { try News(a, $0, .poisoned("c")) })
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    @Test func aClosedChannelCanBePoisonedStill() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("1", on: "c", by: a, tag: "s")
        _ = try floor.close("c", by: a)
        _ = try floor.poison("c", by: a)
        #expect(try floor.news() == [News(a, "s", .poisoned("c"))])
        _ = try floor.close("c", by: a)
        #expect(try floor.receive(from: "c", by: b) == .done(.poisoned("c")))
    }

    @Test func aReceiveOfEverythingThatPoisonEndsIsToldOnce() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.select("recv c", "send c x", "recv c", by: a, tag: "s")
        _ = try floor.poison("c", by: a)
        #expect(try floor.news() == [News(a, "s", .poisoned("c"))])
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    // MARK: Tombstones

    @Test func theNameOfAnEndedChannelIsFreeAfterAWhile() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.close("c", by: a)
        #expect(floor.machine.channels.tombstoneCount == 1)
        #expect(floor.machine.channels.count == 0)
        floor.pass(.seconds(59))
        #expect(try floor.receive(from: "c", by: a, timeout: .zero) == .done(.closed("c")))
        floor.pass(.seconds(2))
        #expect(try floor.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        floor.expectEmpty()
    }

    @Test func anEndedChannelCanBeOpenedAnew() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for round in 0..<3 {
            #expect(try floor.open("c", .buffer(1), by: a) == .done(.ok))
            #expect(try floor.send("\(round)", on: "c", by: a) == .done(.ok))
            #expect(try floor.close("c", by: a) == .done(.ok))
            #expect(try floor.open("c", .buffer(1), by: a).refusal == .conflict, "not all of it is received")
            #expect(try floor.receive(from: "c", by: b) == .done(.message("\(round)", from: "c")))
        }
        #expect(try floor.open("c", .rendezvous, by: a) == .done(.ok))
        floor.pass(.seconds(100))
        #expect(floor.machine.channels.count == 1, "the new one does not end with the old ones")
        #expect(floor.machine.channels.tombstoneCount == 0)
        _ = try floor.poison("c", by: a)
        #expect(try floor.open("c", .once, by: a) == .done(.ok))
    }

    @Test func aLeaseOutlivesTheEndOfItsChannel() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("1", on: "c", by: a, tag: "s")
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: .seconds(1000)).delivery)
        _ = try floor.close("c", by: a)
        floor.pass(.seconds(500))
        #expect(floor.machine.channels.count == 1)
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.timeout), "it may come back")
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.closed("c")))
    }
}
