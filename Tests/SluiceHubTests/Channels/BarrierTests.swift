import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Barriers in the pure machine.
@Suite struct BarrierTests {
    @Test func allGoOnTogether() throws {
        var floor = Floor()
        let clients = (0..<3).map { _ in floor.connect() }
        for client in clients.dropLast() { #expect(try floor.barrier("g", 3, by: client).isParked) }
        #expect(floor.news().isEmpty)
        #expect(try floor.barrier("g", 3, by: clients[2]) == .done(.ok))
        #expect(floor.news() == clients.dropLast().map { News($0, .ok) })
        floor.expectEmpty()
    }

    @Test func exactlySoManyGoOn() throws {
        var floor = Floor()
        let a = floor.connect()
        for round in 0..<10 {
            #expect(try floor.barrier("g", 2, by: a, tag: "\(round)").isParked)
            #expect(try floor.barrier("g", 2, by: a) == .done(.ok))
            #expect(floor.news() == [News(a, "\(round)", .ok)])
        }
        #expect(try floor.barrier("g", 1, by: a) == .done(.ok))
        floor.expectEmpty()
    }

    @Test func anotherNumberIsAConflictWhileOthersWait() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let wait = try #require(try floor.barrier("g", 3, by: a, tag: "1").parked)
        #expect(try floor.barrier("g", 2, by: b).refusal == .conflict)
        #expect(try floor.select("barrier parties=2 g", "recv c", by: b).refusal == .conflict)
        floor.cancel(wait)
        #expect(try floor.barrier("g", 2, by: b, tag: "2").isParked)
    }

    @Test func whoGivesUpIsNotCounted() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.barrier("g", 2, by: a, tag: "1", timeout: .zero) == .done(.timeout))
        _ = try floor.barrier("g", 2, by: a, tag: "1", timeout: .seconds(1))
        floor.pass(.seconds(1))
        #expect(floor.news() == [News(a, "1", .timeout)])
        _ = try floor.barrier("g", 2, by: a, tag: "2")
        floor.disconnect(a)
        #expect(try floor.barrier("g", 2, by: b, timeout: .zero) == .done(.timeout))
        floor.expectEmpty()
    }

    @Test func aBarrierAndAChannelOfOneNameAreTwoThings() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.barrier("g", 2, by: a, tag: "1")
        _ = try floor.receive(from: "g", by: a, tag: "2")
        #expect(try floor.send("x", on: "g", by: b) == .done(.ok))
        #expect(try floor.barrier("g", 2, by: b) == .done(.ok))
        floor.expectEmpty()
    }

    // MARK: In selects

    @Test func anArmMeetsTheOthers() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.select("recv c", "barrier parties=2 g", by: a, tag: "s").isParked)
        #expect(try floor.select("barrier g", "recv d", by: b) == .done(.ok(arm: 0)))
        #expect(floor.news() == [News(a, "s", .ok(arm: 1))])
        floor.expectEmpty()
    }

    @Test func aSelectThatTakesAnotherArmIsNotCounted() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.select("recv c", "barrier parties=2 g", by: a, tag: "s")
        _ = try floor.send("x", on: "c", by: b)
        #expect(try floor.barrier("g", 2, by: b, timeout: .zero) == .done(.timeout))
        floor.expectEmpty()
    }

    @Test func anArmMayLeaveTheNumberToOthers() throws {
        var floor = Floor()
        let clients = (0..<4).map { _ in floor.connect() }
        for client in clients.dropLast() { #expect(try floor.select("barrier g", "recv c", by: client).isParked) }
        #expect(try floor.barrier("g", 3, by: clients[3]) == .done(.ok))
        #expect(floor.news() == clients[..<2].map { News($0, .ok(arm: 0)) }, "the third one has come too late")
        #expect(try floor.barrier("g", 2, by: clients[3]) == .done(.ok))
        floor.expectEmpty()
    }

    @Test func theNumberGoesWithTheLastOneWhoSaidIt() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.select("barrier g", "recv c", by: a, tag: "s")
        let wait = try #require(try floor.barrier("g", 5, by: b, tag: "b").parked)
        #expect(try floor.barrier("g", 2, by: b).refusal == .conflict)
        floor.cancel(wait)
        #expect(try floor.barrier("g", 2, by: b) == .done(.ok))
        #expect(floor.news().last == News(a, "s", .ok(arm: 0)))
        floor.expectEmpty()
    }

    @Test func aSelectStandsAtABarrierOnce() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.select("barrier parties=2 g", "barrier g", by: a).refusal == .conflict)
        #expect(try floor.select("barrier parties=2 g", "else", by: a) == .done(.otherwise(arm: 1)))
        floor.expectEmpty()
    }
}
