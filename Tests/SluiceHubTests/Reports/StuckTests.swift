import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// The cycles of waiting clients that `STUCK` reports.
@Suite struct StuckTests {
    /// A cycle in a form that is easy to compare: its certainty, and one text for each step.
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

    private func cycles(_ hub: borrowing TestHub) -> [Cycle] { hub.machine.stuckReport().cycles.map(Cycle.init) }

    /// Connects two clients, each of which is the only sender to the other and waits for it.
    private func makeStuck(_ hub: inout TestHub, tag: String? = nil, timeout: Duration? = nil) throws -> [ConnectionID]
    {
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.join(.send, of: "c", by: a)
        _ = try hub.join(.send, of: "d", by: b)
        _ = try hub.receive(from: "d", by: a, tag: tag, timeout: timeout)
        hub.machine.now += 1
        _ = try hub.receive(from: "c", by: b)
        return [a, b]
    }

    private let proved = Cycle(
        .proved, "127.0.0.1:1 recv d 127.0.0.1:2", "127.0.0.1:2 recv c 127.0.0.1:1")

    @Test("Joined ends prove a cycle")
    func declaredEndsProveACycle() throws {
        var hub = TestHub()
        _ = try makeStuck(&hub)
        #expect(cycles(hub) == [proved])
    }

    @Test("There is no cycle while another client can send")
    func anotherClientThatCanHelpBreaksTheCycle() throws {
        var hub = TestHub()
        _ = try makeStuck(&hub)
        let c = hub.connect()
        _ = try hub.join(.send, of: "d", by: c)
        #expect(cycles(hub).isEmpty)
        _ = try hub.receive(from: "c", by: c)
        #expect(cycles(hub) == [proved], "the client that could help waits too")
    }

    @Test("A tagged or timed operation makes a cycle only possible")
    func tagsAndTimeoutsMakeACycleOnlyPossible() throws {
        for (tag, timeout) in [("t", nil), (nil, Duration.seconds(1))] {
            var hub = TestHub()
            _ = try makeStuck(&hub, tag: tag, timeout: timeout)
            #expect(cycles(hub).map(\.certainty) == [.possible])
        }
    }

    @Test("A message that may come back makes a cycle only possible", arguments: ["lease", "delay"])
    func aMessageThatMayComeBackProvesNothing(_ way: String) throws {
        var hub = TestHub()
        let holder = hub.connect()
        _ = try hub.send("job", on: "c", by: holder, tag: "1")
        let delivery = try #require(try hub.receive(from: "c", by: holder, lease: .seconds(5)).delivery)
        if way == "delay" { _ = hub.nack(delivery, by: holder, delay: .seconds(5)) }
        let clients = try makeStuck(&hub)
        #expect(cycles(hub).map(\.certainty) == [.possible])
        hub.pass(.seconds(6))
        #expect(try hub.takeLateReplies().contains(LateReply(clients[1], .message("job", from: "c"))))
        #expect(cycles(hub).isEmpty)
    }

    @Test("A client that waits for all its commands is proved stuck in commands with tags")
    func aClientVouchesForItsTags() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for (client, own, other) in [(a, "c", "d"), (b, "d", "c")] {
            _ = try hub.join(.send, of: own, by: client)
            _ = try hub.receive(from: other, by: client, tag: "1")
            _ = try hub.apply(.name(channel("worker"), waitsForAll: true), by: client)
        }
        #expect(cycles(hub).map(\.certainty) == [.proved])
        #expect(try hub.receive(from: "e", by: a, tag: "2").isParked)
        #expect(cycles(hub).map(\.certainty) == [.possible], "anybody may send on e")
        _ = try hub.join(.send, of: "e", by: b)
        #expect(cycles(hub).map(\.certainty) == [.proved])
        let timed = try #require(try hub.receive(from: "c", by: a, tag: "3", timeout: .seconds(1)).parked)
        #expect(cycles(hub).map(\.certainty) == [.possible], "a timeout lets the client go on")
        hub.cancel(timed)
        #expect(cycles(hub).map(\.certainty) == [.proved])
        _ = try hub.apply(.name(channel("worker")), by: b)
        #expect(cycles(hub).map(\.certainty) == [.possible])
    }

    @Test("A command that a client begins between two slices may help it")
    func aNewCommandIsSeen() throws {
        for steps in 0..<40 {
            var hub = TestHub()
            let (a, b) = (hub.connect(), hub.connect())
            for (client, own, other) in [(a, "c", "d"), (b, "d", "c")] {
                _ = try hub.join(.send, of: own, by: client)
                _ = try hub.receive(from: other, by: client, tag: "1")
                _ = try hub.apply(.name(channel("worker"), waitsForAll: true), by: client)
            }
            var scan = StuckScan(after: nil, limit: 10)
            let isDone = (0..<steps).contains { _ in scan.advance(hub.machine, steps: 1) }
            _ = try hub.receive(from: "e", by: a, tag: "2")
            while !scan.advance(hub.machine, steps: 1) {}
            #expect(scan.rows(hub.machine).contains { $0.row.certainty == .proved } == isDone, "after \(steps)")
        }
    }

    @Test("A client of the hub's process is proved stuck only if it waits for all its operations")
    func aClientOfThisProcessMayHaveOtherTasks() throws {
        for (patience, certainty) in [(WaitEvidence.none, WaitCycle.Certainty.possible), (.all, .proved)] {
            var hub = TestHub()
            let clients = try makeStuck(&hub)
            hub.machine.clients[clients[0]]?.waitEvidence = patience
            #expect(cycles(hub).map(\.certainty) == [certainty])
        }
    }

    @Test("Clients that have used the channels form a possible cycle")
    func earlierUsersOfAChannelFormAPossibleCycle() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("x", on: "c", by: a, timeout: .zero)
        _ = try hub.send("x", on: "d", by: b, timeout: .zero)
        _ = try hub.receive(from: "d", by: a)
        #expect(cycles(hub).isEmpty)
        hub.machine.now += 1
        _ = try hub.receive(from: "c", by: b)
        #expect(
            cycles(hub) == [
                Cycle(.possible, "127.0.0.1:1 recv d 127.0.0.1:2", "127.0.0.1:2 recv c 127.0.0.1:1")
            ])
        _ = try hub.send("x", on: "c", by: hub.connect(), timeout: .zero)
        #expect(cycles(hub).isEmpty, "the new client can send to the other one")
    }

    @Test("Waiting on channels that no other client has used is no cycle")
    func aChannelWithoutOtherUsersIsNoCycle() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.receive(from: "c", by: a, tag: "1")
        _ = try hub.send("x", on: "d", by: a, tag: "2")
        #expect(cycles(hub).isEmpty)
    }

    @Test("A client that waits for itself is a cycle")
    func aClientMayWaitForItself() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.join(.send, of: "c", by: a)
        _ = try hub.receive(from: "c", by: a)
        #expect(cycles(hub) == [Cycle(.proved, "127.0.0.1:1 recv c 127.0.0.1:1")])
    }

    @Test("A client waits for the other joined sender before it waits for itself")
    func otherClientsComeBeforeTheClientItself() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for client in [a, b] {
            for channel in ["c", "d"] { _ = try hub.join(.send, of: channel, by: client) }
        }
        _ = try hub.receive(from: "d", by: a)
        hub.machine.now += 1
        _ = try hub.receive(from: "c", by: b)
        #expect(cycles(hub) == [proved])
    }

    @Test("A select is stuck only if all its arms are")
    func aSelectIsStuckOnlyIfAllItsArmsAre() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.join(.send, of: "c", by: a)
        _ = try hub.join(.send, of: "d", by: b)
        _ = try hub.join(.send, of: "e", by: c)
        _ = try hub.select("recv d", "recv e", by: a)
        _ = try hub.receive(from: "c", by: b)
        #expect(cycles(hub).isEmpty)
        _ = try hub.receive(from: "c", by: c)
        #expect(cycles(hub).map(\.certainty) == [.proved])
    }

    @Test("A sender waits for the holder of its message's lease")
    func aSenderWaitsForTheLeaseHolder() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a)
        _ = try hub.receive(from: "c", by: b, lease: .seconds(10))
        hub.machine.now += 1
        _ = try hub.send("x", on: "d", by: a, timeout: .zero)
        _ = try hub.receive(from: "d", by: b)
        #expect(
            cycles(hub) == [
                Cycle(.possible, "127.0.0.1:1 lease c 127.0.0.1:2", "127.0.0.1:2 recv d 127.0.0.1:1")
            ])
    }

    @Test("Clients at two barriers wait for each other")
    func thoseAtABarrierWaitForEachOther() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        // Each client has been at the barrier where the other one waits now.
        _ = try hub.barrier("g", 2, by: b, timeout: .zero)
        _ = try hub.barrier("h", 2, by: a, timeout: .zero)
        _ = try hub.barrier("g", 2, by: a)
        hub.machine.now += 1
        _ = try hub.barrier("h", 2, by: b)
        #expect(
            cycles(hub) == [
                Cycle(.possible, "127.0.0.1:1 barrier g 127.0.0.1:2", "127.0.0.1:2 barrier h 127.0.0.1:1")
            ])
    }

    @Test("A client that waits for a member of a cycle is not part of the cycle")
    func aClientOutsideACycleIsNotReported() throws {
        var hub = TestHub()
        let outside = hub.connect()
        let stuck = try makeStuck(&hub)
        _ = try hub.join(.send, of: "e", by: stuck[0])
        _ = try hub.receive(from: "e", by: outside)
        let found = hub.machine.stuckReport().cycles
        #expect(found.count == 1)
        #expect(found.first?.steps.map(\.client) == ["127.0.0.1:2", "127.0.0.1:3"])
    }

    @Test("A cycle of a thousand clients is reported")
    func aLongCycleIsReported() throws {
        var hub = TestHub()
        let count = 1000
        let clients = (0..<count).map { _ in hub.connect() }
        for (number, client) in clients.enumerated() {
            _ = try hub.join(.send, of: "c\(number)", by: client)
            _ = try hub.receive(from: "c\((number + 1) % count)", by: client)
        }
        let found = hub.machine.stuckReport().cycles
        #expect(found.map { $0.steps.count + ($0.omittedSteps ?? 0) } == [count])
        #expect(found.allSatisfy { $0.steps.count > 200 }, "as many as fit on a page")
        hub.disconnect(clients[500])
        #expect(cycles(hub).isEmpty)
    }

    // MARK: Slices

    /// Lets clients join both ends of channels, and wait on all of them with selects.
    private func crowd(_ clients: Int, channels: Int) throws -> TestHub {
        var hub = TestHub()
        let names = (0..<channels).map { "c\($0)" }
        for _ in 0..<clients {
            let client = hub.connect()
            for name in names { _ = try hub.join(.send, of: name, by: client) }
            let arms = try names.map { Arm.receive(try channel($0), lease: nil) }
            _ = hub.apply(.select(SelectCommand(arms: arms)), by: client)
        }
        return hub
    }

    private func slices(_ hub: borrowing TestHub) -> Int {
        var scan = StuckScan(after: nil, limit: 1000)
        var count = 1
        while !scan.advance(hub.machine, steps: 100) { count += 1 }
        #expect(scan.rows(hub.machine).map(\.row.certainty) == [.proved])
        return count
    }

    @Test("The work for STUCK is linear in the clients and the arms of their selects")
    func theWorkIsLinear() throws {
        let (few, many) = (slices(try crowd(20, channels: 10)), slices(try crowd(160, channels: 20)))
        #expect(many < 20 * few)
    }

    @Test("A client that gets its message between two slices is not called stuck")
    func aHelpedClientIsNotStuck() throws {
        for steps in 1...40 {
            var hub = TestHub()
            _ = try makeStuck(&hub)
            var scan = StuckScan(after: nil, limit: 10)
            let isDone = (0..<steps).contains { _ in scan.advance(hub.machine, steps: 1) }
            let helper = hub.connect()
            #expect(try hub.send("x", on: "c", by: helper) == .done(.ok))
            while !scan.advance(hub.machine, steps: 1) {}
            #expect(scan.rows(hub.machine).isEmpty != isDone, "after \(steps) slices")
        }
    }

    @Test("A client that joins an end between two slices may help")
    func aNewEndIsSeen() throws {
        var hub = TestHub()
        _ = try makeStuck(&hub)
        var scan = StuckScan(after: nil, limit: 10)
        // Operations, waits, and the ends of both clients are visited.
        for _ in 0..<6 { _ = scan.advance(hub.machine, steps: 1) }
        let helper = hub.connect()
        _ = try hub.join(.send, of: "c", by: helper)
        while !scan.advance(hub.machine, steps: 1) {}
        #expect(scan.rows(hub.machine).isEmpty)
    }

    @Test("A cycle of so many operations that verifying them would take long is reported as possible")
    func verifyingIsBounded() throws {
        for (count, certainty) in [(10, WaitCycle.Certainty.proved), (20_001, .possible)] {
            var hub = TestHub()
            let clients = try makeStuck(&hub)
            for client in clients { _ = try hub.apply(.name(channel("worker"), waitsForAll: true), by: client) }
            for number in 0..<count { _ = try hub.receive(from: "d", by: clients[0], tag: "\(number)") }
            #expect(hub.machine.stuckReport().cycles.map(\.certainty) == [certainty])
        }
    }

    @Test("The memory of a scan is estimated from what it has found")
    func memoryIsEstimated() throws {
        let hub = try crowd(50, channels: 10)
        var scan = StuckScan(after: nil, limit: 10)
        var estimates = [scan.memoryBytes]
        while !scan.advance(hub.machine, steps: 100) { estimates.append(scan.memoryBytes) }
        #expect(estimates[0] < 1000)
        #expect(estimates.max() ?? 0 > 50 * 10 * 2 * MemoryLayout<Int32>.size)
    }

    @Test("The pages of STUCK show every cycle once")
    func cyclesComeInPages() throws {
        var hub = TestHub()
        let clients = (0..<150).map { _ in hub.connect() }
        for (index, client) in clients.enumerated() {
            _ = try hub.join(.send, of: "ring/\(index)", by: client)
        }
        for (index, client) in clients.enumerated() {
            hub.machine.now += 1
            _ = try hub.receive(from: "ring/\((index + 1) % clients.count)", by: client)
        }
        for _ in 0..<4 {
            hub.machine.now += 1
            let client = hub.connect()
            let name = "own/\(hub.machine.connectionCount)"
            _ = try hub.join(.send, of: name, by: client)
            _ = try hub.receive(from: name, by: client)
        }
        var sizes: [Int] = []
        var key: CycleKey?
        while true {
            var scan = StuckScan(after: key, limit: 2)
            while !scan.advance(hub.machine, steps: 10) {}
            let rows = scan.rows(hub.machine)
            sizes += rows.map { $0.row.steps.count + ($0.row.omittedSteps ?? 0) }
            guard let last = rows.last, scan.found > last.number else { break }
            key = CycleKey(try channel(last.key))
        }
        #expect(sizes == [150, 1, 1, 1, 1])
    }
}
