import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Connections that count as ends of channels, in the pure machine.
@Suite struct DeclaredEndTests {
    @Test func theLastSenderToLeaveClosesTheChannel() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        for sender in [a, b] { #expect(try floor.join(.send, of: "c", by: sender) == .done(.ok)) }
        _ = try floor.send("x", on: "c", by: c, tag: "s")
        #expect(try floor.leave(.send, of: "c", by: a) == .done(.ok))
        #expect(floor.news().isEmpty)
        #expect(try floor.leave(.send, of: "c", by: b) == .done(.ok))
        #expect(try floor.receive(from: "c", by: c) == .done(.message("x", from: "c")), "what is there is received")
        let end = try Reply.closed("c", because: "its last sender has gone")
        #expect(try floor.receive(from: "c", by: c) == .done(end))
        #expect(try floor.send("y", on: "c", by: c) == .done(end))
    }

    @Test func theLastReceiverToLeaveRefusesSenders() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        _ = try floor.join(.receive, of: "c", by: b)
        _ = try floor.send("kept", on: "c", by: a)
        _ = try floor.send("1", on: "c", by: a, tag: "1")
        let end = try Reply.closed("c", because: "its last receiver has gone")
        #expect(try floor.leave(.receive, of: "c", by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "1", end)])
        #expect(try floor.receive(from: "c", by: a) == .done(end), "what was kept is gone")
        #expect(floor.machine.totals.keptMessages == 0)
    }

    @Test func whatComesBackAfterTheLastReceiverIsRefused() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.join(.receive, of: "c", by: b)
        _ = try floor.send("1", on: "c", by: a, tag: "1")
        let delivery = try #require(try floor.receive(from: "c", by: c, lease: .seconds(1)).delivery)
        _ = try floor.leave(.receive, of: "c", by: b)
        #expect(floor.news().isEmpty)
        #expect(floor.nack(delivery, by: c) == .done(.ok))
        #expect(try floor.news() == [News(a, "1", .closed("c", because: "its last receiver has gone"))])
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    @Test func leavingIsForThoseWhoHaveJoined() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.leave(.send, of: "c", by: a).refusal == .notFound)
        _ = try floor.join(.send, of: "c", by: a)
        #expect(try floor.leave(.receive, of: "c", by: a).refusal == .notFound)
        #expect(try floor.leave(.send, of: "c", by: b).refusal == .notFound)
        #expect(floor.machine.channels.count == 1)
    }

    @Test func joiningTwiceIsOneEnd() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for _ in 0..<3 { #expect(try floor.join(.send, of: "c", by: a, onDeath: .poison) == .done(.ok)) }
        #expect(try floor.join(.send, of: "c", by: a, onDeath: .retire) == .done(.ok), "which says how it goes")
        floor.disconnect(a)
        #expect(try floor.receive(from: "c", by: b) == .done(.closed("c", because: "its last sender has gone")))
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    @Test func aConnectionMayBeBothEnds() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.join(.send, of: "c", by: a)
        _ = try floor.join(.receive, of: "c", by: a)
        #expect(floor.machine.clientsReport().clients.map(\.ends) == [2])
        floor.disconnect(a)
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    // MARK: Death

    @Test(arguments: [ChannelEnd.Side.send, .receive])
    func aLostConnectionPoisonsWhatItSaidItWould(_ side: ChannelEnd.Side) throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.join(side, of: "c", by: a, onDeath: .poison)
        _ = try floor.join(side, of: "c", by: b)
        _ = try floor.receive(from: "c", by: c, tag: "r")
        floor.disconnect(a)
        let person = side == .send ? "sender" : "receiver"
        #expect(try floor.news() == [News(c, "r", .poisoned("c", because: "its \(person) has died"))])
        floor.disconnect(b)
        floor.pass(.seconds(100))
        floor.expectEmpty()
    }

    @Test func whoGoesInOrderOnlyRetires() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.join(.send, of: "c", by: a, onDeath: .poison)
        _ = try floor.receive(from: "c", by: b, tag: "r")
        floor.disconnect(a, isOrderly: true)
        #expect(try floor.news() == [News(b, "r", .closed("c", because: "its last sender has gone"))])
    }

    @Test func theLeasesOfALostReceiverGoBackBeforeItLeaves() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        for client in [b, c] { _ = try floor.join(.receive, of: "c", by: client) }
        _ = try floor.send("1", on: "c", by: a, tag: "s")
        _ = try floor.receive(from: "c", by: b, lease: .seconds(1))
        floor.disconnect(b)
        #expect(try floor.receive(from: "c", by: c) == .done(.message("1", from: "c")))
        #expect(floor.news() == [News(a, "s", .ok)])
    }

    // MARK: Channels that have ended

    @Test func anEndOfAnEndedChannelIsNoEndOfTheNextOne() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.join(.send, of: "c", by: a)
        _ = try floor.close("c", by: b)
        _ = try floor.open("c", .buffer(1), by: b)
        #expect(try floor.join(.send, of: "c", by: a) == .done(.ok))
        #expect(floor.machine.clientsReport().clients.first?.ends == 1)
        #expect(try floor.leave(.send, of: "c", by: a) == .done(.ok))
        #expect(try floor.send("x", on: "c", by: b) == .done(.closed("c", because: "its last sender has gone")))
    }

    @Test func leavingAnEndedChannelWhoseNameIsFreeChangesNothing() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.join(.send, of: "c", by: a)
        _ = try floor.close("c", by: b)
        floor.pass(.seconds(100))
        #expect(floor.machine.channels.count == 0)
        #expect(try floor.leave(.send, of: "c", by: a) == .done(.ok))
        #expect(floor.machine.channels.count == 0)
        #expect(floor.machine.channels.tombstoneCount == 0)
        #expect(floor.machine.nextDeadline == nil)
    }
}
