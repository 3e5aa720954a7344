import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Traces of handoffs, in the state machine.
@Suite struct TraceTests {
    /// Returns the handoffs among the effects.
    private func handoffs(_ hub: inout TestHub) -> [Handoff] {
        hub.takeLateReplies().compactMap { if case .handoff(let handoff) = $0.content { handoff } else { nil } }
    }

    @Test("A trace reports every handoff when it happens")
    func everyHandoffIsTraced() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.apply(.name(channel("boss")), by: a)
        #expect(try hub.trace(by: c, tag: "t").isParked)
        _ = try hub.receive(from: "c", by: b, tag: "r")
        _ = try hub.send("hello", on: "c", by: a)
        _ = try hub.send("job", on: "c", by: a)
        hub.machine.now += 5
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        _ = hub.nack(delivery, by: b)
        _ = try hub.receive(from: "c", by: b, lease: .seconds(1))
        let traced = handoffs(&hub)
        #expect(traced.map(\.bodyBytes) == [5, 3, 3])
        #expect(traced.map(\.attempt) == [nil, 1, 2])
        #expect(traced.map(\.time) == [1, 6, 6])
        #expect(
            traced.allSatisfy {
                $0.sender == ClientCaption(address: "127.0.0.1:1", label: "boss")
                    && $0.receiver == ClientCaption(address: "127.0.0.1:2", label: nil) && $0.droppedBefore == 0
            })
    }

    @Test("A trace reports a broadcast as one handoff per receiver")
    func aBroadcastIsAHandoffToEach() throws {
        var hub = TestHub()
        let clients = (0..<3).map { _ in hub.connect() }
        _ = try hub.open("c", .broadcast, by: clients[0])
        _ = try hub.trace(by: clients[0], tag: "t")
        for client in clients.dropFirst() { _ = try hub.receive(from: "c", by: client) }
        _ = try hub.send("x", on: "c", by: clients[0])
        #expect(handoffs(&hub).map(\.receiver.address) == ["127.0.0.1:2", "127.0.0.1:3"])
    }

    @Test("A trace with a prefix reports only channels with that prefix")
    func aPrefixSelectsTheTracedChannels() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.trace("jobs/", by: a, tag: "t")
        for name in ["jobs/1", "job", "jobs/2"] {
            _ = try hub.receive(from: name, by: b)
            _ = try hub.send("x", on: name, by: a)
        }
        #expect(try handoffs(&hub).map(\.channel) == [channel("jobs/1"), channel("jobs/2")])
    }

    @Test("Handoffs for which a trace has no credit are dropped and counted")
    func handoffsWithoutCreditAreDropped() throws {
        var limits = HubLimits()
        limits.outputBytes = 2 * Handoff.outputBytes
        var hub = TestHub(limits: limits)
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.trace(by: a, tag: "t")
        for _ in 0..<5 {
            _ = try hub.receive(from: "c", by: b)
            #expect(try hub.send("x", on: "c", by: b) == .done(.ok), "a trace holds up no client")
        }
        #expect(handoffs(&hub).map(\.droppedBefore) == [0, 0])
        hub.machine.outputWritten(2 * Handoff.outputBytes, of: a)
        _ = try hub.receive(from: "c", by: b)
        _ = try hub.send("x", on: "c", by: b)
        #expect(handoffs(&hub).map(\.droppedBefore) == [3])
    }

    @Test("A trace ends when it is cancelled, or its client half-closes or disconnects")
    func aTraceEnds() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        let trace = try #require(try hub.trace(by: a, tag: "t").parked)
        _ = try hub.trace(by: b, tag: "t")
        _ = try hub.trace(by: c, tag: "t")
        hub.cancel(trace)
        hub.endInput(of: b)
        #expect(hub.takeLateReplies() == [LateReply(a, "t", .cancelled(nil)), LateReply(b, "t", .cancelled("eof"))])
        #expect(try hub.trace(by: b, tag: "t") == .done(.cancelled("eof")))
        hub.disconnect(c)
        _ = try hub.receive(from: "c", by: a, tag: "r")
        _ = try hub.send("x", on: "c", by: a)
        #expect(hub.takeLateReplies().count == 1)
        #expect(hub.machine.tracers.isEmpty)
        hub.expectEmpty()
    }
}
