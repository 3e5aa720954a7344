import SluiceWire
import Testing

@testable import SluiceHub

/// What becomes of what is parked, and of what comes, when a hub drains.
@Suite(.timeLimit(.minutes(10))) struct DrainTests {
    private let draining = Reply.cancelled("draining")
    private let doubt = Reply.maybe("draining")

    @Test func whatWouldBeginSomethingIsRefused() throws {
        var floor = Floor()
        let client = floor.connect()
        floor.machine.drain()
        let refused = [
            try floor.send("x", on: "c", by: client), try floor.send("x", on: "c", by: client, timeout: .zero),
            try floor.receive(from: "c", by: client), try floor.stream(from: "c", by: client, tag: "s"),
            try floor.select("recv c", "else", by: client), try floor.barrier("b", 1, by: client),
            try floor.open("c", .buffer(1), by: client), try floor.join(.send, of: "c", by: client),
            try floor.trace(by: client, tag: "t"),
        ]
        #expect(refused.allSatisfy { $0.refusal == .draining })
        floor.expectEmpty()
    }

    @Test func whatEndsSomethingGoesOn() throws {
        var floor = Floor()
        let client = floor.connect()
        _ = try floor.join(.send, of: "c", by: client)
        floor.machine.drain()
        #expect(try floor.leave(.send, of: "c", by: client) == .done(.ok))
        #expect(try floor.close("d", by: client) == .done(.ok))
        #expect(try floor.poison("e", by: client) == .done(.ok))
        #expect(floor.apply(.name(try channel("n")), by: client) == .done(.ok))
    }

    @Test func whateverWaitsIsWithdrawnAndNobodyIsMatchedByThat() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: a, tag: "r")
        _ = try floor.stream(from: "d", by: a, tag: "s")
        _ = try floor.barrier("b", 2, by: a, tag: "b")
        _ = try floor.select("recv e", "send f x", "barrier parties=2 g", by: a, tag: "c")
        _ = try floor.trace(by: a, tag: "t")
        _ = try floor.send("x", on: "h", by: b, tag: "1")
        _ = try floor.send("y", on: "h", by: b, tag: "2", id: "i")
        _ = try floor.send("y", on: "h", by: b, tag: "3", id: "i")
        floor.machine.drain()
        let expected =
            ["r", "s", "b", "c", "t"].map { News(a, $0, draining) } + ["1", "2", "3"].map { News(b, $0, draining) }
        #expect(try floor.news() == expected)
        floor.expectEmpty()
        let isEarly = floor.isDrained()
        #expect(!isEarly)
        floor.disconnect(a)
        floor.disconnect(b)
        let isDrained = floor.isDrained()
        #expect(isDrained)
    }

    @Test func whatWaitsForRoomIsNotLetIntoTheBufferByWhatIsWithdrawn() throws {
        var floor = Floor()
        let client = floor.connect()
        _ = try floor.open("c", .buffer(1), by: client)
        #expect(try floor.send("x", on: "c", by: client, tag: "1", until: .taken).isParked)
        #expect(try floor.send("y", on: "c", by: client, tag: "2").isParked)
        floor.machine.drain()
        #expect(Set(floor.news()) == [News(client, "1", draining), News(client, "2", draining)])
        #expect(floor.machine.totals.keptMessages == 0)
    }

    // MARK: Leases

    /// A message that a receiver holds, with its sender.
    private func lend(
        _ floor: inout Floor, lease: Duration = .seconds(60)
    ) throws -> (sender: ConnectionID, receiver: ConnectionID, delivery: DeliveryID) {
        let (sender, receiver) = (floor.connect(), floor.connect())
        _ = try floor.send("x", on: "c", by: sender)
        let outcome = try floor.receive(from: "c", by: receiver, lease: lease)
        return (sender, receiver, try #require(outcome.delivery))
    }

    @Test func aMessageUnderLeaseIsSeenToItsEnd() throws {
        var floor = Floor()
        let (sender, receiver, delivery) = try lend(&floor)
        floor.machine.drain()
        #expect(floor.news().isEmpty)
        floor.pass(.seconds(59))
        #expect(floor.touch(delivery, by: receiver) == .done(.ok))
        floor.pass(.seconds(59))
        #expect(floor.ack(delivery, by: receiver) == .done(.ok))
        let news = floor.machine.effects
        #expect(floor.news().contains(News(sender, .ok)))
        #expect(news.contains(.released(receiver)))
        floor.expectEmpty()
    }

    enum WayBack: CaseIterable { case refused, refusedForSomeTime, lapsed, lost }

    @Test(arguments: WayBack.allCases) func aMessageThatComesBackIsNobodys(way: WayBack) throws {
        var floor = Floor()
        let (sender, receiver, delivery) = try lend(&floor)
        let again = floor.connect()
        _ = try floor.receive(from: "c", by: again)
        floor.machine.drain()
        #expect(floor.news() == [News(again, draining)])
        switch way {
        case .refused: #expect(floor.nack(delivery, by: receiver) == .done(.ok))
        case .refusedForSomeTime: #expect(floor.nack(delivery, by: receiver, delay: .seconds(1)) == .done(.ok))
        case .lapsed: floor.pass(.seconds(60))
        case .lost: floor.disconnect(receiver)
        }
        #expect(floor.news().contains(News(sender, draining)))
        floor.expectEmpty()
    }

    @Test func allWhoSendTheSameAreToldTheSame() throws {
        var floor = Floor()
        let (a, b, receiver) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.send("x", on: "c", by: a, id: "i")
        let delivery = try #require(try floor.receive(from: "c", by: receiver, lease: .seconds(9)).delivery)
        _ = try floor.send("x", on: "c", by: b, id: "i")
        floor.machine.drain()
        #expect(floor.news().isEmpty)
        _ = floor.nack(delivery, by: receiver)
        let news = floor.news()
        #expect(news.contains(News(a, draining)) && news.contains(News(b, draining)))
    }

    @Test func aSelectThatHasCommittedWaitsAsASendDoes() throws {
        var floor = Floor()
        let (sender, receiver) = (floor.connect(), floor.connect())
        _ = try floor.select("recv a", "send c x", by: sender)
        let delivery = try #require(try floor.receive(from: "c", by: receiver, lease: .seconds(9)).delivery)
        floor.machine.drain()
        #expect(floor.news().isEmpty)
        _ = floor.ack(delivery, by: receiver)
        #expect(floor.news().contains(News(sender, .ok(arm: 1))))
    }

    @Test func aCountedReceiveEndsAndWhatItHoldsDoesNot() throws {
        var floor = Floor()
        let (sender, receiver) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: receiver, tag: "s", lease: .seconds(9), window: 4)
        _ = try floor.send("x", on: "c", by: sender, tag: "1")
        let delivery = try #require(floor.deliveries().first)
        floor.machine.drain()
        #expect(floor.news() == [News(receiver, "s", draining)])
        #expect(floor.ack(delivery, by: receiver) == .done(.ok))
        #expect(floor.news().contains(News(sender, "1", .ok)))
    }

    @Test func theEndOfPatienceIsInDoubtOnlyWhereAReceiverHasTheMessage() throws {
        var floor = Floor()
        let (sender, receiver, _) = try lend(&floor)
        floor.machine.drain()
        let isEarly = floor.isDrained(localCount: 2)
        floor.machine.endDraining()
        #expect(floor.news() == [News(sender, doubt)])
        let hasRemoteClients = !floor.isDrained()
        #expect(!isEarly && hasRemoteClients)
        // Whoever of this process still holds a message is not waited for.
        let isDrained = floor.isDrained(localCount: 2)
        #expect(isDrained)
        floor.disconnect(receiver)
        #expect(floor.machine.parkedCount == 0)
    }

    @Test func oneWithoutPatienceLosesNothingEither() throws {
        var floor = Floor()
        let (sender, _, _) = try lend(&floor)
        let other = floor.connect()
        _ = try floor.send("y", on: "d", by: other)
        floor.machine.endDraining()
        #expect(Set(floor.news()) == [News(sender, doubt), News(other, draining)])
    }

    @Test func aTimeoutUnderLeaseIsInDoubtAsAlways() throws {
        var floor = Floor()
        let (sender, receiver) = (floor.connect(), floor.connect())
        _ = try floor.send("x", on: "c", by: sender, timeout: .seconds(5))
        _ = try floor.receive(from: "c", by: receiver, lease: .seconds(60))
        floor.machine.drain()
        floor.pass(.seconds(5))
        #expect(floor.news() == [News(sender, .maybe("timeout"))])
    }

    // MARK: Broadcasts

    @Test func aBroadcastIsCompleteWhenThoseHaveGoneWhomItWaitedFor() throws {
        var floor = Floor()
        let (sender, fast, slow) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.open("c", .broadcast, by: sender)
        _ = try floor.receive(from: "c", by: fast)
        floor.machine.clients[slow]?.unwrittenBytes = floor.machine.limits.outputBytes
        _ = try floor.stream(from: "c", by: slow, tag: "s")
        #expect(try floor.send("x", on: "c", by: sender).isParked)
        #expect(try floor.news() == [News(fast, .message("x", from: "c"))])
        floor.machine.drain()
        #expect(Set(floor.news()) == [News(slow, "s", draining), News(sender, .ok(receivers: 1))])
    }

    @Test func aBroadcastThatNobodyHasDidNotHappen() throws {
        var floor = Floor()
        let (sender, slow) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .broadcast, by: sender)
        floor.machine.clients[slow]?.unwrittenBytes = floor.machine.limits.outputBytes
        _ = try floor.stream(from: "c", by: slow, tag: "s")
        #expect(try floor.send("x", on: "c", by: sender, tag: "1").isParked)
        #expect(try floor.send("y", on: "c", by: sender, tag: "2").isParked)
        floor.machine.drain()
        let expected = [News(slow, "s", draining), News(sender, "1", draining), News(sender, "2", draining)]
        #expect(Set(floor.news()) == Set(expected))
    }

    @Test func aBroadcastThatAnEndHasStillToReceiveIsInDoubt() throws {
        var floor = Floor()
        let (sender, fast, end) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.open("c", .broadcast, by: sender)
        _ = try floor.join(.receive, of: "c", by: end)
        _ = try floor.receive(from: "c", by: fast)
        #expect(try floor.send("x", on: "c", by: sender).isParked)
        _ = floor.news()
        floor.machine.drain()
        #expect(floor.news() == [News(sender, doubt)])
    }
}

extension Floor {
    fileprivate func isDrained(localCount: Int = 0) -> Bool { machine.isDrained(localCount: localCount) }
}
