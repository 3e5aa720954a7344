import SluiceRuntime
import SluiceWire
import Synchronization
import Testing

@testable import SluiceHub

/// Decisions that end many operations: they take effect at once, and the operations are told in slices.
@Suite struct UnfinishedWorkTests {
    /// Lets the next commands end only `steps` operations at once.
    private func limit(_ hub: inout TestHub, to steps: Int) { hub.machine.sliceEnd = hub.machine.steps + steps }

    /// Returns the tags of the operations that were told since the last call.
    private func told(_ hub: inout TestHub) -> [String] { hub.takeLateReplies().map { $0.tag?.description ?? "" } }

    /// Does the work that is left, and returns the number of slices that it took.
    private func finish(_ hub: inout TestHub, _ steps: Int = 2) -> Int {
        var slices = 0
        while !hub.machine.unfinished.isEmpty {
            limit(&hub, to: steps)
            hub.machine.continueUnfinished()
            slices += 1
        }
        hub.machine.sliceEnd = .max
        return slices
    }

    @Test("A poisoned channel has ended for later commands before its receivers are told")
    func poisonTakesEffectAtOnce() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let parked = try (0..<9).map { try #require(try hub.receive(from: "c", by: a, tag: "\($0)").parked) }
        limit(&hub, to: 3)
        #expect(try hub.poison("c", "bad", by: b) == .done(.ok))
        #expect(hub.takeLateReplies().count == 3)
        #expect(hub.machine.parkedCount == 6)
        #expect(try hub.receive(from: "c", by: b) == .done(.poisoned(channel("c"), "bad")))
        #expect(try hub.send("x", on: "c", by: b) == .done(.poisoned(channel("c"), "bad")))
        hub.cancel(parked[8])
        #expect(try hub.takeLateReplies() == [LateReply(a, "8", .poisoned(channel("c"), "bad"))])
        #expect(finish(&hub) == 3)
        #expect(hub.takeLateReplies().count == 5)
        hub.machine.now += 100_000_000_000
        hub.machine.expire()
        hub.expectEmpty()
    }

    @Test("A small decision is told soon beside the great ones of many addresses")
    func smallDecisionsAreToldSoon() throws {
        var hub = TestHub()
        let crowd = (1...50).map { hub.connect(from: UInt32($0)) }
        let neighbour = hub.connect(from: 100)
        for (number, client) in crowd.enumerated() {
            for _ in 0..<40 { _ = try hub.receive(from: "c\(number)", by: client) }
        }
        for tag in ["1", "2"] { _ = try hub.receive(from: "n", by: neighbour, tag: tag) }
        limit(&hub, to: 0)
        for (number, client) in crowd.enumerated() {
            hub.machine.cause = .client(client)
            _ = try hub.poison("c\(number)", by: client)
        }
        hub.machine.cause = .client(neighbour)
        _ = try hub.poison("n", by: neighbour)
        #expect(hub.takeLateReplies().isEmpty)
        limit(&hub, to: 500)
        hub.machine.continueUnfinished()
        #expect(told(&hub).filter { !$0.isEmpty } == ["1", "2"])
        _ = finish(&hub, 100)
        #expect(hub.machine.parkedCount == 0)
    }

    /// A clock whose time passes with each look at it.
    private final class PassingClock: ReactorClock {
        private let looks = Atomic<UInt64>(0)
        var nowNanoseconds: UInt64 { looks.wrappingAdd(300_000, ordering: .relaxed).newValue }
        var runsByItself: Bool { true }
        func attach(_ reactor: Reactor) {}
    }

    @Test("A slice ends after its time, also if it has steps left")
    func slicesEndAfterTheirTime() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for _ in 0..<500 { _ = try hub.receive(from: "c", by: a) }
        let clock = try Reactor(clock: PassingClock())
        hub.machine.clock = clock
        hub.machine.now = clock.nowNanoseconds
        _ = try hub.poison("c", by: b)
        // The time is over at the second look, which comes after 64 operations.
        #expect((300...440).contains(hub.machine.parkedCount))
        #expect(!hub.machine.unfinished.isEmpty)
        hub.machine.clock = nil
        _ = finish(&hub, 500)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A select that ends counts a step for two arms, and four for an arm with an id")
    func wideSelectsCountTheirArms() throws {
        var hub = TestHub()
        let a = hub.connect()
        for (option, steps) in [("", 8 / 2), ("id=", 8 * 4)] {
            let arms = (0..<8).map { "send \(option.isEmpty ? "" : "\(option)\($0)") c\($0) x" }
            let parked = try #require(try hub.select(arms, by: a).parked)
            let before = hub.machine.steps
            hub.cancel(parked)
            #expect(hub.machine.steps - before == steps + 1)
        }
        hub.expectEmpty()
    }

    @Test(
        "A barrier with very many parties opens when all decisions are told, and for no select that has ended")
    func greatBarriersOpenAfterDecisionsAreTold() throws {
        var hub = TestHub()
        let (crowd, a, b) = (hub.connect(), hub.connect(), hub.connect())
        for _ in 0..<10_000 { _ = try hub.select("barrier parties=10002 g", "recv x", by: crowd, tag: "1") }
        _ = try hub.select("barrier g", "recv d", by: a, tag: "ended")
        limit(&hub, to: 0)
        _ = try hub.poison("d", by: b)
        let last = Command.barrier(BarrierCommand(try channel("g"), parties: 10_002))
        limit(&hub, to: 500)
        let before = hub.machine.steps
        let isReadyBefore = hub.machine.isReady(for: last)
        #expect(!isReadyBefore && hub.machine.steps == before)
        #expect(finish(&hub, 500) > 0)
        #expect(told(&hub) == ["ended"])
        let isReadyAfter = hub.machine.isReady(for: last)
        #expect(isReadyAfter)
        // One party is missing.
        #expect(try hub.barrier("g", 10_002, by: b, tag: "b").isParked)
        #expect(try hub.barrier("g", 10_002, by: a) == .done(.ok))
        _ = finish(&hub, 500)
        #expect(hub.takeLateReplies().count == 10_001)
        hub.machine.now += 100_000_000_000
        hub.machine.expire()
        hub.expectEmpty()
    }

    @Test("Selects that have ended do not keep a handoff on their channel waiting until they are told")
    func endedSelectsStepAside() throws {
        for arm in ["recv c", "send c x", "send id=1 c x"] {
            var hub = TestHub()
            let clients = (0..<1000).map { _ in hub.connect() }
            let (a, b) = (hub.connect(), hub.connect())
            for client in arm.contains("id=") ? clients[..<1] : clients[...] {
                _ = try hub.select(arm, "recv d", by: client, tag: "1")
            }
            limit(&hub, to: 0)
            _ = try hub.poison("d", by: b)
            let receive = Command.receive(ReceiveCommand(channel: try channel("c")))
            var slices = 1
            limit(&hub, to: 40)
            while !hub.machine.isReady(for: receive) {
                limit(&hub, to: 40)
                slices += 1
            }
            #expect(slices < 10, "\(arm)")
            #expect(hub.machine.parkedCount > clients.count / 2 || arm.contains("id="), "most are still to be told")
            #expect(try hub.receive(from: "c", by: a, tag: "1").parked != nil)
            #expect(try hub.send("y", on: "c", by: b) == .done(.ok))
            _ = try hub.send("z", on: "c", by: b, timeout: .zero, id: "1")
            _ = finish(&hub, 500)
            hub.machine.now += 1_000_000_000_000
            hub.machine.expire()
            hub.expectEmpty()
        }
    }

    @Test("A select that a decision has ended takes no message before it is told")
    func anEndedSelectTakesNothing() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: a, tag: "1")
        _ = try hub.select("recv c", "recv d", by: a, tag: "2")
        _ = try hub.select("recv c", "send e x", by: a, tag: "3")
        limit(&hub, to: 1)
        _ = try hub.poison("c", by: b)
        #expect(told(&hub) == ["1"])
        #expect(try hub.send("x", on: "d", by: b, timeout: .zero) == .done(.timeout))
        #expect(try hub.receive(from: "e", by: b, timeout: .zero) == .done(.timeout))
        #expect(Set(told(&hub)) == ["2", "3"])
        _ = finish(&hub)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("The selects of a client that leaves are withdrawn at once, and leave their queues in slices")
    func selectsOfAClientThatLeaves() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<9 { _ = try hub.select("recv c", "recv d", "send e x", by: a, tag: "\(number)") }
        limit(&hub, to: 2)
        hub.disconnect(a)
        #expect(hub.machine.parkedCount > 4)
        // Whatever still stands in a queue matches nothing.
        #expect(try hub.send("x", on: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(try hub.receive(from: "e", by: b, timeout: .zero) == .done(.timeout))
        #expect(try hub.send("x", on: "d", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.takeLateReplies().isEmpty)
        _ = finish(&hub)
        hub.disconnect(b)
        #expect(hub.machine.parkedCount == 0 && hub.machine.clients.count == 0)
        #expect(hub.machine.account.used == 0)
        hub.expectEmpty()
    }

    @Test("A client that closes its sending side gets the outcomes of its selects at once")
    func selectsOfAClientThatHalfCloses() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<9 { _ = try hub.select("recv c", "recv d", by: a, tag: "\(number)") }
        limit(&hub, to: 2)
        hub.machine.endInput(of: a)
        #expect(Set(told(&hub)) == Set((0..<9).map { "\($0)" }))
        #expect(hub.machine.parkedCount > 0)
        #expect(try hub.send("x", on: "c", by: b, timeout: .zero) == .done(.timeout))
        _ = finish(&hub)
        #expect(hub.takeLateReplies().isEmpty, "each is told once")
        hub.expectEmpty()
    }

    @Test("A withdrawn select does not send when a withdrawal behind it makes room")
    func aWithdrawnSelectSendsNothing() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("q", .buffer(1), by: b)
        #expect(try hub.send("x", on: "q", by: a, tag: "1", until: .taken).isParked)
        #expect(try hub.select("send q y", "recv c", by: a, tag: "2").isParked)
        limit(&hub, to: 0)
        hub.machine.endInput(of: a)
        #expect(
            hub.takeLateReplies() == [LateReply(a, "2", .cancelled("eof")), LateReply(a, "1", .cancelled("eof"))])
        #expect(try hub.receive(from: "q", by: b, timeout: .zero) == .done(.timeout))
        _ = finish(&hub)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test(
        "A withdrawn select is not told again that its channel has ended, or that its message was taken",
        arguments: ["close", "poison", "take"])
    func aWithdrawnSelectIsToldOnce(_ ending: String) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        if ending == "take" {
            #expect(try hub.send("x", on: "q", by: b, tag: "1", id: "i").isParked)
        }
        for number in 0..<4 {
            #expect(try hub.select("recv c", "send id=i q x", by: a, tag: "\(number)").isParked)
        }
        limit(&hub, to: 1)
        hub.machine.endInput(of: a)
        #expect(Set(told(&hub)) == ["0", "1", "2", "3"])
        hub.machine.sliceEnd = .max
        switch ending {
        case "close": _ = try hub.close("c", by: b)
        case "poison": _ = try hub.poison("c", by: b)
        default: #expect(try hub.receive(from: "q", by: b, timeout: .zero) == .done(.message("x", from: "q")))
        }
        #expect(hub.takeLateReplies().allSatisfy { $0.connection == b })
        _ = finish(&hub)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A sender of a delivered message gets OK, whatever happens before it is told")
    func sendersOfADeliveredMessageGetOK() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let parked = try (0..<6).map {
            try #require(try hub.send("x", on: "c", by: a, tag: "\($0)", timeout: .seconds(1), id: "i").parked)
        }
        limit(&hub, to: 2)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("x", from: "c")))
        #expect(hub.takeLateReplies().map(\.reply) == [.ok, .duplicate])
        hub.machine.sliceEnd = .max
        hub.cancel(parked[5])
        #expect(hub.takeLateReplies() == [LateReply(a, "5", .duplicate)])
        hub.pass(.seconds(2))
        #expect(hub.takeLateReplies().map(\.reply) == [.duplicate, .duplicate, .duplicate])
        _ = finish(&hub)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A party of an open barrier gets OK, whatever happens before it is told")
    func partiesOfAnOpenBarrierGetOK() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let parked = try (0..<5).map { try #require(try hub.barrier("g", 6, by: a, tag: "\($0)").parked) }
        limit(&hub, to: 1)
        #expect(try hub.barrier("g", 6, by: b) == .done(.ok))
        #expect(told(&hub) == ["0"])
        // The barrier of that name is another one now.
        #expect(try hub.barrier("g", 2, by: b, tag: "n").isParked)
        hub.cancel(parked[3])
        #expect(hub.takeLateReplies() == [LateReply(a, "3", .ok)])
        _ = finish(&hub)
        #expect(told(&hub) == ["1", "2", "4"])
        #expect(try hub.barrier("g", 2, by: a) == .done(.ok))
        hub.expectEmpty()
    }

    @Test("A broadcast reaches the receivers that were there, in slices, and counts those that it has reached")
    func aBroadcastIsDeliveredInSlices() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("w", .broadcast, by: a)
        let parked = try (0..<6).map { try #require(try hub.receive(from: "w", by: a, tag: "\($0)").parked) }
        limit(&hub, to: 2)
        #expect(try hub.send("x", on: "w", by: b, tag: "s", timeout: .zero).isParked)
        #expect(hub.takeLateReplies().count == 2)
        hub.cancel(parked[4])
        #expect(try hub.receive(from: "w", by: a, tag: "late").isParked)
        #expect(hub.takeLateReplies() == [LateReply(a, "4", .cancelled(nil))])
        #expect(finish(&hub) > 1)
        let reply = Reply.ok([Attribute(.receivers, 5)])
        #expect(hub.takeLateReplies().last == LateReply(b, "s", reply))
        #expect(hub.machine.parkedCount == 1, "the late one waits for the next message")
    }

    @Test("A send that is withdrawn before its broadcast is delivered is in doubt")
    func aWithdrawnBroadcastIsInDoubt() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("w", .broadcast, by: a)
        #expect(try hub.receive(from: "w", by: a, tag: "r").isParked)
        limit(&hub, to: 0)
        let send = try #require(try hub.send("x", on: "w", by: b, tag: "s").parked)
        hub.cancel(send)
        #expect(hub.takeLateReplies() == [LateReply(b, "s", .maybe("cancelled"))])
        #expect(finish(&hub) > 0)
        #expect(try hub.takeLateReplies() == [LateReply(a, "r", .message("x", from: "w"))])
        #expect(hub.machine.parkedCount == 0)
    }

    @Test(
        "A select that has committed to a send takes no message that is being delivered to its other arm",
        arguments: [ChannelDeclaration.broadcast, .once], [false, true])
    func aCommittedSelectTakesNothingElse(_ declaration: ChannelDeclaration, _ isPoisoned: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("w", declaration, by: a)
        _ = try hub.receive(from: "w", by: a, tag: "1")
        _ = try hub.select("send q x", "recv w", by: a, tag: "2")
        limit(&hub, to: 1)
        _ = try hub.send("y", on: "w", by: b, tag: "s")
        #expect(told(&hub) == ["1"])
        let delivery = try #require(try hub.receive(from: "q", by: b, lease: .seconds(9)).delivery)
        if isPoisoned { _ = try hub.poison("w", by: b) }
        _ = finish(&hub)
        #expect(!told(&hub).contains("2"))
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .ok(arm: 0))])
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("The leases and ends of a client that has gone are returned in slices")
    func aClientLeavesInSlices() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<5 {
            _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)")
            _ = try hub.receive(from: "c", by: b, tag: nil, lease: .seconds(9))
            _ = try hub.join(.send, of: "e\(number)", by: b)
        }
        limit(&hub, to: 2)
        hub.disconnect(b)
        // The first slice only finds leases.
        #expect(hub.machine.leases.count == 5)
        #expect(hub.machine.connectionCount == 2)
        #expect(finish(&hub) > 2)
        #expect(hub.machine.leases.count == 0)
        #expect(hub.machine.connectionCount == 1)
        for number in 0..<5 { #expect(try hub.receive(from: "c", by: a) == .done(.message("\(number)", from: "c"))) }
    }

    @Test("Deadlines and old ids beyond a slice stay due")
    func deadlinesEndInSlices() throws {
        var hub = TestHub()
        let a = hub.connect()
        for number in 0..<6 { _ = try hub.receive(from: "c", by: a, tag: "\(number)", timeout: .seconds(1)) }
        hub.machine.now += 2_000_000_000
        limit(&hub, to: 4)
        hub.machine.expire()
        #expect(hub.takeLateReplies().count == 2)
        #expect(hub.machine.nextDeadline <= hub.machine.now)
        hub.machine.sliceEnd = .max
        hub.machine.expire()
        hub.expectEmpty()
    }
}
