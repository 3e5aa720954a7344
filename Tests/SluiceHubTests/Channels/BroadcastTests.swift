import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Broadcasts in the pure machine.
@Suite struct BroadcastTests {
    /// A floor with a broadcast `c`, and its clients.
    private func open(_ floor: inout Floor, _ count: Int) throws -> [ConnectionID] {
        let clients = (0..<count).map { _ in floor.connect() }
        _ = try floor.open("c", .broadcast, by: clients[0])
        return clients
    }

    @Test func everyReceiverThatWaitsGetsTheMessage() throws {
        var floor = Floor()
        let clients = try open(&floor, 4)
        for client in clients.dropFirst() { #expect(try floor.receive(from: "c", by: client, tag: "r").isParked) }
        #expect(try floor.send("x", on: "c", by: clients[0]) == .done(.ok(receivers: 3)))
        #expect(try floor.news() == clients.dropFirst().map { try News($0, "r", .message("x", from: "c")) })
        #expect(floor.machine.parkedCount == 0)
        #expect(floor.machine.totals.handoffs == 3)
    }

    @Test func withoutReceiversItIsDoneAtOnce() throws {
        var floor = Floor()
        let clients = try open(&floor, 1)
        #expect(try floor.send("x", on: "c", by: clients[0]) == .done(.ok(receivers: 0)))
        #expect(try floor.receive(from: "c", by: clients[0], timeout: .zero) == .done(.timeout))
    }

    @Test func itMayWaitForReceivers() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        #expect(try floor.send("x", on: "c", by: clients[0], timeout: .zero, need: 1) == .done(.timeout))
        #expect(try floor.send("x", on: "c", by: clients[0], tag: "s", need: 2).isParked)
        #expect(try floor.receive(from: "c", by: clients[1], tag: "r").isParked)
        #expect(floor.news().isEmpty)
        #expect(try floor.receive(from: "c", by: clients[2], tag: "r").isParked)
        let received = try clients.dropFirst().map { try News($0, "r", .message("x", from: "c")) }
        #expect(floor.news() == received + [News(clients[0], "s", .ok(receivers: 2))])
    }

    @Test func theOneBehindASendThatWaitsGoesOnWhenThatIsWithdrawn() throws {
        var floor = Floor()
        let clients = try open(&floor, 1)
        let first = try #require(try floor.send("1", on: "c", by: clients[0], tag: "1", need: 5).parked)
        #expect(try floor.send("2", on: "c", by: clients[0], tag: "2").isParked, "messages keep their order")
        floor.cancel(first)
        #expect(
            Set(floor.news()) == [News(clients[0], "1", .cancelled(nil)), News(clients[0], "2", .ok(receivers: 0))])
    }

    // MARK: Ends

    @Test func whoHasJoinedIsWaitedFor() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        for client in clients.dropFirst() { _ = try floor.join(.receive, of: "c", by: client) }
        #expect(try floor.send("1", on: "c", by: clients[0], tag: "1").isParked)
        #expect(try floor.send("2", on: "c", by: clients[0], tag: "2").isParked)
        #expect(try floor.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        #expect(floor.news().isEmpty)
        #expect(try floor.receive(from: "c", by: clients[1], tag: "r").isParked, "one after the other")
        #expect(try floor.receive(from: "c", by: clients[2]) == .done(.message("1", from: "c")))
        let news = floor.news()
        #expect(news.contains(News(clients[0], "1", .ok(receivers: 2))))
        #expect(try news.contains(News(clients[1], "r", .message("2", from: "c"))))
        #expect(try floor.receive(from: "c", by: clients[2]) == .done(.message("2", from: "c")))
        #expect(floor.news() == [News(clients[0], "2", .ok(receivers: 2))])
    }

    enum Departure: CaseIterable { case leave, disconnect }

    @Test(arguments: Departure.allCases) func whoGoesIsNotWaitedForAnyMore(_ departure: Departure) throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        for client in clients.dropFirst() { _ = try floor.join(.receive, of: "c", by: client) }
        _ = try floor.send("1", on: "c", by: clients[0], tag: "1")
        #expect(try floor.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        switch departure {
        case .leave: #expect(try floor.leave(.receive, of: "c", by: clients[2]) == .done(.ok))
        case .disconnect: floor.disconnect(clients[2])
        }
        #expect(floor.news() == [News(clients[0], "1", .ok(receivers: 1))])
    }

    @Test func aConnectionThatReceivesIsOneReceiverEvenIfItHasJoined() throws {
        var floor = Floor()
        let clients = try open(&floor, 2)
        _ = try floor.join(.receive, of: "c", by: clients[1])
        _ = try floor.receive(from: "c", by: clients[1], tag: "r")
        #expect(try floor.send("1", on: "c", by: clients[0]) == .done(.ok(receivers: 1)))
    }

    // MARK: Counted receives

    @Test func aPausedReceiveIsWaitedFor() throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var floor = Floor(limits: limits)
        let clients = try open(&floor, 2)
        _ = try floor.stream(from: "c", by: clients[1], tag: "r")
        #expect(try floor.send("1", on: "c", by: clients[0]) == .done(.ok(receivers: 1)))
        #expect(try floor.send("2", on: "c", by: clients[0], tag: "2").isParked)
        #expect(try floor.send("3", on: "c", by: clients[0], tag: "3").isParked)
        _ = floor.news()
        floor.machine.outputWritten(65, of: clients[1])
        #expect(
            try Set(floor.news()) == [
                News(clients[1], "r", .message("2", from: "c"), isFinal: false),
                News(clients[0], "2", .ok(receivers: 1)),
            ])
        floor.disconnect(clients[1])
        #expect(floor.news() == [News(clients[0], "3", .ok(receivers: 0))])
    }

    @Test func aReceiveThatWasPausedBeforeTheChannelWasOpenedIsWaitedFor() throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var floor = Floor(limits: limits)
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r")
        _ = try floor.send("1", on: "c", by: a)
        _ = try floor.open("c", .broadcast, by: a)
        #expect(try floor.send("2", on: "c", by: a, tag: "2").isParked)
        floor.machine.outputWritten(65, of: b)
        #expect(floor.news().contains(News(a, "2", .ok(receivers: 1))))
    }

    // MARK: In the middle of a round

    @Test func aSenderThatGivesUpIsToldMaybeOnceSomebodyHasTheMessage() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        for client in clients.dropFirst() { _ = try floor.join(.receive, of: "c", by: client) }
        _ = try floor.send("1", on: "c", by: clients[0], tag: "1", timeout: .seconds(1))
        floor.pass(.seconds(1))
        #expect(floor.news() == [News(clients[0], "1", .timeout)], "nobody had it")
        _ = try floor.send("2", on: "c", by: clients[0], tag: "2", timeout: .seconds(1))
        _ = try floor.send("3", on: "c", by: clients[0], tag: "3")
        #expect(try floor.receive(from: "c", by: clients[1]) == .done(.message("2", from: "c")))
        floor.pass(.seconds(1))
        #expect(floor.news() == [News(clients[0], "2", .maybe("timeout"))])
        #expect(try floor.receive(from: "c", by: clients[2]) == .done(.message("3", from: "c")), "the round is over")
    }

    @Test func aSendWithoutTimeWaitsForNobody() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        _ = try floor.join(.receive, of: "c", by: clients[1])
        #expect(try floor.send("1", on: "c", by: clients[0], timeout: .zero) == .done(.timeout))
        _ = try floor.receive(from: "c", by: clients[2], tag: "r")
        #expect(try floor.send("2", on: "c", by: clients[0], timeout: .zero) == .done(.maybe("timeout")))
        #expect(try floor.news() == [News(clients[2], "r", .message("2", from: "c"))])
        #expect(floor.machine.parkedCount == 0)
    }

    @Test func aMessageThatSomeHaveIsNotSentThemAgain() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        for client in clients.dropFirst() { _ = try floor.join(.receive, of: "c", by: client) }
        _ = try floor.send("1", on: "c", by: clients[0], tag: "1", timeout: .seconds(1), id: "x")
        #expect(try floor.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        floor.pass(.seconds(1))
        #expect(floor.news() == [News(clients[0], "1", .maybe("timeout"))])
        #expect(try floor.send("1", on: "c", by: clients[0], id: "x") == .done(.duplicate))
        #expect(try floor.receive(from: "c", by: clients[1], timeout: .zero) == .done(.timeout))
    }

    @Test func poisonInTheMiddleIsMaybeOrDefinite() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        for client in clients.dropFirst() { _ = try floor.join(.receive, of: "c", by: client) }
        _ = try floor.send("1", on: "c", by: clients[0], tag: "1")
        _ = try floor.send("2", on: "c", by: clients[0], tag: "2")
        _ = try floor.receive(from: "c", by: clients[1])
        _ = try floor.poison("c", by: clients[0])
        #expect(
            try Set(floor.news()) == [
                News(clients[0], "1", .maybe("poisoned")), News(clients[0], "2", .poisoned("c")),
            ])
        #expect(floor.machine.parkedCount == 0)
    }

    @Test func aClosedBroadcastGoesOnToAllWhoAreToReceive() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        for client in clients.dropFirst() { _ = try floor.join(.receive, of: "c", by: client) }
        _ = try floor.send("1", on: "c", by: clients[0], tag: "1")
        _ = try floor.send("2", on: "c", by: clients[0], tag: "2")
        #expect(try floor.close("c", by: clients[0]) == .done(.ok))
        #expect(try floor.send("3", on: "c", by: clients[0]) == .done(.closed("c")))
        for text in ["1", "2"] {
            for client in clients.dropFirst() {
                #expect(try floor.receive(from: "c", by: client) == .done(.message(text, from: "c")))
            }
            #expect(floor.news() == [News(clients[0], text, .ok(receivers: 2))])
        }
        #expect(try floor.receive(from: "c", by: clients[1]) == .done(.closed("c")))
        floor.pass(.seconds(100))
        #expect(floor.machine.channels.count == 0)
    }

    @Test func whoHasReceivedTheLastMessageOfAClosedBroadcastIsToldSo() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        for client in clients.dropFirst() { _ = try floor.join(.receive, of: "c", by: client) }
        _ = try floor.send("1", on: "c", by: clients[0], tag: "1")
        #expect(try floor.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        _ = try floor.close("c", by: clients[0])
        #expect(try floor.receive(from: "c", by: clients[1]) == .done(.closed("c")))
        #expect(try floor.receive(from: "c", by: clients[2]) == .done(.message("1", from: "c")))
        #expect(floor.news() == [News(clients[0], "1", .ok(receivers: 2))])
    }

    @Test func nothingIsBroadcastToWhoeverIsLeaving() throws {
        var floor = Floor()
        let clients = try open(&floor, 2)
        _ = try floor.receive(from: "c", by: clients[1], tag: "r")
        _ = try floor.send("1", on: "c", by: clients[1], tag: "1", need: 3)
        _ = try floor.send("2", on: "c", by: clients[0], tag: "2")
        floor.disconnect(clients[1])
        #expect(floor.news() == [News(clients[0], "2", .ok(receivers: 0))])
    }

    // MARK: Selects

    @Test func aSelectIsOneReceiver() throws {
        var floor = Floor()
        let clients = try open(&floor, 2)
        #expect(try floor.select("recv d", "recv c", by: clients[1], tag: "r").isParked)
        #expect(try floor.send("x", on: "c", by: clients[0]) == .done(.ok(receivers: 1)))
        #expect(try floor.news() == [News(clients[1], "r", .message("x", from: "c", arm: 1))])
    }

    @Test func aSelectThatBroadcastsWaitsForThatAlone() throws {
        var floor = Floor()
        let clients = try open(&floor, 3)
        _ = try floor.send("0", on: "c", by: clients[0], tag: "0", need: 1)
        #expect(try floor.select("send c 1", "send c 2", "recv d", by: clients[1], tag: "s").isParked)
        _ = try floor.join(.receive, of: "c", by: clients[2])
        #expect(try floor.receive(from: "c", by: clients[2]) == .done(.message("0", from: "c")))
        #expect(try floor.send("x", on: "d", by: clients[0], timeout: .zero) == .done(.timeout))
        #expect(try floor.receive(from: "c", by: clients[2]) == .done(.message("1", from: "c")))
        let reply = Reply.ok([Attribute(.receivers, 1), Attribute(.arm, 0)])
        #expect(floor.news() == [News(clients[0], "0", .ok(receivers: 1)), News(clients[1], "s", reply)])
        #expect(try floor.receive(from: "c", by: clients[2], timeout: .zero) == .done(.timeout))
    }
}
