import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// What `CHANNELS`, `WAITERS` and `CLIENTS` report.
@Suite struct ReportTests {
    private func limits(rows: Int) -> HubLimits {
        var limits = HubLimits()
        limits.reportRows = rows
        return limits
    }

    // MARK: Channels

    @Test func aChannelIsReportedWithWhoeverWaitsOnIt() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for tag in ["1", "2", "3"] { _ = try floor.send("x", on: "jobs", by: a, tag: tag) }
        _ = try floor.receive(from: "jobs", by: b, lease: .seconds(1))
        _ = try floor.receive(from: "other", by: b)
        _ = try floor.join(.send, of: "jobs", by: a)
        _ = try floor.join(.receive, of: "jobs", by: b)
        let report = floor.machine.channelsReport(prefix: nil)
        #expect(report.omitted == 0)
        #expect(report.channels.map(\.name) == ["jobs", "other"])
        let jobs = try #require(report.channels.first)
        #expect(jobs.kind == .queue)
        #expect(jobs.capacity == 0)
        #expect(jobs.state == .open)
        #expect((jobs.senders, jobs.receivers, jobs.buffered, jobs.leased) == (2, 0, 0, 1))
        #expect((jobs.sendingEnds, jobs.receivingEnds) == (1, 1))
        #expect(report.channels.last?.receivers == 1)
    }

    @Test func declarationsAndEndingsAreReported() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.open("a", .buffer(3, .dropOldest), by: a)
        _ = try floor.open("b", .broadcast, by: a)
        _ = try floor.open("c", .once, by: a)
        _ = try floor.send("v", on: "c", by: a)
        _ = try floor.close("d", by: a)
        _ = try floor.poison("e", "burnt", by: a)
        _ = try floor.send("1", on: "a", by: a)
        let channels = floor.machine.channelsReport(prefix: nil).channels
        #expect(channels.map(\.kind) == [.queue, .broadcast, .once, .queue, .queue])
        #expect(channels.map(\.state) == [.open, .open, .open, .closed, .poisoned])
        #expect(channels.map(\.reason) == [nil, nil, nil, nil, "burnt"])
        #expect((channels[0].capacity, channels[0].overflow, channels[0].buffered) == (3, .dropOldest, 1))
    }

    @Test func whatCameBackIsInTheBufferAndWhoIsPausedIsAReceiver() throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var floor = Floor(limits: limits)
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r")
        _ = try floor.send("1", on: "c", by: a)
        _ = try floor.send("2", on: "c", by: a, tag: "2")
        let delivery = try #require(try floor.receive(from: "c", by: a, lease: .seconds(1)).delivery)
        _ = floor.nack(delivery, by: a)
        let report = try #require(floor.machine.channelsReport(prefix: nil).channels.first)
        #expect((report.senders, report.receivers, report.buffered, report.leased) == (0, 1, 1, 0))
    }

    @Test func channelsAreFoundByTheirBeginningAndTheRestIsCounted() throws {
        var floor = Floor(limits: limits(rows: 3))
        let a = floor.connect()
        for number in (0..<5).reversed() { _ = try floor.receive(from: "jobs/\(number)", by: a, tag: "\(number)") }
        _ = try floor.receive(from: "other", by: a, tag: "o")
        let report = floor.machine.channelsReport(prefix: try channel("jobs/"))
        #expect(report.channels.map(\.name) == ["jobs/0", "jobs/1", "jobs/2"])
        #expect(report.omitted == 2)
        #expect(floor.machine.channelsReport(prefix: try channel("none")).channels.isEmpty)
    }

    // MARK: Waiters

    @Test func everyKindOfWaitIsReportedTheOldestFirst() throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var floor = Floor(limits: limits)
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.apply(.name(channel("worker")), by: b)
        _ = try floor.send("1", on: "c", by: a, tag: "s", timeout: .seconds(10))
        _ = try floor.receive(from: "c", by: b, lease: .seconds(1))
        floor.machine.now += 1_000_000_000
        _ = try floor.select("recv d", "send e x", "barrier parties=2 g", by: b, tag: "t")
        floor.machine.now += 1_000_000_000
        _ = try floor.barrier("h", 3, by: b, tag: "u")
        floor.machine.now += 1_000_000_000
        _ = try floor.stream(from: "f", by: b, tag: "v")
        _ = try floor.send("x", on: "f", by: a)
        floor.machine.now += 1_000_000_000
        _ = try floor.trace("c", by: a, tag: "w")
        let waiters = floor.machine.waitersReport(on: nil).waiters
        #expect(waiters.map(\.tag) == ["s", "t", "u", "v", "w"])
        #expect(waiters.map(\.operation) == [.send, .select, .barrier, .receive, .trace])
        #expect(waiters.map(\.state) == [.underLease, .waiting, .waiting, .paused, .waiting])
        #expect(
            waiters.map(\.targets) == [
                ["c"], ["recv d", "send e", "barrier g (1 of 2)"], ["h (1 of 3)"], ["f"], ["c"],
            ])
        #expect(waiters.map(\.label) == [nil, "worker", "worker", "worker", nil])
        #expect(waiters.map(\.waitingSeconds) == [4, 3, 2, 1, 0])
        #expect(waiters.map(\.timeoutSeconds) == [6, nil, nil, nil, nil])
    }

    @Test func aSelectUnderALeaseWaitsForThatArm() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.select("recv d", "send c x", by: a, tag: "s")
        _ = try floor.receive(from: "c", by: b, lease: .seconds(1))
        let waiter = try #require(floor.machine.waitersReport(on: nil).waiters.first)
        #expect((waiter.operation, waiter.state) == (.select, .underLease))
        #expect(waiter.targets == ["send c"])
    }

    @Test func waitersAreFoundByTheirChannelAndTheYoungestAreLeftOut() throws {
        var floor = Floor(limits: limits(rows: 3))
        let a = floor.connect()
        for number in 0..<5 {
            floor.machine.now += 1
            _ = try floor.receive(from: "c", by: a, tag: "\(number)")
        }
        _ = try floor.select("send d x", "barrier parties=2 g", by: a, tag: "s")
        let report = floor.machine.waitersReport(on: try channel("c"))
        #expect(report.waiters.map(\.tag) == ["0", "1", "2"])
        #expect(report.omitted == 2)
        #expect(floor.machine.waitersReport(on: nil).omitted == 3)
        for name in ["d", "g"] {
            #expect(floor.machine.waitersReport(on: try channel(name)).waiters.map(\.tag) == ["s"])
        }
        #expect(floor.machine.waitersReport(on: try channel("none")).waiters.isEmpty)
    }

    // MARK: Clients

    @Test func clientsAreReportedTheOldestFirstAndTheRestIsCounted() throws {
        var floor = Floor(limits: limits(rows: 2))
        let a = floor.connect()
        floor.machine.now += 1_000_000_000
        let b = floor.connect()
        floor.machine.now += 1_000_000_000
        _ = floor.connect()
        _ = try floor.apply(.name(channel("worker")), by: b)
        _ = try floor.join(.receive, of: "c", by: b)
        _ = try floor.send("x", on: "c", by: a, tag: "1")
        _ = try floor.receive(from: "d", by: a, tag: "2")
        _ = try floor.receive(from: "c", by: b, lease: .seconds(1))
        let report = floor.machine.clientsReport()
        #expect(report.omitted == 1)
        #expect(report.clients.map(\.address) == ["127.0.0.1:1", "127.0.0.1:2"])
        #expect(report.clients.map(\.label) == [nil, "worker"])
        #expect(report.clients.map(\.connectedSeconds) == [2, 1])
        #expect(report.clients.map(\.pending) == [2, 0])
        #expect(report.clients.map(\.leases) == [0, 1])
        #expect(report.clients.map(\.ends) == [0, 1])
    }
}
