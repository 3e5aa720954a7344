import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Leases on channels with buffers, and on the kinds of channels that have none.
@Suite struct LeasedChannelTests {
    private let second = Duration.seconds(1)

    @Test("A leased message counts against the capacity of its buffer")
    func aLeasedMessageCountsAgainstTheCapacity() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        #expect(try hub.send("1", on: "c", by: a) == .done(.ok))
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(try hub.send("2", on: "c", by: a, tag: "2").isParked)
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies().isEmpty)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .ok)])
        #expect(hub.machine.totals.keptMessages == 1)
    }

    @Test("A message for a parked leased receive is accepted while the buffer has capacity")
    func aLeasedReceiveOnABufferAnswersTheSender() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        for tag in ["r", "t"] { _ = try hub.receive(from: "c", by: b, tag: tag, lease: second) }
        #expect(try hub.send("1", on: "c", by: a) == .done(.ok))
        #expect(try hub.send("2", on: "c", by: a, tag: "2").isParked, "the leased message uses the capacity")
        let held = hub.takeDeliveries()
        #expect(hub.ack(held[0], by: b) == .done(.ok))
        #expect(hub.takeLateReplies().isEmpty, "the other leased message can still come back")
        #expect(hub.ack(held[1], by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .ok)])
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("A message that comes back to a full drop-oldest buffer is dropped")
    func aReturnedMessageIsDroppedFromAFullBuffer() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, .dropOldest), by: a)
        _ = try hub.send("1", on: "c", by: a)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(try hub.send("2", on: "c", by: a) == .done(.ok))
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("2", from: "c")))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test(
        "Of messages that come back to a drop-oldest buffer, the latest stay, in whatever order they come",
        arguments: [true, false])
    func theLatestOfReturnedMessagesStay(oldestFirst: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, .dropOldest), by: a)
        for tag in ["r", "t"] { _ = try hub.receive(from: "c", by: b, tag: tag, lease: second) }
        for text in ["0", "1"] { #expect(try hub.send(text, on: "c", by: a) == .done(.ok)) }
        let held = hub.takeDeliveries()
        for delivery in oldestFirst ? held : held.reversed() { #expect(hub.nack(delivery, by: b) == .done(.ok)) }
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("Leased receivers do not make a drop-newest channel keep more than its capacity")
    func aDropNewestChannelKeepsItsCapacity() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, .dropNewest), by: a)
        for tag in ["r", "s", "t"] { _ = try hub.receive(from: "c", by: b, tag: tag, lease: second) }
        #expect(try hub.send("0", on: "c", by: a) == .done(.ok))
        #expect(try hub.send("1", on: "c", by: a, tag: "1").isParked)
        #expect(try hub.send("2", on: "c", by: a, tag: "2", until: .taken).isParked)
        hub.takeDeliveries().forEach { _ = hub.nack($0, by: b) }
        #expect(
            hub.takeLateReplies() == [
                LateReply(a, "1", .dropped), LateReply(a, "2", .cancelled("dropped")),
            ])
        #expect(hub.machine.channelsReport(prefix: nil).channels.map(\.buffered) == [1])
        #expect(try hub.receive(from: "c", by: b) == .done(.message("0", from: "c")))
    }

    @Test("A message that comes back to a buffer with space is accepted")
    func aReturnedMessageUsesFreeSpace() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        for tag in ["r", "s"] { _ = try hub.receive(from: "c", by: b, tag: tag, lease: second) }
        #expect(try hub.send("0", on: "c", by: a) == .done(.ok))
        #expect(try hub.send("1", on: "c", by: a, tag: "1").isParked)
        let held = hub.takeDeliveries()
        #expect(hub.ack(held[0], by: b) == .done(.ok))
        #expect(hub.nack(held[1], by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok)])
        #expect(hub.machine.totals.keptMessages == 1)
    }

    @Test("A buffer that is full of returned messages shows its capacity, and the rest as senders")
    func aFullBufferShowsItsCapacity() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        for tag in ["r", "s"] { _ = try hub.receive(from: "c", by: b, tag: tag, lease: second) }
        #expect(try hub.send("0", on: "c", by: a) == .done(.ok))
        #expect(try hub.send("1", on: "c", by: a, tag: "1", until: .taken).isParked)
        hub.takeDeliveries().forEach { _ = hub.nack($0, by: b) }
        let report = try #require(hub.machine.channelsReport(prefix: nil).channels.first)
        #expect((report.buffered, report.senders) == (1, 1))
    }

    @Test("A returned message is the oldest one in a drop-oldest buffer")
    func aReturnedMessageIsTheOldest() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(2, .dropOldest), by: a)
        for text in ["1", "2"] { _ = try hub.send(text, on: "c", by: a) }
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(try hub.send("3", on: "c", by: a) == .done(.ok))
        for text in ["2", "3"] {
            #expect(try hub.receive(from: "c", by: b) == .done(.message(text, from: "c")))
        }
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("Broadcast and once channels refuse leases")
    func broadcastAndOnceChannelsHaveNoLeases() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.open("b", .broadcast, by: a)
        _ = try hub.open("v", .once, by: a)
        _ = try hub.send("value", on: "v", by: a)
        for name in ["b", "v"] {
            #expect(try hub.receive(from: name, by: a, lease: second).refusal == .conflict)
            #expect(try hub.stream(from: name, by: a, tag: "r", lease: second).refusal == .conflict)
            #expect(try hub.select("recv lease=1s \(name)", "recv c", by: a).refusal == .conflict)
        }
        _ = try hub.close("v", by: a)
        #expect(
            try hub.receive(from: "v", by: a, lease: second).refusal == .conflict, "the value still has many receivers")
        #expect(try hub.receive(from: "v", by: a) == .done(.message("value", from: "v")))
    }
}
