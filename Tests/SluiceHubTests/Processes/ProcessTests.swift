import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Each built-in process, with clients at both ends and a clock that the test controls.
@Suite(.bounded) struct ProcessTests {
    // MARK: Processes that create messages

    @Test("A ticker sends the number of ticks")
    func aTickerSendsTheNumberOfTicks() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.ticker(to: "ticks", every: .seconds(2))))
            let ticks = try service.hub.channel("ticks")
            for number in 1...3 {
                let receiver = service.receiver(of: ticks)
                try await service.parked(1)
                service.clock.advance(by: .milliseconds(1999))
                await service.settled()
                #expect(service.hub.parkedCount == 1)
                service.clock.advance(by: .milliseconds(1))
                #expect(try await receiver.value == "\(number)")
            }
        }
    }

    @Test("A late receiver gets only the last tick")
    func aLateReceiverGetsTheLastTickOnly() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.ticker(to: "ticks", every: .seconds(1))))
            let ticks = try service.hub.channel("ticks")
            for _ in 1...3 {
                await service.settled()
                service.clock.advance(by: .seconds(1))
            }
            try await service.parkedSince(.zero)
            #expect(try await ticks.text() == "3")
            await #expect(throws: SluiceError.self) { try await ticks.receive(timeout: .zero) }
            await service.settled()
            service.clock.advance(by: .seconds(10))
            try await service.parked(1)
            #expect(try await ticks.text() == "13")
        }
    }

    @Test("A tick that comes back after the next one is not offered again")
    func aTickThatIsHeldTooLongIsNotOfferedAgain() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.ticker(to: "ticks", every: .seconds(1))))
            let ticks = try service.hub.channel("ticks")
            await service.settled()
            service.clock.advance(by: .seconds(1))
            let first = try #require(try await ticks.receive(lease: .seconds(60)))
            #expect(first.bytes == Array("1".utf8))
            service.clock.advance(by: .seconds(1))
            try await service.parkedSince(.zero)
            try first.nack()
            #expect(try await ticks.text() == "2")
            await service.settled()
            #expect(service.process("ticker:ticks")?.messages == 1)
        }
    }

    @Test("A sieve sends the primes and starts again")
    func theSieveSendsThePrimesAndBeginsAnew() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.sieve(to: "primes", upTo: 30)))
            let primes = try service.hub.channel("primes")
            for _ in 1...2 {
                for prime in ["2", "3", "5", "7", "11", "13", "17", "19", "23", "29"] {
                    #expect(try await primes.text() == prime)
                }
            }
            await service.settled()
            #expect(service.process("sieve:primes")?.messages == 20)
        }
    }

    @Test("A sieve ends with the last prime up to its limit", arguments: [2, 3, 4, 9, 25, 26])
    func theSieveEndsWithTheLastPrime(limit: Int) throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.sieve(to: "primes", upTo: limit)))
            let primes = try service.hub.channel("primes")
            let expected = (2...limit).filter { number in !(2..<number).contains { number % $0 == 0 } }
            for prime in expected + [2] { #expect(try await primes.text() == "\(prime)") }
        }
    }

    @Test("A sieve computes only the primes that are received")
    func theSieveComputesNoFurtherThanAsked() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.sieve(to: "primes", upTo: 1_000_000_000)))
            let primes = try service.hub.channel("primes")
            for _ in 1..<100 { _ = try await primes.text() }
            #expect(try await primes.text() == "541")
            await service.settled()
            #expect(service.hub.parkedCount == 1, "the sieve offers the next prime")
        }
    }

    // MARK: Processes that pass messages on

    @Test("An echo's sender is answered OK when the receiver has acknowledged the message")
    func theSendersOKMeansThatTheMessageGotThrough() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.echo(from: "a", to: "b")))
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await sender.say("SEND len=3 a\n\0\n\u{7}\n")
            try await service.until("send a under lease, send b")
            try await receiver.say("RECV lease=10s b\n")
            try await receiver.hear("MSG b 3 did=")
            await service.settled()
            #expect(service.process("echo:a")?.messages == 0, "the receiver has not acknowledged it")
            receiver.reset()
            try await service.until("send a under lease, send b")
            #expect(try await service.hub.channel("b").receive() == [0, 10, 7])
            try await sender.hear("OK\n")
            #expect(service.process("echo:a")?.messages == 1)
        }
    }

    @Test(
        "The answer to a call comes back through every process that passes messages to one channel",
        arguments: [
            BuiltInProcess.Work.echo(from: "a", to: "b"), .filter(from: "a", to: "b", prefix: [0x37]),
            .rateLimit(from: "a", to: "b", every: .milliseconds(1)), .split(from: "a", to: ["b"]),
            .merge(from: ["a", "c"], to: "b"), .delay(from: "a", to: "b", by: .milliseconds(1)),
        ])
    func answersComeBack(work: BuiltInProcess.Work) throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(work))
            let caller = try await service.connect()
            try await caller.say("CALL a 7\n")
            if case .delay = work {
                try await service.until("send a under lease, recv a")
                service.clock.advance(by: .milliseconds(1))
            }
            let worker = try service.hub.channel("b")
            try await worker.receive(lease: .seconds(5))?.answer("49")
            try await caller.hear("DATA 2\n49\n")
        }
    }

    @Test("An echo receives one message at a time")
    func anEchoTakesOneMessageAtATime() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.echo(from: "a", to: "b")))
            let senders = try ["1", "2"].map { service.sender(of: $0, on: try service.hub.channel("a")) }
            try await service.until("send a, send a under lease, send b")
            #expect(try await service.hub.channel("b").text() == "1")
            try await senders[0].value
            #expect(try await service.hub.channel("b").text() == "2")
            try await senders[1].value
        }
    }

    @Test("A delay sends each message when its time has come")
    func aDelayPassesEachMessageOnWhenItsTimeHasCome() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.delay(from: "a", to: "b", by: .seconds(10))))
            let (a, b) = (try service.hub.channel("a"), try service.hub.channel("b"))
            let first = service.sender(of: "1", on: a)
            try await service.until("recv a, send a under lease")
            service.clock.advance(by: .seconds(4))
            let second = service.sender(of: "2", on: a)
            try await service.until("recv a, send a under lease, send a under lease")

            let receiver = service.receiver(of: b)
            service.clock.advance(by: .milliseconds(5999))
            try await service.until("recv a, recv b, send a under lease, send a under lease")
            service.clock.advance(by: .milliseconds(1))
            #expect(try await receiver.value == "1")
            try await first.value

            service.clock.advance(by: .seconds(4))
            try await service.until("recv a, send a under lease, send b")
            #expect(try await b.text() == "2")
            try await second.value
        }
    }

    @Test("A delay holds only as many messages as it may have leases")
    func aDelayHoldsAsManyMessagesAsLeases() throws {
        try HubService.run(limits: HubLimits(maxLeases: 5)) { service in
            try service.hub.start(BuiltInProcess(.delay(from: "a", to: "b", by: .hours(1))))
            let (a, b) = (try service.hub.channel("a"), try service.hub.channel("b"))
            let senders = (1...8).map { service.sender(of: "\($0)", on: a) }
            let held = Array(repeating: "send a under lease", count: 5)
            try await service.until(([String](repeating: "send a", count: 3) + held).joined(separator: ", "))
            service.clock.advance(by: .hours(1))
            for number in 1...5 { #expect(try await b.text() == "\(number)") }
            try await service.until("recv a, " + held.prefix(3).joined(separator: ", "))
            service.clock.advance(by: .hours(1))
            for number in 6...8 { #expect(try await b.text() == "\(number)") }
            for sender in senders { try await sender.value }
            #expect(service.process("delay:a")?.state == .running)
        }
    }

    @Test("A filter drops messages without the prefix")
    func aFilterDropsWhatDoesNotBeginWithThePrefix() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.filter(from: "a", to: "b", prefix: Array("job ".utf8))))
            let (a, b) = (try service.hub.channel("a"), try service.hub.channel("b"))
            for text in ["", "job", "Job 1", " job 1"] { try await a.send(text) }
            for text in ["job ", "job 1"] {
                let sender = service.sender(of: text, on: a)
                #expect(try await b.text() == text)
                try await sender.value
            }
            #expect(service.process("filter:a")?.messages == 6)
        }
    }

    @Test("A rate limit waits after each message")
    func aRateLimitRestsAfterEachMessage() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.rateLimit(from: "a", to: "b", every: .seconds(1))))
            let (a, b) = (try service.hub.channel("a"), try service.hub.channel("b"))
            // A long pause does not allow a burst afterwards.
            await service.settled()
            service.clock.advance(by: .seconds(100))
            let senders = (1...3).map { service.sender(of: "\($0)", on: a) }
            #expect(try await b.text() == "1")
            for number in 2...3 {
                let receiver = service.receiver(of: b)
                service.clock.advance(by: .milliseconds(999))
                await service.settled()
                #expect(receiver.outcome == nil)
                service.clock.advance(by: .milliseconds(1))
                #expect(try await receiver.value == "\(number)")
            }
            for sender in senders { try await sender.value }
        }
    }

    @Test("A send that a rate limit has not received can time out")
    func aSendToARateLimitCanTimeOut() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.rateLimit(from: "a", to: "b", every: .seconds(10))))
            let (a, b) = (try service.hub.channel("a"), try service.hub.channel("b"))
            let first = service.sender(of: "1", on: a)
            #expect(try await b.text() == "1")
            try await first.value
            let second = service.reactor.spawn { try await a.send("2", timeout: .seconds(5)) }
            try await service.parked(1)
            service.clock.advance(by: .seconds(5))
            let error = await #expect(throws: SluiceError.self) { try await second.value }
            #expect(error?.code == .timedOut)
        }
    }

    // MARK: Processes with several channels

    @Test("A merge takes turns between its sources")
    func aMergeIsFair() throws {
        try HubService.run { service in
            let (a, b, c) = (
                try service.hub.channel("a"), try service.hub.channel("b"), try service.hub.channel("c")
            )
            let senders = (1...3).flatMap { number in
                [service.sender(of: "a\(number)", on: a), service.sender(of: "b\(number)", on: b)]
            }
            try await service.parked(6)
            try service.hub.start(BuiltInProcess(.merge(from: ["a", "b"], to: "c"), name: "all"))
            for text in ["a1", "b1", "a2", "b2", "a3", "b3"] { #expect(try await c.text() == text) }
            for sender in senders { try await sender.value }
            #expect(service.process("all")?.messages == 6)
        }
    }

    @Test("A merge receives one message at a time")
    func aMergeTakesOneMessageAtATime() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.merge(from: ["a", "b"], to: "c")))
            try await service.until("recv a + recv b")
            _ = service.sender(of: "1", on: try service.hub.channel("b"))
            _ = service.sender(of: "2", on: try service.hub.channel("a"))
            try await service.until("send a, send b under lease, send c")
        }
    }

    @Test("A merge skips closed channels and returns to them when they are opened again")
    func aMergeSkipsClosedChannels() throws {
        try HubService.run { service in
            let client = try await service.connect()
            let c = try service.hub.channel("c")
            try service.hub.start(BuiltInProcess(.merge(from: ["a", "b"], to: "c")))
            try await service.until("recv a + recv b")
            try await client.say("CLOSE a\n")
            try await client.hear("OK\n")
            try await service.until("recv b")
            try await client.say("OPEN a\n")
            try await client.hear("OK\n")
            let late = service.sender(of: "a1", on: try service.hub.channel("a"))
            let prompt = service.sender(of: "b1", on: try service.hub.channel("b"))
            #expect(try await c.text() == "b1")
            try await prompt.value
            try await service.until("recv b, send a")
            service.clock.advance(by: .seconds(1))
            #expect(try await c.text() == "a1")
            try await late.value
            #expect(service.process("merge:a")?.restarts == 0)
        }
    }

    @Test("A merge fails if all its sources are closed")
    func aMergeOfChannelsThatAreAllClosedFails() throws {
        try HubService.run { service in
            for name in ["a", "b"] { try service.hub.channel(name).close() }
            try service.hub.start(BuiltInProcess(.merge(from: ["a", "b"], to: "c")))
            try await service.until { service.process("merge:a")?.state == .waitingToRestart }
            #expect(service.process("merge:a")?.lastError == "channel 'b' is closed")
        }
    }

    @Test("A split takes turns between its targets")
    func aSplitTakesTurns() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.split(from: "a", to: ["x", "y", "z"])))
            let a = try service.hub.channel("a")
            let senders = (1...6).map { service.sender(of: "\($0)", on: a) }
            for (name, text) in zip(["x", "y", "z", "x", "y", "z"], 1...6) {
                #expect(try await service.hub.channel(name).text() == "\(text)")
            }
            for sender in senders { try await sender.value }
        }
    }

    @Test("A split waits for the target whose turn it is")
    func aSplitWaitsForTheOneWhoseTurnItIs() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.split(from: "a", to: ["x", "y"])))
            let (x, y) = (try service.hub.channel("x"), try service.hub.channel("y"))
            let other = service.receiver(of: y)
            let sender = service.sender(of: "1", on: try service.hub.channel("a"))
            try await service.until("recv y, send a under lease, send x")
            #expect(try await x.text() == "1")
            try await sender.value
            try await service.hub.channel("a").send("2")
            #expect(try await other.value == "2")
        }
    }

    @Test("A broadcast answers its sender when all targets have the message")
    func aBroadcastIsDoneWhenAllHaveTheMessage() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.broadcast(from: "a", to: ["x", "y", "z"])))
            for round in ["1", "2"] {
                let sender = service.sender(of: round, on: try service.hub.channel("a"))
                try await service.until("send a under lease, send x, send y, send z")
                #expect(try await service.hub.channel("z").text() == round)
                #expect(try await service.hub.channel("x").text() == round)
                try await service.until("send a under lease, send y")
                #expect(try await service.hub.channel("y").text() == round)
                try await sender.value
            }
        }
    }

    // MARK: Values

    @Test("The default name of a process is its kind and its first channel")
    func aProcessIsCalledAfterItsFirstChannel() throws {
        #expect(try BuiltInProcess(.ticker(to: "t", every: .seconds(1))).name == "ticker:t")
        #expect(try BuiltInProcess(.rateLimit(from: "a", to: "b", every: .seconds(1))).name == "rate-limit:a")
        #expect(try BuiltInProcess(.merge(from: ["b", "a"], to: "c")).name == "merge:b")
        #expect(try BuiltInProcess(.echo(from: "a", to: "b"), name: "mirror").name == "mirror")
        let long = String(repeating: "n", count: 200)
        #expect(try BuiltInProcess(.echo(from: long, to: "b")).name == "echo:" + long.prefix(195))
    }

    @Test(
        "An invalid process is refused with the problem",
        arguments: [
            (
                .echo(from: "", to: "b"),
                "a name must be 1 to 200 bytes of A-Z a-z 0-9 . _ : / - and must not begin with -"
            ),
            (.merge(from: [], to: "b"), "name at least one channel on each side"),
            (.split(from: "a", to: []), "name at least one channel on each side"),
            (.echo(from: "a", to: "a"), "name each channel only once"),
            (.broadcast(from: "a", to: ["b", "b"]), "name each channel only once"),
            (.ticker(to: "a", every: .zero), "the duration must be from 1ms to 100 years"),
            (.delay(from: "a", to: "b", by: .microseconds(999)), "the duration must be from 1ms to 100 years"),
            (.sieve(to: "a", upTo: 1), "the limit of a sieve must be from 2 to 1000000000"),
            (.sieve(to: "a", upTo: 1_000_000_001), "the limit of a sieve must be from 2 to 1000000000"),
        ] as [(BuiltInProcess.Work, String)])
    func anInvalidProcessIsRefused(work: BuiltInProcess.Work, problem: String) {
        let error = #expect(throws: SluiceError.self) { try BuiltInProcess(work) }
        #expect(error?.code == .misuse)
        #expect(error?.message == problem)
    }
}
