import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceHub

/// In-process and remote clients on the same channels.
@Suite(.bounded) struct InProcessTests {
    @Test("A remote sender matches an in-process receiver")
    func aRemoteSenderMatchesAnInProcessReceiver() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            let jobs = try service.hub.channel("jobs")
            let receiver = service.reactor.spawn { try await jobs.receive() }
            try await service.parked(1)
            try await remote.say("SEND jobs hello\n")
            try await remote.hear("OK\n")
            #expect(try await receiver.value == Array("hello".utf8))
        }
    }

    @Test("An in-process sender waits for a remote receiver")
    func anInProcessSenderWaitsForARemoteReceiver() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            let jobs = try service.hub.channel("jobs")
            let sender = service.reactor.spawn { try await jobs.send("hello") }
            try await service.parked(1)
            #expect(sender.outcome == nil)
            try await remote.say("RECV jobs\n")
            try await remote.hear("MSG jobs 5\nhello\n")
            try await sender.join()
        }
    }

    // The reactor has its own thread, so that the test's thread is free for the tasks that it starts.
    @Test("Tasks on other threads can use the hub's channels")
    func tasksOffTheReactorTakePart() async throws {
        let reactor = try Reactor()
        try reactor.start()
        let hub = Hub(on: reactor, epoch: 1)
        let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
        reactor.spawn("listener") { try await hub.serve(listener) }
        let (questions, answers) = (try hub.channel("questions"), try hub.channel("answers"))
        let server = Task.detached {
            for try await question in questions { try await answers.send([UInt8](question.reversed())) }
        }
        let client = reactor.spawn {
            let remote = Client(stream: try await SluiceRuntime.Stream.connect(to: listener.localAddress))
            for word in ["one", "two", "three"] {
                try await remote.say("SEND questions \(word)\nRECV answers\n")
                try await remote.hear("OK\nMSG answers \(word.utf8.count)\n\(String(word.reversed()))\n")
            }
        }
        try await client.join()
        try questions.close()
        try await server.value
        listener.close()
        reactor.stop()
    }

    @Test("CLOSE and POISON apply to in-process and remote clients alike")
    func closeAndPoisonApplyToBothSides() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            let (closed, poisoned) = (try service.hub.channel("closed"), try service.hub.channel("poisoned"))
            try await remote.say("CLOSE closed\nPOISON poisoned out of paper\n")
            try await remote.hear("OK\nOK\n")
            #expect(try await closed.receive() == nil)
            #expect(await code { try await closed.send("x") } == .closed)
            #expect(await code { _ = try await poisoned.receive() } == .poisoned)
            try service.hub.channel("other").poison(reason: "done")
            try await remote.say("RECV other\n")
            try await remote.hear("POISONED other done\n")
        }
    }

    @Test("A timeout or a cancellation withdraws an in-process operation")
    func timeAndCancellationWithdraw() throws {
        try HubService.run { service in
            let jobs = try service.hub.channel("jobs")
            #expect(await code { _ = try await jobs.receive(timeout: .zero) } == .timedOut)
            let late = service.reactor.spawn { await code { try await jobs.send("x", timeout: .seconds(5)) } }
            let cancelled = service.reactor.spawn { await code { _ = try await jobs.send("y") } }
            try await service.parked(2)
            cancelled.cancel()
            #expect(try await cancelled.value == .cancelled)
            service.clock.advance(by: .seconds(5))
            #expect(try await late.value == .timedOut)
            #expect(service.hub.parkedCount == 0)
            #expect(service.hub.channelCount == 0)
        }
    }

    @Test("Cancelling a send whose message is leased throws inDoubt")
    func aSendWhoseMessageIsHeldIsInDoubtWhenItIsCancelled() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            let jobs = try service.hub.channel("jobs")
            try await remote.say("RECV lease=1m jobs\n")
            try await service.parked(1)
            let sender = service.reactor.spawn { await code { try await jobs.send("x") } }
            try await remote.hear("MSG jobs 1 did=1.0 attempt=1 fence=44040193\nx\n")
            sender.cancel()
            #expect(try await sender.value == .inDoubt)
        }
    }

    // MARK: Leases

    @Test("A leased message is acknowledged, given back or returned when no code refers to it")
    func aHeldMessageIsAcknowledgedOrComesBack() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            let jobs = try service.hub.channel("jobs")
            try await remote.say("SEND jobs hello\n")
            try await service.parked(1)
            var message = try await jobs.receive(lease: .seconds(5))
            #expect(message?.attempt == 1)
            try message?.nack()
            #expect(await code { try message?.acknowledge() } == .refused)
            // No variable keeps this message.
            _ = try await jobs.receive(lease: .seconds(5))
            message = try await jobs.receive(lease: .seconds(5))
            #expect(message?.attempt == 3)
            service.clock.advance(by: .milliseconds(4999))
            try message?.touch()
            service.clock.advance(by: .milliseconds(4999))
            try message?.acknowledge()
            try await remote.hear("OK\n")
        }
    }

    @Test("Calls and answers of tasks in the process and of remote clients match each other")
    func callsAndAnswersMatch() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            let squares = try service.hub.channel("squares")
            try await remote.say("CALL squares 7\n")
            let message = try await squares.receive(lease: .seconds(5))
            #expect(message?.wantsAnswer == true)
            try message?.answer("49")
            try await remote.hear("DATA 2\n49\n")
            try await remote.say("RECV lease=1m squares\n")
            try await service.parked(1)
            let call = service.reactor.spawn { try await squares.call("8") }
            try await remote.hear("MSG squares 1 did=2.0 attempt=1 fence=44040194 call=yes\n8\n")
            try await remote.say("ACK 2.0 64\n")
            try await remote.hear("OK\n")
            #expect(try await call.value == Array("64".utf8))
            let taken = service.reactor.spawn { try await squares.call("9") }
            try await service.parked(1)
            #expect(try await squares.receive() == Array("9".utf8))
            #expect(try await taken.value == nil, "without a lease there is no answer")
            #expect(await code { _ = try await squares.call("10", timeout: .zero) } == .timedOut)
        }
    }

    @Test("A leased message keeps its in-process client alive")
    func aLeasedMessageKeepsItsClient() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            try await remote.say("SEND jobs hello\nNAME r\nCLIENTS\n")
            try await service.parked(1)
            var worker: InProcessClient? = service.hub.client("worker")
            #expect(worker != nil)
            let message = try await worker?.channel("jobs").receive(lease: .seconds(5))
            worker = nil
            #expect(message?.bytes == Array("hello".utf8), "the message keeps its client")
            try message?.acknowledge()
            try await remote.hear("OK\nOK\nDATA ")
        }
    }

    // MARK: Selects and barriers

    @Test("In-process and remote selects match each other")
    func selectsOfBothSidesMatch() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            let client = service.hub.client("chooser")
            let (a, b) = (try client.channel("a"), try client.channel("b"))
            for round in 0..<50 {
                let chooser = service.reactor.spawn {
                    try await client.select {
                        a.receiving { "received \(String(decoding: $0 ?? [], as: UTF8.self))" }
                        b.sending([UInt8]("from within".utf8)) { "sent" }
                    }
                }
                try await service.parked(1)
                if round % 2 == 0 {
                    try await remote.say("SELECT send a hello | recv c\n")
                    try await remote.hear("OK arm=0\n")
                    #expect(try await chooser.value == "received hello")
                } else {
                    try await remote.say("SELECT recv c | recv b\n")
                    try await remote.hear("MSG b 11 arm=1\nfrom within\n")
                    #expect(try await chooser.value == "sent")
                }
                #expect(service.hub.parkedCount == 0)
            }
        }
    }

    @Test("An in-process select can have a timeout and sees closed channels")
    func aSelectCanTimeOut() throws {
        try HubService.run { service in
            let client = service.hub.client("chooser")
            let a = try client.channel("a")
            let other = try await client.select {
                a.receiving { _ in "received" }
                otherwise { "nothing" }
            }
            #expect(other == "nothing")
            let chooser = service.reactor.spawn {
                try await client.select {
                    a.receiving { _ in "received" }
                    after(.seconds(3)) { "late" }
                }
            }
            try await service.parked(1)
            service.clock.advance(by: .seconds(3))
            #expect(try await chooser.value == "late")
            try a.close()
            let ended = try await client.select { a.receiving { $0 == nil ? "closed" : "received" } }
            #expect(ended == "closed")
        }
    }

    @Test("In-process and remote clients meet at a barrier")
    func aBarrierIsForAll() throws {
        try HubService.run { service in
            let remote = try await service.connect()
            let client = service.hub.client("party")
            let party = service.reactor.spawn { try await client.barrier("start", parties: 3) }
            try await remote.say("#1 BARRIER parties=3 start\n")
            try await service.parked(2)
            try await remote.say("#2 SELECT barrier start | recv never\n")
            try await remote.hear("#2 OK arm=0\n#1 OK\n")
            try await party.join()
            #expect(await code { try await client.barrier("start", parties: 0) } == .misuse)
            #expect(await code { _ = try service.hub.channel("-no name") } == .misuse)
        }
    }

    @Test("Many tasks and many remote clients lose no message")
    func manyTasksAndManyClientsLoseNothing() throws {
        try HubService.run { service in
            let hub = service.hub
            let (work, done) = (try hub.channel("work"), try hub.channel("done"))
            for _ in 0..<8 {
                service.reactor.spawn { for try await job in work { try await done.send(job) } }
            }
            var clients: [Client] = []
            for number in 0..<8 {
                let client = try await service.connect()
                try await client.say((0..<100).map { "#\($0) SEND work \(number)-\($0)\n" }.joined())
                clients.append(client)
            }
            var seen: Set<[UInt8]> = []
            for _ in 0..<800 { seen.insert(try #require(try await done.receive())) }
            #expect(seen.count == 800)
            try work.close()
            try await service.until { hub.parkedCount == 0 }
        }
    }

    /// Returns the code of the error that `body` throws, or nil.
    private func code(_ body: () async throws -> Void) async -> SluiceError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? SluiceError)?.code
        }
    }
}
