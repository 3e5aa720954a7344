import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// The reports of `CHANNELS`, `WAITERS` and `CLIENTS`.
@Suite struct ReportTests {
    private func limits(rows: Int) -> HubLimits {
        var limits = HubLimits()
        limits.reportRows = rows
        return limits
    }

    // MARK: Channels

    @Test("CHANNELS reports the waiting senders and receivers of a channel")
    func aChannelIsReportedWithItsWaiters() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for tag in ["1", "2", "3"] { _ = try hub.send("x", on: "jobs", by: a, tag: tag) }
        _ = try hub.receive(from: "jobs", by: b, lease: .seconds(1))
        _ = try hub.receive(from: "other", by: b)
        _ = try hub.join(.send, of: "jobs", by: a)
        _ = try hub.join(.receive, of: "jobs", by: b)
        let report = hub.machine.channelsReport(prefix: nil)
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

    @Test("CHANNELS reports declarations and endings")
    func declarationsAndEndingsAreReported() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.open("a", .buffer(3, .dropOldest), by: a)
        _ = try hub.open("b", .broadcast, by: a)
        _ = try hub.open("c", .once, by: a)
        _ = try hub.send("v", on: "c", by: a)
        _ = try hub.close("d", by: a)
        _ = try hub.poison("e", "burnt", by: a)
        _ = try hub.send("1", on: "a", by: a)
        let channels = hub.machine.channelsReport(prefix: nil).channels
        #expect(channels.map(\.kind) == [.queue, .broadcast, .once, .queue, .queue])
        #expect(channels.map(\.state) == [.open, .open, .open, .closed, .poisoned])
        #expect(channels.map(\.reason) == [nil, nil, nil, nil, "burnt"])
        #expect((channels[0].capacity, channels[0].overflow, channels[0].buffered) == (3, .dropOldest, 1))
    }

    @Test("CHANNELS counts the waiting sender of a returned message, and a paused receive as a receiver")
    func returnedMessagesCountWithTheirSenders() throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var hub = TestHub(limits: limits)
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r")
        _ = try hub.send("1", on: "c", by: a)
        _ = try hub.send("2", on: "c", by: a, tag: "2")
        let delivery = try #require(try hub.receive(from: "c", by: a, lease: .seconds(1)).delivery)
        _ = hub.nack(delivery, by: a)
        let report = try #require(hub.machine.channelsReport(prefix: nil).channels.first)
        #expect((report.senders, report.receivers, report.buffered, report.leased) == (1, 1, 0, 0))
        #expect((report.sent, report.taken, report.redelivered) == (2, 1, 0))
    }

    @Test("CHANNELS tells the failure policy of a channel, and counts its rejected messages")
    func policiesAreReported() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(4), maxAttempts: 2, dead: "dead", retry: .milliseconds(1500), by: a)
        _ = try hub.open("dead", .buffer(4), by: a)
        _ = try hub.send("1", on: "c", by: a)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        _ = hub.reject(delivery, by: b)
        let channels = hub.machine.channelsReport(prefix: nil).channels
        #expect(channels.map(\.rejected) == [1, 0])
        #expect(channels.map(\.maxAttempts) == [2, nil])
        #expect(channels.map(\.dead) == ["dead", nil])
        #expect(channels.map(\.retrySeconds) == [1.5, nil])
        #expect(channels.map(\.buffered) == [0, 1])
    }

    @Test("INFO and CHANNELS count the same messages as buffered")
    func infoAndChannelsAgree() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        func check(_ buffered: Int, leased: Int, senders: Int, _ place: SourceLocation = #_sourceLocation) {
            let rows = hub.machine.channelsReport(prefix: nil).channels
            #expect(hub.machine.totals.bufferedMessages == buffered, sourceLocation: place)
            #expect(rows.reduce(0) { $0 + $1.buffered } == buffered, sourceLocation: place)
            #expect(rows.reduce(0) { $0 + $1.leased } == leased, sourceLocation: place)
            #expect(rows.reduce(0) { $0 + $1.senders } == senders, sourceLocation: place)
        }
        _ = try hub.open("c", .buffer(2), by: a)
        _ = try hub.send("1", on: "c", by: a)
        _ = try hub.send("2", on: "c", by: a, tag: "2", until: .taken)
        _ = try hub.send("3", on: "c", by: a, tag: "3")
        check(2, leased: 0, senders: 1)
        let first = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        let second = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        check(0, leased: 2, senders: 1)
        _ = hub.nack(first, by: b)
        check(1, leased: 1, senders: 1)
        _ = hub.nack(second, by: b, delay: .seconds(1))
        check(1, leased: 1, senders: 1)
        _ = try hub.receive(from: "c", by: b)
        check(1, leased: 1, senders: 0)
        hub.pass(.seconds(2))
        check(2, leased: 0, senders: 0)
        _ = try hub.open("once", .once, by: a)
        _ = try hub.send("v", on: "once", by: a)
        check(3, leased: 0, senders: 0)
        _ = try hub.close("once", by: a)
        check(2, leased: 0, senders: 0)
        _ = try hub.poison("c", by: a)
        check(0, leased: 0, senders: 0)
    }

    @Test("CHANNELS tells how long the oldest operation of a channel has waited")
    func theLongestWaitIsReported() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.receive(from: "c", by: a, tag: "1")
        hub.pass(.seconds(3))
        _ = try hub.receive(from: "c", by: a, tag: "2")
        _ = try hub.open("d", .rendezvous, by: a)
        #expect(hub.machine.channelsReport(prefix: nil).channels.map(\.longestWaitSeconds) == [3, nil])
        _ = try hub.send("x", on: "c", by: a)
        #expect(hub.machine.channelsReport(prefix: try channel("c")).channels.map(\.longestWaitSeconds) == [0])
    }

    @Test("CHANNELS finds channels by prefix and counts the omitted ones")
    func channelsAreFoundByPrefix() throws {
        var hub = TestHub(limits: limits(rows: 3))
        let a = hub.connect()
        for number in (0..<5).reversed() { _ = try hub.receive(from: "jobs/\(number)", by: a, tag: "\(number)") }
        _ = try hub.receive(from: "other", by: a, tag: "o")
        let report = hub.machine.channelsReport(prefix: try channel("jobs/"))
        #expect(report.channels.map(\.name) == ["jobs/0", "jobs/1", "jobs/2"])
        #expect(report.omitted == 2)
        #expect(hub.machine.channelsReport(prefix: try channel("none")).channels.isEmpty)
    }

    // MARK: Waiters

    @Test("WAITERS reports every kind of parked operation, the oldest first")
    func everyKindOfWaitIsReportedTheOldestFirst() throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var hub = TestHub(limits: limits)
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.apply(.name(channel("worker")), by: b)
        _ = try hub.send("1", on: "c", by: a, tag: "s", timeout: .seconds(10))
        _ = try hub.receive(from: "c", by: b, lease: .seconds(1))
        hub.machine.now += 1_000_000_000
        _ = try hub.select("recv d", "send e x", "barrier parties=2 g", by: b, tag: "t")
        hub.machine.now += 1_000_000_000
        _ = try hub.barrier("h", 3, by: b, tag: "u")
        hub.machine.now += 1_000_000_000
        _ = try hub.stream(from: "f", by: b, tag: "v")
        _ = try hub.send("x", on: "f", by: a)
        hub.machine.now += 1_000_000_000
        _ = try hub.trace("c", by: a, tag: "w")
        let waiters = hub.machine.waitersReport(on: nil).waiters
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

    @Test("WAITERS reports a select whose message is leased with that arm alone")
    func aCommittedSelectIsReportedWithItsArm() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.select("recv d", "send c x", by: a, tag: "s")
        _ = try hub.receive(from: "c", by: b, lease: .seconds(1))
        let waiter = try #require(hub.machine.waitersReport(on: nil).waiters.first)
        #expect((waiter.operation, waiter.state) == (.select, .underLease))
        #expect(waiter.targets == ["send c"])
    }

    @Test("WAITERS finds operations by channel and omits the youngest")
    func waitersAreFoundByChannel() throws {
        var hub = TestHub(limits: limits(rows: 3))
        let a = hub.connect()
        for number in 0..<5 {
            hub.machine.now += 1
            _ = try hub.receive(from: "c", by: a, tag: "\(number)")
        }
        _ = try hub.select("send d x", "barrier parties=2 g", by: a, tag: "s")
        let report = hub.machine.waitersReport(on: try channel("c"))
        #expect(report.waiters.map(\.tag) == ["0", "1", "2"])
        #expect(report.omitted == 1, "a report on a channel says only whether rows follow")
        #expect(hub.machine.waitersReport(on: nil).omitted == 3)
        for name in ["d", "g"] {
            #expect(hub.machine.waitersReport(on: try channel(name)).waiters.map(\.tag) == ["s"])
        }
        #expect(hub.machine.waitersReport(on: try channel("none")).waiters.isEmpty)
    }

    // MARK: Clients

    @Test("CLIENTS reports the oldest clients first and counts the omitted ones")
    func clientsAreReportedTheOldestFirst() throws {
        var hub = TestHub(limits: limits(rows: 2))
        let a = hub.connect()
        hub.machine.now += 1_000_000_000
        let b = hub.connect()
        hub.machine.now += 1_000_000_000
        _ = hub.connect()
        _ = try hub.apply(.name(channel("worker")), by: b)
        _ = try hub.join(.receive, of: "c", by: b)
        _ = try hub.send("x", on: "c", by: a, tag: "1")
        _ = try hub.receive(from: "d", by: a, tag: "2")
        _ = try hub.receive(from: "c", by: b, lease: .seconds(1))
        let report = hub.machine.clientsReport()
        #expect(report.omitted == 1)
        #expect(report.clients.map(\.address) == ["127.0.0.1:1", "127.0.0.1:2"])
        #expect(report.clients.map(\.label) == [nil, "worker"])
        #expect(report.clients.map(\.connectedSeconds) == [2, 1])
        #expect(report.clients.map(\.pending) == [2, 0])
        #expect(report.clients.map(\.leases) == [0, 1])
        #expect(report.clients.map(\.ends) == [0, 1])
    }

    @Test("CLIENTS reports how long each lease has been held, the oldest first and at most eight of a client")
    func leasesAreReportedTheOldestFirst() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(20), by: a)
        var held: [DeliveryID] = []
        for number in 0..<10 {
            _ = try hub.send("\(number)", on: "c", by: a)
            held.append(try #require(try hub.receive(from: "c", by: b, lease: .seconds(60)).delivery))
            hub.pass(.seconds(1))
        }
        #expect(hub.machine.clientsReport().clients.first?.held == nil)
        var leases = try #require(hub.machine.clientsReport().clients.last?.held)
        #expect(leases.map(\.heldSeconds) == (3...10).reversed().map(Double.init))
        #expect(leases.map(\.leftSeconds) == (50...57).map(Double.init))
        #expect(leases.allSatisfy { $0.channel == "c" && $0.attempt == 1 })
        // The ages stay when a lease is renewed, and when those on both sides and in the middle end.
        #expect(hub.touch(held[1], by: b) == .done(.ok))
        for index in [0, 9, 5] { #expect(hub.ack(held[index], by: b) == .done(.ok)) }
        leases = try #require(hub.machine.clientsReport().clients.last?.held)
        #expect(leases.map(\.heldSeconds) == [9, 8, 7, 6, 4, 3, 2])
        #expect(leases.map(\.leftSeconds) == [60, 52, 53, 54, 56, 57, 58])
        for index in [1, 2, 3, 4, 6, 7, 8] { #expect(hub.ack(held[index], by: b) == .done(.ok)) }
        #expect(hub.machine.clientsReport().clients.last?.held == nil)
        _ = try hub.send("again", on: "c", by: a)
        #expect(try hub.receive(from: "c", by: b, lease: .seconds(60)).delivery != nil)
        #expect(hub.machine.clientsReport().clients.last?.held?.map(\.heldSeconds) == [0])
    }

    @Test("CLIENTS names no channel of a lease that the principal may not inspect")
    func hiddenLeases() throws {
        var hub = TestHub(["worker": .allowing(.receive, inspecting: .own)])
        let (root, worker) = (try hub.connect(as: "root"), try hub.connect(as: "worker"))
        for (holder, name) in [(root, "secret"), (worker, "jobs")] {
            _ = try hub.send("1", on: name, by: root, tag: name)
            #expect(try hub.receive(from: name, by: holder, lease: .seconds(60)).delivery != nil)
        }
        let view = ReportView(try #require(hub.machine.clients[worker]).grant, worker)
        let report = hub.machine.page(ClientScan(after: nil, limit: 10, view))
        #expect(report.clients.map { $0.held?.map(\.channel) } == [["jobs"]])
    }
}
