import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Selects in the pure machine.
@Suite struct SelectingTests {
    @Test func aReadyArmIsTakenAtOnce() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("x", on: "c", by: a, tag: "s")
        #expect(try floor.select("recv b", "recv c", by: b) == .done(.message("x", from: "c", arm: 1)))
        #expect(floor.news() == [News(a, "s", .ok([]))])
        floor.expectEmpty()
    }

    @Test func aSendArmMeetsTheReceiverThatWaits() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: a, tag: "r")
        #expect(try floor.select("recv b", "send c hi", by: b) == .done(.ok(arm: 1)))
        #expect(try floor.news() == [News(a, "r", .message("hi", from: "c"))])
        floor.expectEmpty()
    }

    @Test func theLosersOfAParkedSelectLeaveNoTrace() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let arms = try (0..<64).map { Arm.receive(try channel("c\($0)")) }
        #expect(floor.apply(.select(SelectCommand(arms: arms)), by: a, tag: "s").isParked)
        #expect(floor.machine.channels.count == 64)
        #expect(try floor.send("x", on: "c17", by: b) == .done(.ok([])))
        #expect(try floor.news() == [News(a, "s", .message("x", from: "c17", arm: 17))])
        floor.expectEmpty()
    }

    @Test func exactlyOneArmCommits() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.select("recv c", "recv d", "send e x", by: a, tag: "s", timeout: .seconds(1))
        #expect(try floor.send("1", on: "d", by: b) == .done(.ok([])))
        #expect(try floor.send("2", on: "c", by: b, tag: "2").isParked)
        #expect(try floor.receive(from: "e", by: b, tag: "3").isParked)
        floor.pass(.seconds(2))
        #expect(try floor.news() == [News(a, "s", .message("1", from: "d", arm: 1))])
    }

    @Test func twoSelectsMeet() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.select("recv c", "send d from-a", by: a, tag: "s").isParked)
        #expect(try floor.select("recv e", "recv d", by: b) == .done(.message("from-a", from: "d", arm: 1)))
        #expect(floor.news() == [News(a, "s", .ok(arm: 1))])
        floor.expectEmpty()
    }

    @Test func aSelectDoesNotMeetItself() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.select("recv c", "send c own", by: a, tag: "s").isParked)
        #expect(floor.news().isEmpty)
        #expect(try floor.receive(from: "c", by: b) == .done(.message("own", from: "c")))
        #expect(floor.news() == [News(a, "s", .ok(arm: 1))])
        floor.expectEmpty()
    }

    @Test func theSameChannelMayStandTwice() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.select("recv c", "recv c", by: a, tag: "s").isParked)
        #expect(try floor.send("x", on: "c", by: a) == .done(.ok([])))
        #expect(try floor.news() == [News(a, "s", .message("x", from: "c", arm: 0))])
        floor.expectEmpty()
    }

    @Test func elseIsTakenWhenNoArmIsReady() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.select("recv c", "send d x", "else", by: a) == .done(.otherwise(arm: 2)))
        floor.expectEmpty()
        _ = try floor.send("x", on: "c", by: a, tag: "s")
        #expect(try floor.select("recv c", "send d x", "else", by: a) == .done(.message("x", from: "c", arm: 0)))
    }

    @Test func aSelectTimesOutAndLeavesNoTrace() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.select("recv c", "send d x", by: a, tag: "s", timeout: .seconds(1)).isParked)
        floor.pass(.seconds(1))
        #expect(floor.news() == [News(a, "s", .timeout)])
        floor.expectEmpty()
    }

    // MARK: Order

    /// Which arm each of `count` selects takes while every arm is ready.
    private func taken(
        _ count: Int, of names: [String], order: SelectOrder, seed: UInt64 = 1
    ) throws -> [Int] {
        var floor = Floor(seed: seed)
        let (a, b) = (floor.connect(), floor.connect())
        for name in names {
            for number in 0..<count { _ = try floor.send("x", on: name, by: a, tag: "\(name)-\(number)") }
        }
        let arms = try names.map { Arm.receive(try channel($0)) }
        return try (0..<count).map { _ in
            let outcome = floor.apply(.select(SelectCommand(arms: arms, order: order)), by: b)
            return try #require(
                names.indices.first { index in
                    (try? outcome == .done(.message("x", from: names[index], arm: index))) ?? false
                })
        }
    }

    @Test func aFairSelectBeginsAfterTheArmThatItTookLast() throws {
        #expect(try taken(7, of: ["a", "b", "c"], order: .fair) == [0, 1, 2, 0, 1, 2, 0])
    }

    @Test func firstIsPriorityInTheOrderWritten() throws {
        #expect(try taken(5, of: ["a", "b", "c"], order: .first) == [0, 0, 0, 0, 0])
    }

    @Test func aRandomSelectTakesEveryArmAndTheSeedDecides() throws {
        let once = try taken(60, of: ["a", "b", "c"], order: .random, seed: 7)
        for arm in 0..<3 { #expect(once.count { $0 == arm } > 8) }
        #expect(try taken(60, of: ["a", "b", "c"], order: .random, seed: 7) == once)
        #expect(try taken(60, of: ["a", "b", "c"], order: .random, seed: 8) != once)
    }

    @Test func aFairSelectRemembersAnArmThatItWaitedFor() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.select("recv c", "recv d", by: a, tag: "1").isParked)
        _ = try floor.send("x", on: "c", by: b)
        for name in ["c", "d"] { _ = try floor.send("y", on: name, by: b, tag: name) }
        #expect(try floor.select("recv c", "recv d", by: a) == .done(.message("y", from: "d", arm: 1)))
    }

    @Test func aSelectIsNotGivenAMessageAndTheRoomThatThisLeaves() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        _ = try floor.send("first", on: "c", by: a)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        let select = try floor.select("send c second", "recv c", by: c)
        #expect(select.isParked)
        _ = floor.nack(delivery, by: b)
        #expect(try floor.news() == [News(c, .message("first", from: "c", arm: 1))])
        #expect(try floor.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(floor.machine.clients[c]?.reservedLeases == 0)
    }

    @Test func differentSelectsAndConnectionsAreFairEachByItself() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for name in ["c", "d"] {
            for number in 0..<4 { _ = try floor.send("x", on: name, by: a, tag: "\(name)\(number)") }
        }
        let fromC = try Outcome.done(.message("x", from: "c", arm: 0))
        #expect(try floor.select("recv c", "recv d", by: a) == fromC)
        #expect(try floor.select("recv c", "recv d", by: b) == fromC)
        #expect(try floor.select("recv d", "recv c", by: a) == .done(.message("x", from: "d", arm: 0)))
        #expect(try floor.select("recv c", "recv d", by: a) == .done(.message("x", from: "d", arm: 1)))
    }

    @Test func theMemoryOfFairnessIsBoundedAndForgetsWhatWasUsedLeast() throws {
        var memory = FairMemory()
        func key(_ number: Int) throws -> FairKey { FairKey([.receive(try channel("c\(number)"))]) }
        for number in 0...FairMemory.capacity {
            memory.remember(1, of: try key(number))
            memory.remember(1, of: try key(0))
        }
        #expect(try memory.start(of: key(0), arms: 3) == 2)
        #expect(try memory.start(of: key(1), arms: 3) == 0)
        #expect(try memory.start(of: key(2), arms: 3) == 2)
    }
}
