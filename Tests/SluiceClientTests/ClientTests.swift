import SluiceHub
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Client", .bounded) struct ClientTests {
    @Test("A message goes from one task to another")
    func aMessageGoesFromTaskToTask() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            async let receipt = jobs.send("sweep the yard")
            #expect(try await jobs.receive()?.text == "sweep the yard")
            let sent = try await receipt
            #expect(!sent.isDuplicate && !sent.isKept)
        }
    }

    @Test("Ten thousand concurrent operations over one connection all complete")
    func tenThousandOperationsOverOneConnectionAllComplete() async throws {
        try await TestServer.run { _, client in
            let channel = try client.channel("c")
            try await withThrowingTaskGroup(of: Int?.self) { group in
                for number in 0..<5000 {
                    group.addTask {
                        try await channel.send(String(number))
                        return nil
                    }
                    group.addTask { try await channel.receive().flatMap { Int($0.text) } }
                }
                var received: Set<Int> = []
                for try await number in group { if let number { received.insert(number) } }
                #expect(received == Set(0..<5000))
            }
        }
    }

    @Test("A message of a megabyte arrives whole")
    func aMegabyteArrivesWhole() async throws {
        try await TestServer.run { _, client in
            let channel = try client.channel("c")
            let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            async let sent = channel.send(body)
            #expect(try await channel.receive()?.bytes == body)
            _ = try await sent
        }
    }

    @Test("trySend and tryReceive report whether there was a counterpart")
    func triesSayWhetherSomebodyWasThere() async throws {
        try await TestServer.run { server, client in
            let channel = try client.channel("c")
            #expect(try await !channel.trySend("x"))
            #expect(try await channel.tryReceive() == nil)
            async let received = channel.receive()
            try await server.parked(1)
            #expect(try await channel.trySend("x"))
            #expect(try await received?.text == "x")
            try await channel.close()
            let error = await #expect(throws: SluiceError.self) { try await channel.tryReceive() }
            #expect(error?.code == .closed)
        }
    }

    @Test("Timeouts and refusals have their error codes")
    func deadlinesAndRefusalsHaveTheirCodes() async throws {
        try await TestServer.run { server, client in
            let channel = try client.channel("c")
            func code(_ body: () async throws -> Void) async -> SluiceError.Code? {
                do { try await body() } catch { return (error as? SluiceError)?.code }
                return nil
            }
            #expect(await code { _ = try await channel.receive(timeout: .milliseconds(1)) } == .timedOut)
            #expect(await code { try await channel.send("x", timeout: .milliseconds(1)) } == .timedOut)
            #expect(await code { try await channel.send("x", id: "no id") } == .misuse)
            #expect(await code { _ = try client.channel("no name") } == .misuse)
            #expect(await code { try await channel.leave(.sending) } == .notFound)
            #expect(await code { try await channel.send([UInt8](repeating: 0, count: 2 << 20)) } == .tooBig)
            let received = Task(executorPreference: taskThreads) { try await channel.receive() }
            try await server.parked(1)
            try await client.channel("kept").open(.queue(capacity: 1))
            #expect(await code { try await client.channel("kept").open(.broadcast) } == .conflict)
            try await channel.poison(reason: "rain")
            let error = await #expect(throws: SluiceError.self) { _ = try await received.value }
            #expect(error?.code == .poisoned)
            #expect(error?.message.contains("rain") == true)
        }
    }

    @Test("A loop over a channel ends when the channel is closed and empty")
    func aLoopEndsWithItsChannel() async throws {
        try await TestServer.run { _, client in
            let channel = try client.channel("c")
            let reader = Task(executorPreference: taskThreads) {
                var texts: [String] = []
                for try await message in channel { texts.append(message.text) }
                return texts
            }
            for text in ["a", "b", "c"] { try await channel.send(text) }
            try await channel.close()
            #expect(try await reader.value == ["a", "b", "c"])
        }
    }

    @Test("A loop over a channel takes no message before it asks for it")
    func aLoopTakesNoMoreThanItIsAskedFor() async throws {
        try await TestServer.run { _, client in
            let channel = try client.channel("c")
            var loop = channel.makeAsyncIterator()
            async let first = channel.send("a")
            let message = try await loop.next()
            #expect(message?.text == "a")
            _ = try await first
            #expect(try await !channel.trySend("b"))
        }
    }

    private struct Job: Codable, Hashable {
        var name: String
        var size: Int
    }

    @Test("Values are sent and received as JSON")
    func valuesTravelAsJSON() async throws {
        try await TestServer.run { _, client in
            let channel = try client.channel("c")
            let job = Job(name: "yard", size: 3)
            async let sent = channel.send(json: job)
            let message = try #require(try await channel.receive())
            #expect(try message.json(Job.self) == job)
            _ = try await sent
        }
    }

    @Test("A broadcast reaches all receivers and reports their number")
    func aBroadcastTellsItsReceivers() async throws {
        try await TestServer.run { server, client in
            let news = try client.channel("news")
            try await news.open(.broadcast)
            async let first = news.receive()
            async let second = news.receive()
            #expect(try await news.broadcast(Array("x".utf8), toAtLeast: 2).receivers == 2)
            #expect(try await [first, second].map { $0?.text } == ["x", "x"])
        }
    }

    @Test("A message that is sent twice under an id is delivered once")
    func anIDIsDeliveredOnce() async throws {
        try await TestServer.run { _, client in
            let channel = try client.channel("c")
            try await channel.open(.queue(capacity: 10))
            let first = try await channel.send("x", id: "a")
            #expect(!first.isDuplicate && first.isKept)
            let second = try await channel.send("x", id: "a")
            #expect(second.isDuplicate && second.isKept)
            #expect(try await channel.tryReceive()?.text == "x")
            #expect(try await channel.tryReceive() == nil)
        }
    }

    @Test("A barrier opens when all parties are there")
    func aBarrierOpensForAll() async throws {
        try await TestServer.run { _, client in
            async let first: Void = client.barrier("start", parties: 2)
            async let second: Void = client.barrier("start", parties: 2)
            _ = try await (first, second)
            let error = await #expect(throws: SluiceError.self) {
                try await client.barrier("start", parties: 2, timeout: .zero)
            }
            #expect(error?.code == .timedOut)
        }
    }

    @Test("The last sending end to leave closes the channel")
    func theLastEndToLeaveClosesTheChannel() async throws {
        try await TestServer.run { server, client in
            let channel = try client.channel("c")
            try await channel.join(.sending)
            async let received = channel.receive()
            try await server.parked(1)
            try await channel.leave(.sending)
            #expect(try await received == nil)
        }
    }

    @Test("Closing a client makes it leave its ends in good order")
    func aClientThatIsClosedLeavesItsEndsInGoodOrder() async throws {
        try await TestServer.run { server, client in
            let other = try await server.connect()
            try await other.channel("c").join(.sending, lostConnection: .poisons)
            async let received = client.channel("c").receive()
            try await server.parked(1)
            await other.close()
            #expect(try await received == nil)
        }
    }

    // MARK: Looking inside

    @Test("Reports are decoded into their types")
    func reportsAreTyped() async throws {
        try await TestServer.run { server, client in
            #expect(try await client.serverReport().epoch == 42)
            #expect(try await client.stuckReport().cycles.isEmpty)
            try await client.setLabel("foreman")
            async let received = client.channel("jobs").receive(timeout: .seconds(60))
            try await server.parked(1)
            let waiter = try #require(try await client.waitersReport(channel: "jobs").waiters.first)
            #expect(waiter.operation == .receive && waiter.label == "foreman")
            let channel = try #require(try await client.channelsReport(prefix: "jo").channels.first)
            #expect(channel.name == "jobs" && channel.receivers == 1)
            #expect(try await client.clientsReport().clients.map(\.label) == ["foreman"])
            try await client.channel("jobs").send("x")
            _ = try await received
            #expect(try await client.help(on: "send").contains("SEND"))
            #expect(try await client.ping() >= .zero)
        }
    }

    @Test("A trace shows each handoff")
    func aTraceShowsWhatChangesHands() async throws {
        try await TestServer.run { server, client in
            var handoffs = try client.handoffs(prefix: "jobs").makeAsyncIterator()
            try await server.parked(1)
            let jobs = try client.channel("jobs")
            async let sent = jobs.send("sweep")
            _ = try await jobs.receive()
            _ = try await sent
            let handoff = try await handoffs.next()
            #expect(handoff?.channel == "jobs" && handoff?.bodyBytes == 5)
        }
    }
}
