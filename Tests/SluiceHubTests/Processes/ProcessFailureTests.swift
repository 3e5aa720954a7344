import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Failed and stopped built-in processes: their messages, their restarts, and their reports.
@Suite(.bounded) struct ProcessFailureTests {
    /// Receives the failures of the processes.
    private let failures = Channel<ProcessFailure>(.unbounded)

    private func start(_ work: BuiltInProcess.Work, _ service: HubService) throws -> GreenTask<Void> {
        try service.hub.start(BuiltInProcess(work)) { [failures] in _ = try? failures.trySend($0) }
    }

    private func failure() async throws -> ProcessFailure { try #require(try await failures.receive()) }

    // MARK: Messages

    @Test("The message of a failed process comes back and is delivered after its restart")
    func theMessageOfAProcessThatFailsIsNotLost() throws {
        try HubService.run { service in
            let (a, b) = (try service.hub.channel("a"), try service.hub.channel("b"))
            _ = try start(.echo(from: "a", to: "b"), service)
            let senders = (1...2).map { service.sender(of: "\($0)", on: a) }
            try await service.until("send a, send a under lease, send b")
            try b.poison(reason: "maintenance")
            let failure = try await failure()
            #expect(failure.name == "echo:a")
            #expect(failure.kind == .echo)
            #expect("\(failure.error)" == "channel 'b' was poisoned: maintenance")
            #expect(failure.delay == .seconds(1))
            try await service.until("send a, send a")

            // The name of the poisoned channel is free again after a minute.
            while service.process("echo:a")?.state == .waitingToRestart {
                service.clock.advance(by: .seconds(1))
                await service.settled()
            }
            try await service.until("send a, send a under lease, send b")
            for number in 1...2 { #expect(try await b.text() == "\(number)") }
            for sender in senders { try await sender.value }
        }
    }

    @Test("A sender can time out after a failed process has returned its message")
    func aSenderCanGiveUpWhileItsMessageIsBack() throws {
        try HubService.run { service in
            let (client, a) = (try await service.connect(), try service.hub.channel("a"))
            _ = try start(.echo(from: "a", to: "b"), service)
            try await client.say("SEND timeout=10s a 1\n")
            try await service.until("send a under lease, send b")
            try service.hub.channel("b").poison()
            _ = try await failure()
            #expect(try await a.receive(lease: .seconds(1))?.attempt == 2)
            service.clock.advance(by: .seconds(10))
            try await client.hear("TIMEOUT\n")
        }
    }

    @Test("A failed delay returns all its messages in order")
    func aDelayGivesEverythingBackInOrder() throws {
        try HubService.run { service in
            let (a, b) = (try service.hub.channel("a"), try service.hub.channel("b"))
            let task = try start(.delay(from: "a", to: "b", by: .seconds(5)), service)
            let senders = (1...100).map { service.sender(of: "\($0)", on: a) }
            try await service.until { service.leaseCount == 100 }
            try b.close()
            service.clock.advance(by: .seconds(5))
            #expect("\(try await failure().error)" == "channel 'b' is closed")
            #expect(service.leaseCount == 0)
            task.cancel()
            try await task.value
            for number in 1...100 { #expect(try await a.text() == "\(number)") }
            for sender in senders { try await sender.value }
        }
    }

    @Test("A delay whose source is closed delivers the messages that it has")
    func aDelayWhoseSourceIsClosedPassesOnWhatItHas() throws {
        try HubService.run { service in
            let (a, b) = (try service.hub.channel("a"), try service.hub.channel("b"))
            _ = try start(.delay(from: "a", to: "b", by: .seconds(5)), service)
            let senders = (1...3).map { service.sender(of: "\($0)", on: a) }
            try await service.until { service.leaseCount == 3 }
            try a.close()
            service.clock.advance(by: .seconds(5))
            for number in 1...3 { #expect(try await b.text() == "\(number)") }
            for sender in senders { try await sender.value }
            #expect("\(try await failure().error)" == "channel 'a' is closed")
        }
    }

    @Test("A broadcast that failed is repeated to all its channels")
    func aBroadcastThatFailsIsRepeated() throws {
        try HubService.run(limits: HubLimits(tombstoneLife: .zero)) { service in
            let (x, y) = (try service.hub.channel("x"), try service.hub.channel("y"))
            _ = try start(.broadcast(from: "a", to: ["x", "y"]), service)
            let sender = service.sender(of: "1", on: try service.hub.channel("a"))
            #expect(try await x.text() == "1")
            try await service.until("send a under lease, send y")
            try y.poison()
            _ = try await failure()
            try await service.until("send a")
            service.clock.advance(by: .seconds(1))
            try await service.until("send a under lease, send x, send y")
            #expect(try await x.text() == "1")
            #expect(try await y.text() == "1")
            try await sender.value
        }
    }

    @Test("A sieve restarts after its channel was poisoned")
    func theSieveSurvivesItsChannel() throws {
        try HubService.run(limits: HubLimits(tombstoneLife: .zero)) { service in
            let primes = try service.hub.channel("primes")
            _ = try start(.sieve(to: "primes", upTo: 100), service)
            for prime in ["2", "3", "5"] { #expect(try await primes.text() == prime) }
            try await service.parked(1)
            try primes.poison()
            _ = try await failure()
            service.clock.advance(by: .seconds(1))
            try await service.until { service.process("sieve:primes")?.state == .running }
            #expect(try await primes.text() == "2")
        }
    }

    // MARK: Restarts

    @Test("The delay before a restart doubles up to a minute")
    func aProcessIsStartedAgainAfterTwiceTheTimeUpToAMinute() throws {
        try HubService.run(limits: HubLimits(tombstoneLife: .hours(1))) { service in
            try service.hub.channel("a").poison(reason: "no use")
            _ = try start(.echo(from: "a", to: "b"), service)
            for (restarts, seconds) in [1, 2, 4, 8, 16, 32, 60, 60].enumerated() {
                let failure = try await failure()
                #expect(failure.delay == .seconds(seconds))
                let report = try #require(service.process("echo:a"))
                #expect(report.restarts == restarts)
                #expect(report.state == .waitingToRestart)
                #expect(report.lastError == "channel 'a' was poisoned: no use")
                await service.settled()
                service.clock.advance(by: .seconds(seconds) - .milliseconds(1))
                await service.settled()
                #expect(failures.bufferedCount == 0)
                service.clock.advance(by: .milliseconds(1))
            }
        }
    }

    @Test(
        "The delay starts again at a second after a minute without failure",
        arguments: [(59_999, 4), (60_000, 1)])
    func aProcessThatRanForAMinuteBeginsAnew(milliseconds: Int, next: Int) throws {
        try HubService.run(limits: HubLimits(tombstoneLife: .hours(1))) { service in
            let client = try await service.connect()
            try await client.say("POISON a\n")
            try await client.hear("OK\n")
            _ = try start(.echo(from: "a", to: "b"), service)
            #expect(try await failure().delay == .seconds(1))
            await service.settled()
            service.clock.advance(by: .seconds(1))
            #expect(try await failure().delay == .seconds(2))
            await service.settled()
            try await client.say("OPEN a\n")
            try await client.hear("OK\n")
            service.clock.advance(by: .seconds(2))
            try await service.until("recv a")
            #expect(service.process("echo:a")?.state == .running)
            service.clock.advance(by: .milliseconds(milliseconds))
            try await client.say("POISON a\n")
            try await client.hear("OK\n")
            #expect(try await failure().delay == .seconds(next))
        }
    }

    // MARK: Reports

    @Test("INFO reports the processes with their state")
    func infoReportsProcesses() throws {
        try HubService.run { service in
            _ = try start(.echo(from: "a", to: "b"), service)
            _ = try start(.ticker(to: "ticks", every: .seconds(1)), service)
            let sender = service.sender(of: "1", on: try service.hub.channel("a"))
            #expect(try await service.hub.channel("b").text() == "1")
            try await sender.value
            try service.hub.channel("a").poison(reason: "enough")
            _ = try await failure()
            let report = try #require(service.hub.report(on: .server) as? ServerReport)
            #expect(
                report.processes == [
                    ProcessReport(
                        name: "echo:a", kind: "echo", state: .waitingToRestart, messages: 1,
                        lastError: "channel 'a' was poisoned: enough"),
                    ProcessReport(name: "ticker:ticks", kind: "ticker", state: .running),
                ])
            let client = try await service.connect()
            try await client.say("INFO\nQUIT\n")
            var heard = ""
            while case let bytes = try await client.stream.read(upTo: 4096), !bytes.isEmpty {
                heard += String(decoding: bytes, as: UTF8.self)
            }
            #expect(heard.contains("echo:a"))
            #expect(heard.contains("waiting to restart"))
        }
    }

    @Test("A process appears in reports as a client with its name")
    func aProcessIsAClientWithItsName() throws {
        try HubService.run { service in
            let task = try service.hub.start(BuiltInProcess(.merge(from: ["a", "b"], to: "c"), name: "all"))
            try await service.until("recv a + recv b")
            let clients = try #require(service.hub.report(on: .clients) as? ClientsReport)
            #expect(clients.clients.map(\.address) == ["all"])
            let waiters = try #require(service.hub.report(on: .waiters(channel: nil)) as? WaitersReport)
            #expect(waiters.waiters.map(\.client) == ["all"])
            #expect(service.hub.connectionCount == 0, "a process does not count as a connection")
            task.cancel()
            try await task.value
            #expect((service.hub.report(on: .clients) as? ClientsReport)?.clients.isEmpty == true)
        }
    }

    // MARK: The end

    @Test("A stopped process returns its message and frees its name")
    func aProcessThatWasStoppedGivesItsMessageBackAndItsNameIsFree() throws {
        try HubService.run { service in
            let a = try service.hub.channel("a")
            let task = try start(.echo(from: "a", to: "b"), service)
            let sender = service.sender(of: "1", on: a)
            try await service.until("send a under lease, send b")
            let error = #expect(throws: SluiceError.self) { _ = try start(.echo(from: "a", to: "b"), service) }
            #expect(error?.message == "a process with the name 'echo:a' is already running")
            task.cancel()
            try await task.value
            try await service.until("send a")
            #expect(failures.bufferedCount == 0, "a stop is not a failure")
            #expect(service.process("echo:a")?.state == .stopped)

            _ = try start(.echo(from: "a", to: "b"), service)
            #expect(service.hub.processes.reports.count == 1)
            #expect(try await service.hub.channel("b").text() == "1")
            try await sender.value
        }
    }

    @Test("A process can be stopped while it waits for its restart")
    func aProcessCanBeStoppedWhileItRests() throws {
        try HubService.run { service in
            try service.hub.channel("a").close()
            let task = try start(.echo(from: "a", to: "b"), service)
            _ = try await failure()
            await service.settled()
            task.cancel()
            try await task.value
            #expect(service.process("echo:a")?.state == .stopped)
        }
    }

    @Test("The processes end with their reactor")
    func theProcessesEndWithTheirReactor() throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        let hub = Hub(on: reactor, epoch: 1)
        let works: [BuiltInProcess.Work] = [
            .ticker(to: "t", every: .seconds(1)), .delay(from: "d", to: "x", by: .seconds(1)),
            .echo(from: "e", to: "x"), .merge(from: ["m", "n"], to: "x"), .split(from: "s", to: ["x", "y"]),
            .broadcast(from: "b", to: ["x", "y"]), .filter(from: "f", to: "x", prefix: []),
            .rateLimit(from: "r", to: "x", every: .seconds(1)), .sieve(to: "p", upTo: 100),
        ]
        try reactor.runTest {
            for work in works { try hub.start(BuiltInProcess(work)) }
            try await yieldUntil { hub.parkedCount >= works.count - 1 }
        }
        #expect(hub.processes.reports.map(\.state) == works.map { _ in .stopped })
        #expect(hub.parkedCount == 0)
        #expect(hub.channelCount == 0)
    }
}
