import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// `REJECT`: a receiver rejects a message.
@Suite struct RejectTests {
    private let second = Duration.seconds(1)

    @Test("A rejected message is gone, and its sender gets the reason", arguments: [nil, "bad input"])
    func aRejectedMessageIsGone(reason: String?) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.send("1", on: "c", by: a, tag: "1").isParked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.reject(delivery, reason, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", try .rejected("c", because: reason))])
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.reject(delivery, by: b).refusal == .stale)
        hub.expectEmpty()
    }

    @Test("A rejection by another connection, or after the end of the lease, is stale")
    func aStaleRejection() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.send("1", on: "c", by: a, tag: "1").isParked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.reject(delivery, by: a).refusal == .stale)
        hub.pass(second)
        #expect(hub.reject(delivery, by: b).refusal == .stale)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
    }

    @Test("Every sender of a rejected id gets REJECTED, and so does a later one")
    func aRepeatedSendIsRejectedAgain() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for tag in ["1", "2"] { #expect(try hub.send("1", on: "c", by: a, tag: tag, id: "k").isParked) }
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.reject(delivery, "no", by: b) == .done(.ok))
        let rejected = try Reply.rejected("c", because: "no")
        #expect(hub.takeLateReplies() == ["1", "2"].map { LateReply(a, $0, rejected) })
        #expect(try hub.send("1", on: "c", by: a, id: "k") == .done(rejected))
        #expect(try hub.select("send id=k c 1", by: a) == .done(.rejected("c", because: "no", arm: 0)))
        hub.pass(HubLimits().sendMemoryLife + second)
        hub.expectEmpty()
        #expect(try hub.send("1", on: "c", by: a, tag: "3", id: "k").isParked, "the id is forgotten")
    }

    @Test("A message that its channel has accepted can be rejected")
    func aKeptMessageIsRejected() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        #expect(try hub.send("1", on: "c", by: a, id: "k") == .done(.ok))
        #expect(try hub.send("1", on: "c", by: a, tag: "u", id: "k", until: .taken).isParked)
        #expect(try hub.send("2", on: "c", by: a, tag: "2").isParked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.reject(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .ok), LateReply(a, "u", try .rejected("c"))])
        #expect(try hub.send("1", on: "c", by: a, id: "k") == .done(.duplicate), "it was accepted")
        #expect(try hub.send("1", on: "c", by: a, id: "k", until: .taken) == .done(.rejected("c")))
        #expect(hub.machine.totals.keptMessages == 1)
    }

    @Test("A select whose message is rejected ends with REJECTED", arguments: [false, true])
    func aSelectIsRejected(hasElse: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.receive(from: "c", by: b, lease: second).isParked)
        if hasElse {
            #expect(try hub.select("recv d", "send c 1", "else", by: a, tag: "s").isParked)
        } else {
            #expect(try hub.select("recv d", "send c 1", by: a, tag: "s").isParked)
        }
        let delivery = try #require(hub.takeDeliveries().first)
        #expect(hub.reject(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", try .rejected("c", arm: 1))])
        hub.expectEmpty()
    }

    @Test("A message can be rejected on a poisoned channel, and while the hub drains", arguments: [false, true])
    func aRejectionAtTheEnd(drains: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.send("1", on: "c", by: a, tag: "1").isParked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        if drains { hub.machine.drain() } else { _ = try hub.poison("c", by: a) }
        #expect(hub.reject(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies().filter { $0.reply != nil } == [LateReply(a, "1", try .rejected("c"))])
    }
}
