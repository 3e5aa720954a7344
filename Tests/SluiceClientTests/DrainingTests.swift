import SluiceHub
import SluiceRuntime
import Synchronization
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Clients of a draining server", .bounded) struct DrainingTests {
    @Test("Receives outlive a server that drains, and sends and barriers did not happen")
    func receivesOutliveADrainingServer() async throws {
        let first = try TestServer.start(epoch: 1)
        let client = try await first.connect()
        let (jobs, news) = (try client.channel("jobs"), try client.channel("news"))
        let receiver = Task(executorPreference: taskThreads) { try await jobs.receive()?.text }
        let sender = Task(executorPreference: taskThreads) { _ = try await news.send("x", id: "x") }
        let choice = Task(executorPreference: taskThreads) { try await client.select { jobs.receiving { $0?.text } } }
        let meeting = Task(executorPreference: taskThreads) { try await client.barrier("b", parties: 2) }
        try await first.parked(4)
        first.drain()
        #expect(await #expect(throws: SluiceError.self) { try await sender.value }?.code == .draining)
        #expect(await #expect(throws: SluiceError.self) { try await meeting.value }?.code == .draining)
        try await first.disconnected()
        #expect(first.hub.endings == [.drained: 1])
        // The server does not wait for the client to notice. What a client sends before it has noticed is in doubt.
        try await until("the client has noticed") { if case .connecting = client.state { true } else { false } }
        first.stop()
        // Submitted again, the operation waits for a connection, and so happens at the next server.
        let again = Task(executorPreference: taskThreads) { _ = try await news.send("x", id: "x") }
        let second = try TestServer.start(at: first.address, epoch: 2)
        defer { second.stop() }
        let other = try await second.connect()
        #expect(try await other.channel("news").receive()?.text == "x")
        try await again.value
        try await second.parked(2)
        for _ in 0..<2 { try await other.channel("jobs").send("y") }
        #expect(try await receiver.value == "y")
        #expect(try await choice.value == "y")
        await client.close()
        await other.close()
    }

    /// What the loops have done.
    private final class Log: Sendable {
        let begun = Lock(0)
        let seen = Lock<[String]>([])
    }

    @Test("Loops over leased messages outlive a server that drains")
    func leasedLoopsOutliveADrainingServer() async throws {
        let first = try TestServer.start(epoch: 1)
        let client = try await first.connect()
        let jobs = try client.channel("jobs")
        let log = Log()
        let ahead = Task(executorPreference: taskThreads) {
            for try await delivery in try jobs.deliveries(lease: .seconds(3600), window: 4) {
                log.seen.withLock { $0.append(delivery.message.text) }
                try await delivery.acknowledge()
            }
        }
        let oneByOne = Task(executorPreference: taskThreads) {
            while try await jobs.receive(
                lease: .seconds(3600),
                { message in
                    log.begun.withLock { $0 += 1 }
                    try await until("the server drains") { first.hub.isDraining }
                    log.seen.withLock { $0.append(message.text) }
                }) != nil
            {}
        }
        try await first.parked(2)
        let other = try await first.connect()
        let sending = (0..<2).map { number in
            Task(executorPreference: taskThreads) { _ = try await other.channel("jobs").send("\(number)") }
        }
        try await until("both loops have a message") {
            log.begun.withLock { $0 } == 1 && log.seen.withLock { $0.count } == 1
        }
        first.drain()
        for send in sending { try await send.value }
        await other.close()
        try await first.disconnected()
        first.stop()
        let second = try TestServer.start(at: first.address, epoch: 2)
        defer { second.stop() }
        try await second.parked(2)
        let later = try await second.connect()
        for text in ["2", "3"] { try await later.channel("jobs").send(text) }
        try await later.channel("jobs").close()
        try await ahead.value
        try await oneByOne.value
        #expect(log.seen.withLock { $0.sorted() } == ["0", "1", "2", "3"])
        await client.close()
        await later.close()
    }

    @Test("Without another connection, a draining server ends receives too")
    func receivesWithoutAnotherConnectionEnd() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        var options = ClientOptions()
        options.reconnect = nil
        let client = try await server.connect(options)
        let receiver = Task(executorPreference: taskThreads) { try await client.channel("jobs").receive() }
        try await server.parked(1)
        server.drain()
        #expect(await #expect(throws: SluiceError.self) { _ = try await receiver.value }?.code == .draining)
        await client.close()
    }

    @Test("A draining server refuses new work and still accepts acknowledgements")
    func whatIsNewIsRefusedAndWhatIsHeldIsStillAcknowledged() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let (client, other) = (try await server.connect(), try await server.connect())
        let jobs = try client.channel("jobs")
        let sender = Task(executorPreference: taskThreads) { _ = try await other.channel("jobs").send("x") }
        let message = try #require(try await jobs.receive(lease: .seconds(3600)))
        server.drain()
        #expect(await #expect(throws: SluiceError.self) { try await jobs.send("y") }?.code == .draining)
        #expect(
            await #expect(throws: SluiceError.self) { try await client.barrier("b", parties: 1) }?.code == .draining)
        #expect(await #expect(throws: SluiceError.self) { _ = try await jobs.tryReceive() }?.code == .draining)
        _ = try await client.ping()
        try await message.acknowledge()
        try await sender.value
        try await server.disconnected()
        await client.close()
        await other.close()
    }

    @Test("A message still held when the server stops is in doubt for its sender")
    func whatAReceiverHoldsAtTheEndIsInDoubt() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let (client, other) = (try await server.connect(), try await server.connect())
        let sender = Task(executorPreference: taskThreads) { _ = try await client.channel("jobs").send("x") }
        let message = try #require(try await other.channel("jobs").receive(lease: .seconds(3600)))
        server.drain(within: .zero)
        #expect(await #expect(throws: SluiceError.self) { try await sender.value }?.code == .inDoubt)
        try await server.disconnected()
        let error = await #expect(throws: SluiceError.self) { try await message.acknowledge() }
        #expect(error?.code == .inDoubt || error?.code == .stale)
        await client.close()
        await other.close()
    }
}
