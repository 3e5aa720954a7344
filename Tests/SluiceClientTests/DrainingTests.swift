import SluiceHub
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Clients of a draining server", .bounded) struct DrainingTests {
    @Test("A draining server withdraws what waits, and the client waits for the next server")
    func whatWaitsDidNotHappenAndTheClientWaitsForTheNextServer() async throws {
        let first = try TestServer.start(epoch: 1)
        let client = try await first.connect()
        let (jobs, news) = (try client.channel("jobs"), try client.channel("news"))
        let receiver = Task { try await jobs.receive() }
        let sender = Task { try await news.send("x", id: "x") }
        let choice = Task { try await client.select { jobs.receiving { $0?.text } } }
        let meeting = Task { try await client.barrier("b", parties: 2) }
        try await first.parked(4)
        first.drain()
        #expect(await #expect(throws: SluiceError.self) { _ = try await receiver.value }?.code == .draining)
        #expect(await #expect(throws: SluiceError.self) { try await sender.value }?.code == .draining)
        #expect(await #expect(throws: SluiceError.self) { _ = try await choice.value }?.code == .draining)
        #expect(await #expect(throws: SluiceError.self) { try await meeting.value }?.code == .draining)
        try await first.disconnected()
        #expect(first.hub.endings == [.drained: 1])
        // The server does not wait for the client to notice. What a client sends before it has noticed is in doubt.
        try await until("the client has noticed") { if case .connecting = client.state { true } else { false } }
        first.stop()
        // Submitted again, the operation waits for a connection, and so happens at the next server.
        let again = Task { try await news.send("x", id: "x") }
        let second = try TestServer.start(at: first.address, epoch: 2)
        defer { second.stop() }
        let other = try await second.connect()
        #expect(try await other.channel("news").receive()?.text == "x")
        try await again.value
        await client.close()
        await other.close()
    }

    @Test("A draining server refuses new work and still accepts acknowledgements")
    func whatIsNewIsRefusedAndWhatIsHeldIsStillAcknowledged() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let (client, other) = (try await server.connect(), try await server.connect())
        let jobs = try client.channel("jobs")
        let sender = Task { try await other.channel("jobs").send("x") }
        let message = try #require(try await jobs.receive(lease: .seconds(3600)))
        server.drain()
        #expect(await #expect(throws: SluiceError.self) { try await jobs.send("y") }?.code == .draining)
        #expect(
            await #expect(throws: SluiceError.self) { try await client.barrier("b", parties: 1) }?.code == .draining)
        #expect(await #expect(throws: SluiceError.self) { _ = try await jobs.receive() }?.code == .draining)
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
        let sender = Task { try await client.channel("jobs").send("x") }
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
