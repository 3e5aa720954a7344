import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// `OK kept=yes`, for clients that have named the addition `kept`.
@Suite struct KeptReplyTests {
    private let second = Duration.seconds(1)
    private static let kept = Reply.ok([Attribute(.kept, flag: true)])

    @Test(
        "A send whose message the channel keeps gets kept=yes, if its client has asked for that",
        arguments: [false, true])
    func aKeptMessage(asks: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        if asks { hub.machine.clients[a]?.understand([.kept]) }
        let kept = asks ? Self.kept : .ok
        _ = try hub.open("c", .buffer(2), by: b)
        #expect(try hub.send("1", on: "c", by: a) == .done(kept))
        #expect(try hub.send("2", on: "c", by: a, delay: second) == .done(kept))
        #expect(try hub.send("3", on: "c", by: a, tag: "3").isParked)
        #expect(try hub.select("send c 4", "recv d", by: a, tag: "4").isParked)
        _ = try hub.receive(from: "c", by: b)
        #expect(hub.takeLateReplies() == [LateReply(a, "3", kept)])
        hub.pass(second)
        _ = try hub.receive(from: "c", by: b)
        let arm = Reply.ok(Attributes((asks ? [Attribute(.kept, flag: true)] : []) + [Attribute(.arm, 0)]))
        #expect(hub.takeLateReplies() == [LateReply(a, "4", arm)])
        _ = try hub.open("once", .once, by: b)
        #expect(try hub.send("5", on: "once", by: a) == .done(kept))
    }

    @Test("A message that a receiver gets for good is not kept, and one under a lease still is")
    func aTakenMessage() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        hub.machine.clients[a]?.understand([.kept])
        #expect(try hub.receive(from: "rendezvous", by: b).isParked)
        #expect(try hub.send("1", on: "rendezvous", by: a) == .done(.ok))
        _ = try hub.open("c", .buffer(1), by: b)
        #expect(try hub.receive(from: "c", by: b).isParked)
        #expect(try hub.send("1", on: "c", by: a) == .done(.ok))
        #expect(try hub.send("2", on: "c", by: a, tag: "2", until: .taken).isParked)
        _ = hub.takeLateReplies()
        _ = try hub.receive(from: "c", by: b)
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .ok)])
        #expect(try hub.receive(from: "c", by: b, lease: second).isParked)
        #expect(try hub.send("3", on: "c", by: a) == .done(Self.kept))
        _ = try hub.open("once", .once, by: b)
        #expect(try hub.receive(from: "once", by: b).isParked)
        #expect(try hub.send("4", on: "once", by: a) == .done(.ok))
    }

    @Test("A repeated send gets kept=yes as long as the channel keeps the first message")
    func aRepeatedSend() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        hub.machine.clients[a]?.understand([.kept])
        _ = try hub.open("c", .buffer(1), by: b)
        #expect(try hub.send("1", on: "c", by: a, id: "k") == .done(Self.kept))
        let both = Reply.ok([Attribute(.duplicate, flag: true), Attribute(.kept, flag: true)])
        #expect(try hub.send("1", on: "c", by: a, id: "k") == .done(both))
        #expect(try hub.send("1", on: "c", by: b, id: "k") == .done(.duplicate))
        _ = try hub.receive(from: "c", by: b)
        #expect(try hub.send("1", on: "c", by: a, id: "k") == .done(.duplicate))
    }
}
