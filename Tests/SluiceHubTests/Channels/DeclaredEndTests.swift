import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Connections that have joined channels as senders or receivers, in the state machine.
@Suite struct DeclaredEndTests {
    @Test("A channel closes when its last joined sender leaves")
    func theLastSenderToLeaveClosesTheChannel() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        for sender in [a, b] { #expect(try hub.join(.send, of: "c", by: sender) == .done(.ok)) }
        _ = try hub.send("x", on: "c", by: c, tag: "s")
        #expect(try hub.leave(.send, of: "c", by: a) == .done(.ok))
        #expect(hub.takeLateReplies().isEmpty)
        #expect(try hub.leave(.send, of: "c", by: b) == .done(.ok))
        #expect(
            try hub.receive(from: "c", by: c) == .done(.message("x", from: "c")), "a parked message is still received")
        let end = try Reply.closed("c", because: "its last sender has gone")
        #expect(try hub.receive(from: "c", by: c) == .done(end))
        #expect(try hub.send("y", on: "c", by: c) == .done(end))
    }

    @Test("When the last joined receiver leaves, the channel ends and its senders are answered CLOSED")
    func theLastReceiverToLeaveRefusesSenders() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        _ = try hub.join(.receive, of: "c", by: b)
        _ = try hub.send("kept", on: "c", by: a)
        _ = try hub.send("1", on: "c", by: a, tag: "1")
        let end = try Reply.closed("c", because: "its last receiver has gone")
        #expect(try hub.leave(.receive, of: "c", by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", end)])
        #expect(try hub.receive(from: "c", by: a) == .done(end), "the kept message is gone")
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("A message that comes back after the last receiver left is answered CLOSED")
    func aNackAfterTheLastReceiverIsAnsweredClosed() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.join(.receive, of: "c", by: b)
        _ = try hub.send("1", on: "c", by: a, tag: "1")
        let delivery = try #require(try hub.receive(from: "c", by: c, lease: .seconds(1)).delivery)
        _ = try hub.leave(.receive, of: "c", by: b)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.nack(delivery, by: c) == .done(.ok))
        #expect(try hub.takeLateReplies() == [LateReply(a, "1", .closed("c", because: "its last receiver has gone"))])
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    @Test("LEAVE without a JOIN of the same side is an error")
    func leavingNeedsJoining() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.leave(.send, of: "c", by: a).refusal == .notFound)
        _ = try hub.join(.send, of: "c", by: a)
        #expect(try hub.leave(.receive, of: "c", by: a).refusal == .notFound)
        #expect(try hub.leave(.send, of: "c", by: b).refusal == .notFound)
        #expect(hub.machine.channels.count == 1)
    }

    @Test("Joining a side again is one end with the last death policy")
    func joiningTwiceIsOneEnd() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for _ in 0..<3 { #expect(try hub.join(.send, of: "c", by: a, onDeath: .poison) == .done(.ok)) }
        #expect(try hub.join(.send, of: "c", by: a, onDeath: .retire) == .done(.ok), "the last policy holds")
        hub.disconnect(a)
        #expect(try hub.receive(from: "c", by: b) == .done(.closed("c", because: "its last sender has gone")))
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    @Test("A connection can be a sender and a receiver of a channel")
    func aConnectionMayBeBothEnds() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.join(.send, of: "c", by: a)
        _ = try hub.join(.receive, of: "c", by: a)
        #expect(hub.machine.clientsReport().clients.map(\.ends) == [2])
        hub.disconnect(a)
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    // MARK: Death

    @Test(
        "A lost connection poisons the channels that it joined with that policy",
        arguments: [ChannelEnd.Side.send, .receive])
    func aLostConnectionPoisonsItsChannels(_ side: ChannelEnd.Side) throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.join(side, of: "c", by: a, onDeath: .poison)
        _ = try hub.join(side, of: "c", by: b)
        _ = try hub.receive(from: "c", by: c, tag: "r")
        hub.disconnect(a)
        let person = side == .send ? "sender" : "receiver"
        #expect(try hub.takeLateReplies() == [LateReply(c, "r", .poisoned("c", because: "its \(person) has died"))])
        hub.disconnect(b)
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    @Test("An orderly disconnect retires an end instead of poisoning the channel")
    func anOrderlyDisconnectDoesNotPoison() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.join(.send, of: "c", by: a, onDeath: .poison)
        _ = try hub.receive(from: "c", by: b, tag: "r")
        hub.disconnect(a, isOrderly: true)
        #expect(try hub.takeLateReplies() == [LateReply(b, "r", .closed("c", because: "its last sender has gone"))])
    }

    @Test("The leased messages of a lost receiver come back before its end is retired")
    func theLeasesOfALostReceiverGoBackBeforeItLeaves() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        for client in [b, c] { _ = try hub.join(.receive, of: "c", by: client) }
        _ = try hub.send("1", on: "c", by: a, tag: "s")
        _ = try hub.receive(from: "c", by: b, lease: .seconds(1))
        hub.disconnect(b)
        #expect(try hub.receive(from: "c", by: c) == .done(.message("1", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
    }

    // MARK: Ended channels

    @Test("An end of a closed channel does not count for the next channel of that name")
    func anEndOfAnEndedChannelIsNoEndOfTheNextOne() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.join(.send, of: "c", by: a)
        _ = try hub.close("c", by: b)
        _ = try hub.open("c", .buffer(1), by: b)
        #expect(try hub.join(.send, of: "c", by: a) == .done(.ok))
        #expect(hub.machine.clientsReport().clients.first?.ends == 1)
        #expect(try hub.leave(.send, of: "c", by: a) == .done(.ok))
        #expect(try hub.send("x", on: "c", by: b) == .done(.closed("c", because: "its last sender has gone")))
    }

    @Test("Leaving a closed channel whose name is free again changes nothing")
    func leavingAnEndedChannelWhoseNameIsFreeChangesNothing() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.join(.send, of: "c", by: a)
        _ = try hub.close("c", by: b)
        hub.pass(.seconds(100))
        #expect(hub.machine.channels.count == 0)
        #expect(try hub.leave(.send, of: "c", by: a) == .done(.ok))
        #expect(hub.machine.channels.count == 0)
        #expect(hub.machine.channels.tombstoneCount == 0)
        #expect(hub.machine.nextDeadline == .max)
    }
}
