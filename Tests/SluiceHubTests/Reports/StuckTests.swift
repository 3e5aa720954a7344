import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// The cycles of waiting that `STUCK` reports.
@Suite struct StuckTests {
    /// A cycle as tests compare it: how sure it is, and who waits how for which channel.
    private struct Cycle: Equatable {
        let certainty: WaitCycle.Certainty
        let steps: [String]

        init(_ certainty: WaitCycle.Certainty, _ steps: String...) {
            self.certainty = certainty
            self.steps = steps
        }

        init(_ cycle: WaitCycle) {
            certainty = cycle.certainty
            steps = cycle.steps.map { "\($0.client) \($0.operation.rawValue) \($0.channel) \($0.waitsFor)" }
        }
    }

    private func cycles(_ floor: borrowing Floor) -> [Cycle] { floor.machine.stuckReport().cycles.map(Cycle.init) }

    /// Two clients, of which each is the only sender to the other one, and waits for it.
    private func makeStuck(_ floor: inout Floor, tag: String? = nil, timeout: Duration? = nil) throws -> [ConnectionID]
    {
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.join(.send, of: "c", by: a)
        _ = try floor.join(.send, of: "d", by: b)
        _ = try floor.receive(from: "d", by: a, tag: tag, timeout: timeout)
        floor.machine.now += 1
        _ = try floor.receive(from: "c", by: b)
        return [a, b]
    }

    private let proved = Cycle(
        .proved, "127.0.0.1:1 recv d 127.0.0.1:2", "127.0.0.1:2 recv c 127.0.0.1:1")

    @Test func declaredEndsProveACycle() throws {
        var floor = Floor()
        _ = try makeStuck(&floor)
        #expect(cycles(floor) == [proved])
    }

    @Test func nobodyIsStuckWhileSomebodyElseMayHelp() throws {
        var floor = Floor()
        _ = try makeStuck(&floor)
        let c = floor.connect()
        _ = try floor.join(.send, of: "d", by: c)
        #expect(cycles(floor).isEmpty)
        _ = try floor.receive(from: "c", by: c)
        #expect(cycles(floor) == [proved], "who could help waits too")
    }

    @Test func whatEndsByItselfOrLeavesItsClientFreeProvesNothing() throws {
        for (tag, timeout) in [("t", nil), (nil, Duration.seconds(1))] {
            var floor = Floor()
            _ = try makeStuck(&floor, tag: tag, timeout: timeout)
            #expect(cycles(floor).map(\.certainty) == [.possible])
        }
    }

    @Test func whoHasUsedAChannelMayBeTheOneThatIsWaitedFor() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("x", on: "c", by: a, timeout: .zero)
        _ = try floor.send("x", on: "d", by: b, timeout: .zero)
        _ = try floor.receive(from: "d", by: a)
        #expect(cycles(floor).isEmpty)
        floor.machine.now += 1
        _ = try floor.receive(from: "c", by: b)
        #expect(
            cycles(floor) == [
                Cycle(.possible, "127.0.0.1:1 recv d 127.0.0.1:2", "127.0.0.1:2 recv c 127.0.0.1:1")
            ])
        _ = try floor.send("x", on: "c", by: floor.connect(), timeout: .zero)
        #expect(cycles(floor).isEmpty, "it was given to the one, which can give to the other")
    }

    @Test func aChannelThatNobodyElseHasUsedIsNoCycle() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.receive(from: "c", by: a, tag: "1")
        _ = try floor.send("x", on: "d", by: a, tag: "2")
        #expect(cycles(floor).isEmpty)
    }

    @Test func aClientMayWaitForItself() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.join(.send, of: "c", by: a)
        _ = try floor.receive(from: "c", by: a)
        #expect(cycles(floor) == [Cycle(.proved, "127.0.0.1:1 recv c 127.0.0.1:1")])
    }

    @Test func whoCouldHelpBesidesTheClientItselfIsTheOneThatIsWaitedFor() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for client in [a, b] {
            for channel in ["c", "d"] { _ = try floor.join(.send, of: channel, by: client) }
        }
        _ = try floor.receive(from: "d", by: a)
        floor.machine.now += 1
        _ = try floor.receive(from: "c", by: b)
        #expect(cycles(floor) == [proved])
    }

    @Test func aSelectIsStuckOnlyIfAllItsArmsAre() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.join(.send, of: "c", by: a)
        _ = try floor.join(.send, of: "d", by: b)
        _ = try floor.join(.send, of: "e", by: c)
        _ = try floor.select("recv d", "recv e", by: a)
        _ = try floor.receive(from: "c", by: b)
        #expect(cycles(floor).isEmpty)
        _ = try floor.receive(from: "c", by: c)
        #expect(cycles(floor).map(\.certainty) == [.proved])
    }

    @Test func aSenderMayWaitForWhoHoldsItsMessage() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a)
        _ = try floor.receive(from: "c", by: b, lease: .seconds(10))
        floor.machine.now += 1
        _ = try floor.send("x", on: "d", by: a, timeout: .zero)
        _ = try floor.receive(from: "d", by: b)
        #expect(
            cycles(floor) == [
                Cycle(.possible, "127.0.0.1:1 lease c 127.0.0.1:2", "127.0.0.1:2 recv d 127.0.0.1:1")
            ])
    }

    @Test func thoseAtABarrierWaitForEachOther() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        // Each has been at the barrier where the other one waits now.
        _ = try floor.barrier("g", 2, by: b, timeout: .zero)
        _ = try floor.barrier("h", 2, by: a, timeout: .zero)
        _ = try floor.barrier("g", 2, by: a)
        floor.machine.now += 1
        _ = try floor.barrier("h", 2, by: b)
        #expect(
            cycles(floor) == [
                Cycle(.possible, "127.0.0.1:1 barrier g 127.0.0.1:2", "127.0.0.1:2 barrier h 127.0.0.1:1")
            ])
    }

    @Test func whoWaitsForSomebodyInACycleIsNotPartOfIt() throws {
        var floor = Floor()
        let outside = floor.connect()
        let stuck = try makeStuck(&floor)
        _ = try floor.join(.send, of: "e", by: stuck[0])
        _ = try floor.receive(from: "e", by: outside)
        let found = floor.machine.stuckReport().cycles
        #expect(found.count == 1)
        #expect(found.first?.steps.map(\.client) == ["127.0.0.1:2", "127.0.0.1:3"])
    }

    @Test func aLongCycleIsTold() throws {
        var floor = Floor()
        let count = 1000
        let clients = (0..<count).map { _ in floor.connect() }
        for (number, client) in clients.enumerated() {
            _ = try floor.join(.send, of: "c\(number)", by: client)
            _ = try floor.receive(from: "c\((number + 1) % count)", by: client)
        }
        #expect(floor.machine.stuckReport().cycles.map(\.steps.count) == [count])
        floor.disconnect(clients[500])
        #expect(cycles(floor).isEmpty)
    }
}
