import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Following the handoffs, in the pure machine.
@Suite struct TraceTests {
    /// The handoffs among the effects.
    private func handoffs(_ floor: inout Floor) -> [Handoff] {
        floor.news().compactMap { if case .handoff(let handoff) = $0.content { handoff } else { nil } }
    }

    @Test func everyHandoffIsToldAsItHappens() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.apply(.name(channel("boss")), by: a)
        #expect(try floor.trace(by: c, tag: "t").isParked)
        _ = try floor.receive(from: "c", by: b, tag: "r")
        _ = try floor.send("hello", on: "c", by: a)
        _ = try floor.send("job", on: "c", by: a)
        floor.machine.now += 5
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        _ = floor.nack(delivery, by: b)
        _ = try floor.receive(from: "c", by: b, lease: .seconds(1))
        let told = handoffs(&floor)
        #expect(told.map(\.bodyBytes) == [5, 3, 3])
        #expect(told.map(\.attempt) == [nil, 1, 2])
        #expect(told.map(\.time) == [1, 6, 6])
        #expect(told.allSatisfy { $0.sender == "boss" && $0.receiver == "127.0.0.1:2" && $0.droppedBefore == 0 })
    }

    @Test func aBroadcastIsAHandoffToEach() throws {
        var floor = Floor()
        let clients = (0..<3).map { _ in floor.connect() }
        _ = try floor.open("c", .broadcast, by: clients[0])
        _ = try floor.trace(by: clients[0], tag: "t")
        for client in clients.dropFirst() { _ = try floor.receive(from: "c", by: client) }
        _ = try floor.send("x", on: "c", by: clients[0])
        #expect(handoffs(&floor).map(\.receiver) == ["127.0.0.1:2", "127.0.0.1:3"])
    }

    @Test func onlyChannelsThatBeginSoAreFollowed() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.trace("jobs/", by: a, tag: "t")
        for name in ["jobs/1", "job", "jobs/2"] {
            _ = try floor.receive(from: name, by: b)
            _ = try floor.send("x", on: name, by: a)
        }
        #expect(try handoffs(&floor).map(\.channel) == [channel("jobs/1"), channel("jobs/2")])
    }

    @Test func whatDoesNotFitIsDroppedAndCounted() throws {
        var limits = HubLimits()
        limits.outputBytes = 2 * Handoff.outputBytes
        var floor = Floor(limits: limits)
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.trace(by: a, tag: "t")
        for _ in 0..<5 {
            _ = try floor.receive(from: "c", by: b)
            #expect(try floor.send("x", on: "c", by: b) == .done(.ok), "nobody waits for those who trace")
        }
        #expect(handoffs(&floor).map(\.droppedBefore) == [0, 0])
        floor.machine.outputWritten(2 * Handoff.outputBytes, of: a)
        _ = try floor.receive(from: "c", by: b)
        _ = try floor.send("x", on: "c", by: b)
        #expect(handoffs(&floor).map(\.droppedBefore) == [3])
    }

    @Test func itEndsWhenItIsCancelledOrItsClientGoes() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        let trace = try #require(try floor.trace(by: a, tag: "t").parked)
        _ = try floor.trace(by: b, tag: "t")
        _ = try floor.trace(by: c, tag: "t")
        floor.cancel(trace)
        floor.endInput(of: b)
        #expect(floor.news() == [News(a, "t", .cancelled(nil)), News(b, "t", .cancelled("eof"))])
        #expect(try floor.trace(by: b, tag: "t") == .done(.cancelled("eof")))
        floor.disconnect(c)
        _ = try floor.receive(from: "c", by: a, tag: "r")
        _ = try floor.send("x", on: "c", by: a)
        #expect(floor.news().count == 1)
        #expect(floor.machine.tracers.isEmpty)
        floor.expectEmpty()
    }
}
