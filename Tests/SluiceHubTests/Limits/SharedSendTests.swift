import SluiceWire
import Testing

@testable import SluiceHub

/// Selects that send a message which another client has sent already, and waits with, under the same id.
@Suite struct SharedSendTests {
    private let most = AttachedSenders.mostUncommitted

    @Test("A bounded number of selects waits with the id of a pending send, and all of them commit to it together")
    func selectsAreCommittedTogether() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        #expect(try hub.send("x", on: "c", by: a, tag: "s", id: "i").isParked)
        let parked = try (0..<most).map {
            try #require(try hub.select("send id=i c x", "recv d\($0)", by: a, tag: "\($0)").parked)
        }
        #expect(try hub.select("send id=i c x", "recv e", by: a, tag: "more") == .done(.maybe("limit")))
        hub.cancel(parked[7])
        #expect(try hub.select("send id=i c x", "recv d7", by: a, tag: "again").isParked)
        _ = hub.takeLateReplies()
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(9)).delivery)
        // Further sends wait for the end of the lease.
        #expect(try hub.select("send id=i c x", "recv e", by: a, tag: "late").isParked)
        for number in 0..<most {
            #expect(try hub.send("y", on: "d\(number)", by: b, timeout: .zero) == .done(.timeout))
        }
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies().count == most + 2)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("Selects that no longer wait with an id leave nothing behind, and make room for others")
    func selectsThatHaveEnded() throws {
        var hub = TestHub()
        let a = hub.connect()
        let first = try #require(try hub.send("x", on: "c", by: a, tag: "s", id: "i").parked)
        _ = try hub.send("x", on: "c", by: a, tag: "t", id: "i")
        for number in 0..<3 * most {
            let select = try #require(try hub.select("send id=i c x", "recv d", by: a, tag: "\(number)").parked)
            hub.cancel(select)
        }
        guard case .send(_, let offer, _)? = hub.machine.operations[first]?.wait else {
            Issue.record("the send does not wait")
            return
        }
        #expect(offer.attached?.uncommittedCount == 0)
        hub.cancel(first)
        #expect(offer.sender?.arm == nil)
    }

    @Test("A select that becomes the first sender of a message commits to it like others")
    func firstSender() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        let first = try #require(try hub.send("x", on: "c", by: a, tag: "s", id: "i").parked)
        _ = try hub.select("send id=i c x", "recv d", by: a, tag: "1")
        _ = try hub.select("send id=i c x", "recv d", by: a, tag: "2")
        hub.cancel(first)
        _ = hub.takeLateReplies()
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(9)).delivery)
        #expect(try hub.send("y", on: "d", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies().count == 2)
    }

    @Test("A channel with very many counted receives becomes a broadcast only if none of them is paused")
    func broadcastOfManyCountedReceives() throws {
        var hub = TestHub(limits: limits { $0.outputBytes = 1000 })
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        for number in 0..<10_001 { _ = try hub.stream(from: "c", by: a, tag: "\(number)") }
        // Without credit, the receive that got these is paused.
        for _ in 0..<20 { _ = try hub.send("x", on: "c", by: b, timeout: .zero) }
        let found = hub.machine.channels.existing(try channel("c"))
        let row = hub.machine.report(of: try #require(found), for: .complete)
        #expect(row.receivers == 10_001)
        #expect(try hub.open("c", .broadcast, by: b).refusal == .conflict)
        hub.machine.outputWritten(20_000, of: a)
        #expect(try hub.open("c", .broadcast, by: b) == .done(.ok))
        #expect(try hub.send("y", on: "c", by: b, tag: "s") == .done(.ok(receivers: 10_001)))
    }
}
