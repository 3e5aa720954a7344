import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Barriers in the state machine.
@Suite struct BarrierTests {
    @Test("The last party of a barrier releases all of them")
    func aBarrierReleasesAllParties() throws {
        var hub = TestHub()
        let clients = (0..<3).map { _ in hub.connect() }
        for client in clients.dropLast() { #expect(try hub.barrier("g", 3, by: client).isParked) }
        #expect(hub.takeLateReplies().isEmpty)
        #expect(try hub.barrier("g", 3, by: clients[2]) == .done(.ok))
        #expect(hub.takeLateReplies() == clients.dropLast().map { LateReply($0, .ok) })
        hub.expectEmpty()
    }

    @Test("A barrier releases exactly its number of parties, and can be used again")
    func aBarrierCanBeUsedAgain() throws {
        var hub = TestHub()
        let a = hub.connect()
        for round in 0..<10 {
            #expect(try hub.barrier("g", 2, by: a, tag: "\(round)").isParked)
            #expect(try hub.barrier("g", 2, by: a) == .done(.ok))
            #expect(hub.takeLateReplies() == [LateReply(a, "\(round)", .ok)])
        }
        #expect(try hub.barrier("g", 1, by: a) == .done(.ok))
        hub.expectEmpty()
    }

    @Test("Another number of parties is a conflict while other clients wait at the barrier")
    func anotherNumberIsAConflictWhileOthersWait() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let wait = try #require(try hub.barrier("g", 3, by: a, tag: "1").parked)
        #expect(try hub.barrier("g", 2, by: b).refusal == .conflict)
        #expect(try hub.select("barrier parties=2 g", "recv c", by: b).refusal == .conflict)
        hub.cancel(wait)
        #expect(try hub.barrier("g", 2, by: b, tag: "2").isParked)
    }

    @Test("A party that times out or disconnects does not count")
    func aPartyThatGivesUpIsNotCounted() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.barrier("g", 2, by: a, tag: "1", timeout: .zero) == .done(.timeout))
        _ = try hub.barrier("g", 2, by: a, tag: "1", timeout: .seconds(1))
        hub.pass(.seconds(1))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .timeout)])
        _ = try hub.barrier("g", 2, by: a, tag: "2")
        hub.disconnect(a)
        #expect(try hub.barrier("g", 2, by: b, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
    }

    @Test("A barrier and a channel of the same name are independent")
    func aBarrierAndAChannelOfOneNameAreTwoThings() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.barrier("g", 2, by: a, tag: "1")
        _ = try hub.receive(from: "g", by: a, tag: "2")
        #expect(try hub.send("x", on: "g", by: b) == .done(.ok))
        #expect(try hub.barrier("g", 2, by: b) == .done(.ok))
        hub.expectEmpty()
    }

    // MARK: In selects

    @Test("A barrier arm of a select counts as a party")
    func anArmMeetsTheOthers() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.select("recv c", "barrier parties=2 g", by: a, tag: "s").isParked)
        #expect(try hub.select("barrier g", "recv d", by: b) == .done(.ok(arm: 0)))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok(arm: 1))])
        hub.expectEmpty()
    }

    @Test("A select that has taken another arm does not count as a party")
    func aSelectThatTakesAnotherArmIsNotCounted() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.select("recv c", "barrier parties=2 g", by: a, tag: "s")
        _ = try hub.send("x", on: "c", by: b)
        #expect(try hub.barrier("g", 2, by: b, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
    }

    @Test("A barrier arm without parties takes the number from the other parties")
    func anArmMayLeaveTheNumberToOthers() throws {
        var hub = TestHub()
        let clients = (0..<4).map { _ in hub.connect() }
        for client in clients.dropLast() { #expect(try hub.select("barrier g", "recv c", by: client).isParked) }
        #expect(try hub.barrier("g", 3, by: clients[3]) == .done(.ok))
        #expect(
            hub.takeLateReplies() == clients[..<2].map { LateReply($0, .ok(arm: 0)) }, "the third select came too late"
        )
        #expect(try hub.barrier("g", 2, by: clients[3]) == .done(.ok))
        hub.expectEmpty()
    }

    @Test("A barrier forgets the number of parties when the last client that gave it withdraws")
    func theNumberIsForgottenWithItsLastParty() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.select("barrier g", "recv c", by: a, tag: "s")
        let wait = try #require(try hub.barrier("g", 5, by: b, tag: "b").parked)
        #expect(try hub.barrier("g", 2, by: b).refusal == .conflict)
        hub.cancel(wait)
        #expect(try hub.barrier("g", 2, by: b) == .done(.ok))
        #expect(hub.takeLateReplies().last == LateReply(a, "s", .ok(arm: 0)))
        hub.expectEmpty()
    }

    @Test("A select may have only one arm for each barrier")
    func aSelectHasOneArmPerBarrier() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.select("barrier parties=2 g", "barrier g", by: a).refusal == .conflict)
        #expect(try hub.select("barrier parties=2 g", "else", by: a) == .done(.otherwise(arm: 1)))
        hub.expectEmpty()
    }
}
