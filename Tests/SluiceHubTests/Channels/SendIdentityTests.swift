import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Sends that say who they are, so that they can be made again, in the pure machine.
@Suite struct SendIdentityTests {
    @Test func aSendMadeAgainWaitsForTheOneThatIsPending() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        #expect(try floor.send("job", on: "c", by: a, tag: "1", id: "x").isParked)
        #expect(try floor.send("job", on: "c", by: b, tag: "2", id: "x").isParked)
        #expect(try floor.receive(from: "c", by: c) == .done(.message("job", from: "c")))
        #expect(floor.news() == [News(a, "1", .ok), News(b, "2", .duplicate)])
        #expect(try floor.receive(from: "c", by: c, timeout: .zero) == .done(.timeout))
        #expect(floor.machine.parkedCount == 0)
    }

    @Test func aSendMadeAgainAfterItsDeliveryIsADuplicate() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: b, tag: "r")
        #expect(try floor.send("job", on: "c", by: a, id: "x") == .done(.ok))
        #expect(try floor.receive(from: "c", by: b, tag: "r").isParked)
        #expect(try floor.send("job", on: "c", by: a, id: "x") == .done(.duplicate))
        let arm = Reply.ok([Attribute(.duplicate, flag: true), Attribute(.arm, 1)])
        #expect(try floor.select("recv d", "send id=x c job", by: a) == .done(arm))
        #expect(try floor.send("job", on: "c", by: a, id: "y") == .done(.ok), "another one")
        #expect(try floor.send("job", on: "d", by: a, timeout: .zero, id: "x") == .done(.timeout), "on another channel")
    }

    @Test func aDuplicateOfALeasedMessageWaitsForTheAcknowledgement() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: b, tag: "r", lease: .seconds(1))
        _ = try floor.send("job", on: "c", by: a, tag: "1", id: "x")
        let delivery = try #require(floor.deliveries().first)
        #expect(try floor.send("job", on: "c", by: a, tag: "2", id: "x").isParked)
        #expect(try floor.send("job", on: "c", by: a, timeout: .zero, id: "x") == .done(.maybe("timeout")))
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "1", .ok), News(a, "2", .duplicate)])
    }

    @Test func theMessageOfALostSenderCanBeSentAgainWhileItIsHeld() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a, id: "x")
        let delivery = try #require(try floor.receive(from: "c", by: c, lease: .seconds(1)).delivery)
        floor.disconnect(a)
        #expect(try floor.send("job", on: "c", by: b, tag: "s", id: "x").isParked)
        #expect(floor.nack(delivery, by: c) == .done(.ok))
        #expect(try floor.receive(from: "c", by: c) == .done(.message("job", from: "c")))
        #expect(floor.news() == [News(b, "s", .ok)])
    }

    // MARK: Giving up

    @Test func whoGivesUpWhileOthersSendTheSameIsToldMaybe() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let first = try #require(try floor.send("job", on: "c", by: a, tag: "1", id: "x").parked)
        let second = try #require(try floor.send("job", on: "c", by: a, tag: "2", id: "x").parked)
        let third = try #require(try floor.send("job", on: "c", by: b, tag: "3", id: "x").parked)
        floor.cancel(second)
        floor.cancel(first)
        #expect(floor.news() == [News(a, "2", .maybe("cancelled")), News(a, "1", .maybe("cancelled"))])
        floor.cancel(third)
        #expect(floor.news() == [News(b, "3", .cancelled(nil))], "it was the last one")
        floor.expectEmpty()
    }

    @Test func aDefiniteFailureIsForgotten() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a, tag: "1", timeout: .seconds(1), id: "x")
        floor.pass(.seconds(1))
        #expect(floor.news() == [News(a, "1", .timeout)])
        _ = try floor.receive(from: "c", by: b, tag: "r")
        #expect(try floor.send("job", on: "c", by: a, id: "x") == .done(.ok))
    }

    @Test func aSendWithoutTimeIsInDoubtWhileOthersSendTheSame() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: b, tag: "r", lease: .seconds(1))
        _ = try floor.send("job", on: "c", by: a, tag: "1", timeout: .zero, id: "x")
        _ = try floor.send("job", on: "c", by: a, tag: "2", id: "x")
        let delivery = try #require(floor.deliveries().first)
        #expect(floor.nack(delivery, by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "1", .maybe("timeout"))])
        #expect(try floor.receive(from: "c", by: b) == .done(.message("job", from: "c")))
        #expect(floor.news() == [News(a, "2", .ok)])
    }

    @Test func everybodyIsToldOfTheEnd() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a, tag: "1", id: "x")
        _ = try floor.send("job", on: "c", by: b, tag: "2", id: "x")
        _ = try floor.poison("c", by: a)
        #expect(try floor.news() == [News(a, "1", .poisoned("c")), News(b, "2", .poisoned("c"))])
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    // MARK: Buffers

    @Test func whatWasAcceptedIsDone() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1, .dropOldest), by: a)
        #expect(try floor.send("1", on: "c", by: a, id: "x") == .done(.ok))
        #expect(try floor.send("1", on: "c", by: a, id: "x") == .done(.duplicate))
        #expect(try floor.send("2", on: "c", by: a, id: "y") == .done(.ok))
        #expect(try floor.send("1", on: "c", by: a, id: "x") == .done(.duplicate), "dropped, as it was declared to be")
        #expect(try floor.receive(from: "c", by: b) == .done(.message("2", from: "c")))
        #expect(floor.machine.memory.deliveredCount == 2, "each is remembered once")
    }

    @Test func anOldMessageDoesNotTakeTheMemoryOfANewOneAway() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(2, .dropOldest), by: a)
        _ = try floor.send("old", on: "c", by: a, id: "x")
        floor.pass(.seconds(121))
        #expect(try floor.send("new", on: "c", by: a, tag: "1", id: "x", until: .taken).isParked)
        #expect(try floor.send("y", on: "c", by: a) == .done(.ok), "which drops the old one")
        #expect(try floor.send("new", on: "c", by: a, tag: "2", id: "x", until: .taken).isParked)
        #expect(try floor.receive(from: "c", by: b) == .done(.message("new", from: "c")))
        #expect(floor.news() == [News(a, "1", .ok), News(a, "2", .duplicate)])
        #expect(try floor.receive(from: "c", by: b) == .done(.message("y", from: "c")))
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
    }

    // MARK: Selects

    @Test func anArmWaitsForTheOneThatIsPending() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a, tag: "1", id: "x")
        #expect(try floor.select("send id=x c job", "recv d", by: a, tag: "2").isParked)
        #expect(try floor.select("send id=x c job", "recv d", by: a, timeout: .zero) == .done(.maybe("timeout")))
        #expect(try floor.receive(from: "c", by: b) == .done(.message("job", from: "c")))
        let arm = Reply.ok([Attribute(.duplicate, flag: true), Attribute(.arm, 0)])
        #expect(floor.news() == [News(a, "1", .ok), News(a, "2", arm)])
    }

    @Test func everySelectThatSendsWhatAReceiverHasWaitsForThatAlone() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a, tag: "1", id: "x")
        _ = try floor.select("send id=x c job", "recv d", by: a, tag: "2")
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        _ = try floor.select("recv d", "send id=x c job", by: a, tag: "3")
        #expect(try floor.send("other", on: "d", by: b, timeout: .zero) == .done(.timeout))
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.news().count == 3)
        floor.pass(.seconds(200))
        floor.expectEmpty()
    }

    @Test func aSelectSendsAMessageOnce() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.select("send id=x c 1", "send id=x c 1", by: a).refusal == .conflict)
    }

    // MARK: Epochs

    @Test func anotherLifeOfTheServerCannotKnow() throws {
        var floor = Floor(epoch: 42)
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: b, tag: "r")
        #expect(try floor.send("job", on: "c", by: a, id: "x", epoch: 41) == .done(.maybe("epoch")))
        #expect(floor.news().isEmpty)
        #expect(try floor.send("job", on: "c", by: a, id: "x", epoch: 42) == .done(.ok))
    }
}
