import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

@Suite("Sends that time out while nobody receives") struct ReceiversOfTimeoutTests {
    /// What others do with the channel, and whether it then has receivers.
    struct Situation: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let hasReceivers: Bool
        let prepare: @Sendable (inout TestHub, ConnectionID) throws -> Void
    }

    private static let situations = [
        Situation(testDescription: "nobody has used it", hasReceivers: false) { _, _ in },
        Situation(testDescription: "a receive has timed out", hasReceivers: false) { hub, other in
            _ = try hub.receive(from: "c", by: other, timeout: .seconds(1))
            hub.pass(.seconds(1))
        },
        Situation(testDescription: "a receiver has disconnected", hasReceivers: false) { hub, other in
            _ = try hub.stream(from: "c", by: other, tag: "1")
            _ = try hub.join(.receive, of: "d", by: other)
            hub.disconnect(other)
        },
        Situation(testDescription: "a message was acknowledged", hasReceivers: false) { hub, other in
            _ = try hub.receive(from: "c", by: other, lease: .seconds(60))
            _ = try hub.send("1", on: "c", by: other, tag: "1")
            let delivery = try #require(hub.takeDeliveries().first)
            _ = hub.ack(delivery, by: other)
        },
        Situation(testDescription: "a sender has joined", hasReceivers: false) { hub, other in
            _ = try hub.join(.send, of: "c", by: other)
        },
        Situation(testDescription: "a message is delayed", hasReceivers: false) { hub, other in
            _ = try hub.send("1", on: "c", by: other, tag: "1", delay: .seconds(60))
        },
        Situation(testDescription: "its buffer is full", hasReceivers: false) { hub, other in
            _ = try hub.open("c", .queue(capacity: 1, overflow: .block), by: other)
            _ = try hub.send("1", on: "c", by: other)
        },
        Situation(testDescription: "a receiver holds a message", hasReceivers: true) { hub, other in
            _ = try hub.receive(from: "c", by: other, tag: "1", lease: .seconds(60))
            _ = try hub.send("1", on: "c", by: other, tag: "2")
        },
        Situation(testDescription: "the window of a receiver is full", hasReceivers: true) { hub, other in
            _ = try hub.stream(from: "c", by: other, tag: "1", lease: .seconds(60), window: 1)
            _ = try hub.send("1", on: "c", by: other, tag: "2")
            let delivery = try #require(hub.takeDeliveries().first)
            _ = hub.nack(delivery, by: other, delay: .seconds(60))
            _ = try hub.send("2", on: "c", by: other, tag: "3")
        },
        Situation(testDescription: "a receiver has joined", hasReceivers: true) { hub, other in
            _ = try hub.join(.receive, of: "c", by: other)
        },
        Situation(testDescription: "a broadcast has too few receivers", hasReceivers: true) { hub, other in
            _ = try hub.open("c", .broadcast, by: other)
            _ = try hub.receive(from: "c", by: other)
        },
    ]

    private func outcomes(_ situation: Situation, understands: Bool, timeout: Duration, isCall: Bool) throws -> Outcome
    {
        var hub = TestHub()
        let (sender, other) = (hub.connect(), hub.connect())
        hub.machine.clients[sender]?.understandsReceivers = understands
        try situation.prepare(&hub, other)
        _ = hub.takeLateReplies()
        let outcome =
            isCall
            ? try hub.call("x", on: "c", by: sender, tag: "s", timeout: timeout)
            : try hub.send("x", on: "c", by: sender, tag: "s", timeout: timeout, until: .taken, need: 2)
        guard case .parked = outcome else { return outcome }
        hub.pass(timeout)
        let replies = hub.takeLateReplies()
        return .done(try #require(replies.first { $0.connection == sender }?.reply))
    }

    @Test(
        "A client that understands it learns whether somebody receives", arguments: situations,
        [Duration.zero, .seconds(1)])
    func itLearns(situation: Situation, timeout: Duration) throws {
        let reply = situation.hasReceivers ? Reply.timeout : .timeoutWithoutReceivers
        #expect(try outcomes(situation, understands: true, timeout: timeout, isCall: false) == .done(reply))
        #expect(try outcomes(situation, understands: false, timeout: timeout, isCall: false) == .done(.timeout))
        if situation.testDescription.contains("broadcast") { return }
        #expect(try outcomes(situation, understands: true, timeout: timeout, isCall: true) == .done(reply))
    }

    @Test("A select and a receive time out without telling who receives")
    func otherCommands() throws {
        var hub = TestHub()
        let client = hub.connect()
        hub.machine.clients[client]?.understandsReceivers = true
        #expect(try hub.receive(from: "c", by: client, timeout: .zero) == .done(.timeout))
        #expect(try hub.select("send c x", by: client, timeout: .zero) == .done(.timeout))
        _ = try hub.select("send c x", by: client, tag: "1", timeout: .seconds(1))
        hub.pass(.seconds(1))
        #expect(hub.takeLateReplies() == [LateReply(client, "1", .timeout)])
    }
}
