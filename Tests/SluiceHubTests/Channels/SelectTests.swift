import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Selects in the state machine.
@Suite struct SelectTests {
    @Test("A select takes a ready arm at once")
    func aReadyArmIsTakenAtOnce() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("x", on: "c", by: a, tag: "s")
        #expect(try hub.select("recv b", "recv c", by: b) == .done(.message("x", from: "c", arm: 1)))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok([]))])
        hub.expectEmpty()
    }

    @Test("A send arm matches a parked receiver")
    func aSendArmMatchesAParkedReceiver() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: a, tag: "r")
        #expect(try hub.select("recv b", "send c hi", by: b) == .done(.ok(arm: 1)))
        #expect(try hub.takeLateReplies() == [LateReply(a, "r", .message("hi", from: "c"))])
        hub.expectEmpty()
    }

    @Test("Taking one arm of a parked select removes the other 63")
    func theOtherArmsAreRemoved() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let arms = try (0..<64).map { Arm.receive(try channel("c\($0)")) }
        #expect(hub.apply(.select(SelectCommand(arms: arms)), by: a, tag: "s").isParked)
        #expect(hub.machine.channels.count == 64)
        #expect(try hub.send("x", on: "c17", by: b) == .done(.ok([])))
        #expect(try hub.takeLateReplies() == [LateReply(a, "s", .message("x", from: "c17", arm: 17))])
        hub.expectEmpty()
    }

    @Test("Exactly one arm of a select commits")
    func exactlyOneArmCommits() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.select("recv c", "recv d", "send e x", by: a, tag: "s", timeout: .seconds(1))
        #expect(try hub.send("1", on: "d", by: b) == .done(.ok([])))
        #expect(try hub.send("2", on: "c", by: b, tag: "2").isParked)
        #expect(try hub.receive(from: "e", by: b, tag: "3").isParked)
        hub.pass(.seconds(2))
        #expect(try hub.takeLateReplies() == [LateReply(a, "s", .message("1", from: "d", arm: 1))])
    }

    @Test("With else, a send arm for a broadcast is taken only if every receiver can take the message now")
    func elseInsteadOfABroadcastThatWaits() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .broadcast, by: a)
        _ = try hub.join(.receive, of: "c", by: b)
        #expect(try hub.select("send c x", "else", by: a) == .done(.otherwise(arm: 1)))
        #expect(try hub.receive(from: "c", by: b, tag: "r").isParked, "the message of the else was not sent")
        #expect(
            try hub.select("send c y", "else", by: a) == .done(.ok([Attribute(.receivers, 1), Attribute(.arm, 0)])))
    }

    @Test("With else, a send arm whose id is under way elsewhere is not taken")
    func elseInsteadOfARepeatedSend() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.send("x", on: "c", by: a, tag: "s", id: "m").isParked)
        #expect(try hub.select("send id=m c x", "else", by: b) == .done(.otherwise(arm: 1)))
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        #expect(try hub.select("send id=m c x", "else", by: b) == .done(.otherwise(arm: 1)))
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("With else, a send arm under a lease waits for the end of the lease", arguments: [true, false])
    func elseAfterALeaseThatEnds(isAcknowledged: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "r", lease: .seconds(1))
        #expect(try hub.select("send c x", "recv d", "else", by: a, tag: "s").isParked)
        let delivery = try #require(hub.takeDeliveries().first)
        if isAcknowledged {
            #expect(hub.ack(delivery, by: b) == .done(.ok))
            #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok(arm: 0))])
        } else {
            #expect(hub.nack(delivery, by: b) == .done(.ok))
            #expect(hub.takeLateReplies() == [LateReply(a, "s", .otherwise(arm: 2))])
            #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        }
        hub.expectEmpty()
    }

    @Test("Two selects match each other")
    func twoSelectsMatch() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.select("recv c", "send d from-a", by: a, tag: "s").isParked)
        #expect(try hub.select("recv e", "recv d", by: b) == .done(.message("from-a", from: "d", arm: 1)))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok(arm: 1))])
        hub.expectEmpty()
    }

    @Test("A select with a send and a receive arm on one channel does not match itself")
    func aSelectDoesNotMatchItself() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.select("recv c", "send c own", by: a, tag: "s").isParked)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("own", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok(arm: 1))])
        hub.expectEmpty()
    }

    @Test("A select may have two arms for the same channel")
    func theSameChannelMayStandTwice() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.select("recv c", "recv c", by: a, tag: "s").isParked)
        #expect(try hub.send("x", on: "c", by: a) == .done(.ok([])))
        #expect(try hub.takeLateReplies() == [LateReply(a, "s", .message("x", from: "c", arm: 0))])
        hub.expectEmpty()
    }

    @Test("A select takes else when no arm is ready")
    func elseIsTakenWhenNoArmIsReady() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.select("recv c", "send d x", "else", by: a) == .done(.otherwise(arm: 2)))
        hub.expectEmpty()
        _ = try hub.send("x", on: "c", by: a, tag: "s")
        #expect(try hub.select("recv c", "send d x", "else", by: a) == .done(.message("x", from: "c", arm: 0)))
    }

    @Test("A select that times out leaves no parked arms")
    func aSelectTimesOutAndLeavesNoTrace() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.select("recv c", "send d x", by: a, tag: "s", timeout: .seconds(1)).isParked)
        hub.pass(.seconds(1))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .timeout)])
        hub.expectEmpty()
    }

    // MARK: Order

    /// Returns the arms that `count` selects take while every arm is ready.
    private func taken(
        _ count: Int, of names: [String], order: SelectCommand.Order, seed: UInt64 = 1
    ) throws -> [Int] {
        var hub = TestHub(seed: seed)
        let (a, b) = (hub.connect(), hub.connect())
        for name in names {
            for number in 0..<count { _ = try hub.send("x", on: name, by: a, tag: "\(name)-\(number)") }
        }
        let arms = try names.map { Arm.receive(try channel($0)) }
        return try (0..<count).map { _ in
            let outcome = hub.apply(.select(SelectCommand(arms: arms, order: order)), by: b)
            return try #require(
                names.indices.first { index in
                    (try? outcome == .done(.message("x", from: names[index], arm: index))) ?? false
                })
        }
    }

    @Test("A fair select starts after the arm that it took last")
    func aFairSelectBeginsAfterTheArmThatItTookLast() throws {
        #expect(try taken(7, of: ["a", "b", "c"], order: .fair) == [0, 1, 2, 0, 1, 2, 0])
    }

    @Test("order=first takes the first ready arm")
    func firstIsPriorityInTheOrderWritten() throws {
        #expect(try taken(5, of: ["a", "b", "c"], order: .first) == [0, 0, 0, 0, 0])
    }

    @Test("order=random takes every arm, in an order that the seed determines")
    func aRandomSelectTakesEveryArmAndTheSeedDecides() throws {
        let once = try taken(60, of: ["a", "b", "c"], order: .random, seed: 7)
        for arm in 0..<3 { #expect(once.count { $0 == arm } > 8) }
        #expect(try taken(60, of: ["a", "b", "c"], order: .random, seed: 7) == once)
        #expect(try taken(60, of: ["a", "b", "c"], order: .random, seed: 8) != once)
    }

    @Test("A fair select remembers an arm that it took after it had parked")
    func aFairSelectRemembersAnArmThatItWaitedFor() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.select("recv c", "recv d", by: a, tag: "1").isParked)
        _ = try hub.send("x", on: "c", by: b)
        for name in ["c", "d"] { _ = try hub.send("y", on: name, by: b, tag: name) }
        #expect(try hub.select("recv c", "recv d", by: a) == .done(.message("y", from: "d", arm: 1)))
    }

    @Test("A select that receives a message does not also send into the space that it frees")
    func aSelectDoesNotCommitTwice() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        _ = try hub.send("first", on: "c", by: a)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        let select = try hub.select("send c second", "recv c", by: c)
        #expect(select.isParked)
        _ = hub.nack(delivery, by: b)
        #expect(try hub.takeLateReplies() == [LateReply(c, .message("first", from: "c", arm: 1))])
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(hub.machine.clients[c]?.reservedLeases == 0)
    }

    @Test("Fairness is kept for each select of each connection")
    func differentSelectsAndConnectionsAreFairEachByItself() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for name in ["c", "d"] {
            for number in 0..<4 { _ = try hub.send("x", on: name, by: a, tag: "\(name)\(number)") }
        }
        let fromC = try Outcome.done(.message("x", from: "c", arm: 0))
        #expect(try hub.select("recv c", "recv d", by: a) == fromC)
        #expect(try hub.select("recv c", "recv d", by: b) == fromC)
        #expect(try hub.select("recv d", "recv c", by: a) == .done(.message("x", from: "d", arm: 0)))
        #expect(try hub.select("recv c", "recv d", by: a) == .done(.message("x", from: "d", arm: 1)))
    }

    @Test("The fairness memory is bounded and forgets the least recently used select")
    func theMemoryOfFairnessIsBoundedAndForgetsWhatWasUsedLeast() throws {
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
