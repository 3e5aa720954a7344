import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Parked and new operations of a draining hub, in the state machine.
@Suite(.bounded) struct DrainTests {
    private let draining = Reply.cancelled("draining")
    private let doubt = Reply.maybe("draining")

    @Test("A draining hub refuses new work")
    func newWorkIsRefused() throws {
        var hub = TestHub()
        let client = hub.connect()
        hub.machine.drain()
        let refused = [
            try hub.send("x", on: "c", by: client), try hub.send("x", on: "c", by: client, timeout: .zero),
            try hub.receive(from: "c", by: client), try hub.stream(from: "c", by: client, tag: "s"),
            try hub.select("recv c", "else", by: client), try hub.barrier("b", 1, by: client),
            try hub.open("c", .buffer(1), by: client), try hub.join(.send, of: "c", by: client),
            try hub.trace(by: client, tag: "t"),
        ]
        #expect(refused.allSatisfy { $0.refusal == .draining })
        hub.expectEmpty()
    }

    @Test("A draining hub still accepts LEAVE, CLOSE, POISON and NAME")
    func endingWorkIsAllowed() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.join(.send, of: "c", by: client)
        hub.machine.drain()
        #expect(try hub.leave(.send, of: "c", by: client) == .done(.ok))
        #expect(try hub.close("d", by: client) == .done(.ok))
        #expect(try hub.poison("e", by: client) == .done(.ok))
        #expect(hub.apply(.name(try channel("n")), by: client) == .done(.ok))
    }

    @Test("Draining cancels every parked operation and matches none of them")
    func parkedOperationsAreCancelled() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: a, tag: "r")
        _ = try hub.stream(from: "d", by: a, tag: "s")
        _ = try hub.barrier("b", 2, by: a, tag: "b")
        _ = try hub.select("recv e", "send f x", "barrier parties=2 g", by: a, tag: "c")
        _ = try hub.trace(by: a, tag: "t")
        _ = try hub.send("x", on: "h", by: b, tag: "1")
        _ = try hub.send("y", on: "h", by: b, tag: "2", id: "i")
        _ = try hub.send("y", on: "h", by: b, tag: "3", id: "i")
        hub.machine.drain()
        let expected =
            ["r", "s", "b", "c", "t"].map { LateReply(a, $0, draining) }
            + ["1", "2", "3"].map { LateReply(b, $0, draining) }
        #expect(hub.takeLateReplies() == expected)
        hub.expectEmpty()
        let isEarly = hub.isDrained()
        #expect(!isEarly)
        hub.disconnect(a)
        hub.disconnect(b)
        let isDrained = hub.isDrained()
        #expect(isDrained)
    }

    @Test("Draining lets no parked sender into a buffer")
    func parkedSendersDoNotEnterTheBuffer() throws {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open("c", .buffer(1), by: client)
        #expect(try hub.send("x", on: "c", by: client, tag: "1", until: .taken).isParked)
        #expect(try hub.send("y", on: "c", by: client, tag: "2").isParked)
        hub.machine.drain()
        #expect(Set(hub.takeLateReplies()) == [LateReply(client, "1", draining), LateReply(client, "2", draining)])
        #expect(hub.machine.totals.keptMessages == 0)
    }

    // MARK: Leases

    /// Leases a message to a receiver.
    private func lend(
        _ hub: inout TestHub, lease: Duration = .seconds(60)
    ) throws -> (sender: ConnectionID, receiver: ConnectionID, delivery: DeliveryID) {
        let (sender, receiver) = (hub.connect(), hub.connect())
        _ = try hub.send("x", on: "c", by: sender)
        let outcome = try hub.receive(from: "c", by: receiver, lease: lease)
        return (sender, receiver, try #require(outcome.delivery))
    }

    @Test("A lease runs to its end while the hub drains")
    func aLeaseRunsToItsEnd() throws {
        var hub = TestHub()
        let (sender, receiver, delivery) = try lend(&hub)
        hub.machine.drain()
        #expect(hub.takeLateReplies().isEmpty)
        hub.pass(.seconds(59))
        #expect(hub.touch(delivery, by: receiver) == .done(.ok))
        hub.pass(.seconds(59))
        #expect(hub.ack(delivery, by: receiver) == .done(.ok))
        let lateReplies = hub.machine.outbox.effects
        #expect(hub.takeLateReplies().contains(LateReply(sender, .ok)))
        #expect(lateReplies.contains(.released(receiver)))
        hub.expectEmpty()
    }

    enum WayBack: CaseIterable { case nack, nackWithDelay, expiry, disconnection }

    @Test("A message that comes back while the hub drains is cancelled", arguments: WayBack.allCases)
    func aReturnedMessageIsCancelled(way: WayBack) throws {
        var hub = TestHub()
        let (sender, receiver, delivery) = try lend(&hub)
        let again = hub.connect()
        _ = try hub.receive(from: "c", by: again)
        hub.machine.drain()
        #expect(hub.takeLateReplies() == [LateReply(again, draining)])
        switch way {
        case .nack: #expect(hub.nack(delivery, by: receiver) == .done(.ok))
        case .nackWithDelay: #expect(hub.nack(delivery, by: receiver, delay: .seconds(1)) == .done(.ok))
        case .expiry: hub.pass(.seconds(60))
        case .disconnection: hub.disconnect(receiver)
        }
        #expect(hub.takeLateReplies().contains(LateReply(sender, draining)))
        hub.expectEmpty()
    }

    @Test("All senders of a message that comes back get the same reply")
    func everySenderOfAMessageGetsTheSameReply() throws {
        var hub = TestHub()
        let (a, b, receiver) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.send("x", on: "c", by: a, id: "i")
        let delivery = try #require(try hub.receive(from: "c", by: receiver, lease: .seconds(9)).delivery)
        _ = try hub.send("x", on: "c", by: b, id: "i")
        hub.machine.drain()
        #expect(hub.takeLateReplies().isEmpty)
        _ = hub.nack(delivery, by: receiver)
        let lateReplies = hub.takeLateReplies()
        #expect(lateReplies.contains(LateReply(a, draining)) && lateReplies.contains(LateReply(b, draining)))
    }

    @Test("A select whose message is leased waits for the end of the lease")
    func aCommittedSelectWaitsForItsLease() throws {
        var hub = TestHub()
        let (sender, receiver) = (hub.connect(), hub.connect())
        _ = try hub.select("recv a", "send c x", by: sender)
        let delivery = try #require(try hub.receive(from: "c", by: receiver, lease: .seconds(9)).delivery)
        hub.machine.drain()
        #expect(hub.takeLateReplies().isEmpty)
        _ = hub.ack(delivery, by: receiver)
        #expect(hub.takeLateReplies().contains(LateReply(sender, .ok(arm: 1))))
    }

    @Test("Draining ends a counted receive but not its leases")
    func aCountedReceiveEndsButItsLeasesDoNot() throws {
        var hub = TestHub()
        let (sender, receiver) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: receiver, tag: "s", lease: .seconds(9), window: 4)
        _ = try hub.send("x", on: "c", by: sender, tag: "1")
        let delivery = try #require(hub.takeDeliveries().first)
        hub.machine.drain()
        #expect(hub.takeLateReplies() == [LateReply(receiver, "s", draining)])
        #expect(hub.ack(delivery, by: receiver) == .done(.ok))
        #expect(hub.takeLateReplies().contains(LateReply(sender, "1", .ok)))
    }

    @Test("The end of the drain answers MAYBE to the sender of a leased message")
    func theEndOfTheDrainIsMaybeForLeasedMessages() throws {
        var hub = TestHub()
        let (sender, receiver, _) = try lend(&hub)
        hub.machine.drain()
        let isEarly = hub.isDrained(localCount: 2)
        hub.machine.endDraining()
        #expect(hub.takeLateReplies() == [LateReply(sender, doubt)])
        let hasRemoteClients = !hub.isDrained()
        #expect(!isEarly && hasRemoteClients)
        // Clients in the process that hold a message are not waited for.
        let isDrained = hub.isDrained(localCount: 2)
        #expect(isDrained)
        hub.disconnect(receiver)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("Ending without draining answers every sender")
    func endingWithoutDrainingAnswersEverySender() throws {
        var hub = TestHub()
        let (sender, _, _) = try lend(&hub)
        let other = hub.connect()
        _ = try hub.send("y", on: "d", by: other)
        hub.machine.endDraining()
        #expect(Set(hub.takeLateReplies()) == [LateReply(sender, doubt), LateReply(other, draining)])
    }

    @Test("A send that times out under a lease is answered MAYBE")
    func aTimeoutUnderALeaseIsMaybe() throws {
        var hub = TestHub()
        let (sender, receiver) = (hub.connect(), hub.connect())
        _ = try hub.send("x", on: "c", by: sender, timeout: .seconds(5))
        _ = try hub.receive(from: "c", by: receiver, lease: .seconds(60))
        hub.machine.drain()
        hub.pass(.seconds(5))
        #expect(hub.takeLateReplies() == [LateReply(sender, .maybe("timeout"))])
    }

    // MARK: Broadcasts

    @Test("A broadcast completes when draining ends the receives that it waited for")
    func aBroadcastCompletesWithItsReceivers() throws {
        var hub = TestHub()
        let (sender, fast, slow) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.open("c", .broadcast, by: sender)
        _ = try hub.receive(from: "c", by: fast)
        hub.machine.clients[slow]?.unwrittenBytes = hub.machine.limits.outputBytes
        _ = try hub.stream(from: "c", by: slow, tag: "s")
        #expect(try hub.send("x", on: "c", by: sender).isParked)
        #expect(try hub.takeLateReplies() == [LateReply(fast, .message("x", from: "c"))])
        hub.machine.drain()
        #expect(Set(hub.takeLateReplies()) == [LateReply(slow, "s", draining), LateReply(sender, .ok(receivers: 1))])
    }

    @Test("A broadcast that no receiver has is cancelled")
    func aBroadcastWithoutReceiversIsCancelled() throws {
        var hub = TestHub()
        let (sender, slow) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .broadcast, by: sender)
        hub.machine.clients[slow]?.unwrittenBytes = hub.machine.limits.outputBytes
        _ = try hub.stream(from: "c", by: slow, tag: "s")
        #expect(try hub.send("x", on: "c", by: sender, tag: "1").isParked)
        #expect(try hub.send("y", on: "c", by: sender, tag: "2").isParked)
        hub.machine.drain()
        let expected = [
            LateReply(slow, "s", draining), LateReply(sender, "1", draining), LateReply(sender, "2", draining),
        ]
        #expect(Set(hub.takeLateReplies()) == Set(expected))
    }

    @Test("A broadcast that a joined client has not received is answered MAYBE")
    func aBroadcastThatAnEndMissesIsMaybe() throws {
        var hub = TestHub()
        let (sender, fast, end) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.open("c", .broadcast, by: sender)
        _ = try hub.join(.receive, of: "c", by: end)
        _ = try hub.receive(from: "c", by: fast)
        #expect(try hub.send("x", on: "c", by: sender).isParked)
        _ = hub.takeLateReplies()
        hub.machine.drain()
        #expect(hub.takeLateReplies() == [LateReply(sender, doubt)])
    }
}

extension TestHub {
    fileprivate func isDrained(localCount: Int = 0) -> Bool { machine.isDrained(localCount: localCount) }
}
