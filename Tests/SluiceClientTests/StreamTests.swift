import SluiceHub
import SluiceRuntime
import Synchronization
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Streams of received and sent messages", .bounded) struct StreamTests {
    /// Collects values from several tasks.
    private final class Collector<Value: Sendable>: Sendable {
        private let content = Lock<[Value]>([])

        func add(_ value: Value) { content.withLock { $0.append(value) } }
        var values: [Value] { content.withLock { $0 } }
    }

    private static func code(_ body: () async throws -> Void) async -> SluiceError.Code? {
        do { try await body() } catch { return (error as? SluiceError)?.code ?? .misuse }
        return nil
    }

    // MARK: Receiving

    @Test("Messages arrive in order, and the loop ends after their count", arguments: [1, 2, 7, 256])
    func counted(window: Int) async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            let sending = Task(executorPreference: taskThreads) {
                let pipeline = jobs.pipeline()
                for number in 0..<2000 { try await pipeline.send(String(number)) }
                try await pipeline.finish()
            }
            var received: [String] = []
            for try await message in try jobs.messages(count: 2000, window: window) { received.append(message.text) }
            #expect(received == (0..<2000).map { String($0) })
            try await sending.value
        }
    }

    @Test("A loop that is busy takes no more than its window")
    func boundedByWindow() async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            let senders = (0..<10).map { number in
                Task(executorPreference: taskThreads) { try await jobs.send(String(number)) }
            }
            try await server.parked(10)
            let messages = try jobs.messages(window: 4)
            var loop = messages.makeAsyncIterator()
            _ = try await loop.next()
            try await server.parked(6)
            for _ in 1..<10 { _ = try await loop.next() }
            for sender in senders { _ = try await sender.value }
        }
    }

    @Test("A message that does not count is replaced by another one, within the window")
    func replaced() async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            try await jobs.open(.queue(capacity: 10))
            for number in 0..<5 { try await jobs.send(String(number)) }
            let intake = Intake(
                Intake.Demand(
                    channel: jobs.channelName, lease: .seconds(60), total: 3, window: 2, windowBytes: nil), of: client)
            func next() async throws -> LeasedDelivery {
                let batch = await intake.nextBatch(atMost: 1)
                return try #require(batch?.first?.delivery)
            }
            let (first, second) = (try await next(), try await next())
            #expect([first.message.text, second.message.text] == ["0", "1"])
            for delivery in [first, second] {
                try await delivery.acknowledge()
                intake.release(1, bytes: 1, counted: false)
            }
            // With the first request, and with one that takes its place.
            let (third, fourth) = (try await next(), try await next())
            #expect([third.message.text, fourth.message.text] == ["2", "3"])
            #expect(server.hub.parkedCount == 0)
            try await third.acknowledge()
            intake.release(1, bytes: 1)
            let fifth = try await next()
            #expect(fifth.message.text == "4")
            for delivery in [fourth, fifth] {
                try await delivery.acknowledge()
                intake.release(1, bytes: 1)
            }
            #expect(await intake.nextBatch() == nil)
        }
    }

    @Test("The loop ends with its channel, after what was sent before")
    func endsWithChannel() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            let receiving = Task(executorPreference: taskThreads) {
                var texts: [String] = []
                for try await message in try jobs.messages() { texts.append(message.text) }
                return texts
            }
            for text in ["a", "b", "c"] { try await jobs.send(text) }
            try await jobs.close()
            #expect(try await receiving.value == ["a", "b", "c"])
            #expect(await Self.code { _ = try jobs.messages(count: 0) } == .misuse)
        }
    }

    @Test("A message that does not come in time, and poison, end the loop with their errors")
    func errors() async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            #expect(await Self.code { for try await _ in try jobs.messages(timeout: .milliseconds(1)) {} } == .timedOut)
            let receiving = Task(executorPreference: taskThreads) { for try await _ in try jobs.messages() {} }
            try await server.parked(2)
            try await jobs.poison()
            #expect(await Self.code { try await receiving.value } == .poisoned)
        }
    }

    @Test("Stopping the sequence, and cancelling its task, lose no message", arguments: [true, false])
    func stopsWithoutLoss(stops: Bool) async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            let received = Collector<String>()
            let messages = try jobs.messages(window: 64)
            let receiving = Task(executorPreference: taskThreads) {
                for try await message in messages { received.add(message.text) }
            }
            let pipeline = jobs.pipeline(window: 100)
            let taken = Collector<String>()
            let sending = Task(executorPreference: taskThreads) {
                while true {
                    try await pipeline.send([1, 2, 3]) { if case .success = $0 { taken.add("") } }
                }
            }
            try await until("1000 messages are received") { received.values.count >= 1000 }
            if stops { messages.stop() } else { receiving.cancel() }
            try await receiving.value
            pipeline.withdraw()
            #expect(await Self.code { try await sending.value } == .cancelled)
            await pipeline.settled()
            #expect(received.values.count == taken.values.count)
        }
    }

    @Test("A pipeline that is withdrawn while it sends leaves no message pending")
    func withdrawsWhileSending() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            for _ in 0..<500 {
                let pipeline = jobs.pipeline(window: 4)
                let sending = Task(executorPreference: taskThreads) {
                    while true { try await pipeline.send([1]) { _ in } }
                }
                await Task.yield()
                pipeline.withdraw()
                #expect(await Self.code { try await sending.value } == .cancelled)
                await pipeline.settled()
            }
        }
    }

    @Test("Several loops share a sequence, and each message goes to one of them")
    func sharedSequence() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            let received = Collector<String>()
            let messages = try jobs.messages(window: 16)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { for try await message in messages { received.add(message.text) } }
                }
                let pipeline = jobs.pipeline()
                for number in 0..<500 { try await pipeline.send(String(number)) }
                try await pipeline.finish()
                try await jobs.close()
                try await group.waitForAll()
            }
            #expect(Set(received.values) == Set((0..<500).map { String($0) }))
            #expect(received.values.count == 500)
        }
    }

    @Test("A sequence goes on over the next connection")
    func resumes() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let proxy = try Proxy(to: server.address)
        defer { proxy.stop() }
        let receiver = try await Client.connect(proxy.address.description)
        let sender = try await server.connect()
        let received = Collector<String>()
        let jobs = try receiver.channel("jobs")
        let receiving = Task(executorPreference: taskThreads) {
            for try await message in try jobs.messages(window: 8) { received.add(message.text) }
        }
        let channel = try sender.channel("jobs")
        var states = receiver.states.makeAsyncIterator()
        _ = await states.next()
        for round in 0..<20 {
            for number in 0..<5 {
                let text = "\(round)-\(number)"
                try await channel.send(text)
                // Nothing is on its way when the connection breaks.
                try await until("\(text) is received") { received.values.last == text }
            }
            proxy.cut()
            var isLost = false
            while let state = await states.next() {
                if case .connected = state, isLost { break }
                isLost = true
            }
            // A receive on the old connection would take the next message, and lose it.
            try await until("the old connection is gone") { server.hub.connectionCount == 2 }
        }
        try await channel.close()
        try await receiving.value
        #expect(received.values.count == 100)
        await receiver.close()
        await sender.close()
    }

    // MARK: Sending

    @Test("A pipeline keeps no more in flight than its window")
    func pipelineWindow() async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            let pipeline = jobs.pipeline(window: 3)
            let sent = Atomic<Int>(0)
            let sending = Task(executorPreference: taskThreads) {
                for number in 0..<5 {
                    try await pipeline.send(String(number))
                    sent.add(1, ordering: .relaxed)
                }
            }
            try await server.parked(3)
            #expect(sent.load(ordering: .relaxed) <= 3)
            for number in 0..<5 { #expect(try await jobs.receive()?.text == String(number)) }
            try await sending.value
            try await pipeline.finish()
        }
    }

    @Test("The first failure ends a pipeline, and each message has its outcome")
    func pipelineFailure() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            let pipeline = jobs.pipeline()
            try await pipeline.send("a", id: "1")
            #expect(try await jobs.receive()?.text == "a")
            try await jobs.close()
            let outcomes = Collector<SluiceError.Code?>()
            try await pipeline.send([1]) { result in
                if case .failure(let error) = result { outcomes.add(error.code) }
            }
            #expect(await Self.code { try await pipeline.finish() } == .closed)
            #expect(await Self.code { try await pipeline.send("b") } == .closed)
            #expect(outcomes.values == [.closed])
            #expect(await Self.code { try await jobs.pipeline().send("x", id: "no id") } == .misuse)
        }
    }

    @Test("Withdrawing a pipeline, and cancelling its task, prove that the rest was not received")
    func pipelineWithdrawal() async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            let pipeline = jobs.pipeline()
            for text in ["a", "b", "c"] { try await pipeline.send(text) }
            #expect(try await jobs.receive()?.text == "a")
            try await server.parked(2)
            let finishing = Task(executorPreference: taskThreads) { try await pipeline.finish() }
            finishing.cancel()
            #expect(await Self.code { try await finishing.value } == .cancelled)
            #expect(server.hub.parkedCount == 0)
            #expect(await Self.code { try await pipeline.send([4]) { _ in } } == .cancelled)
        }
    }
}
