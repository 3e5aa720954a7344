import SluiceHub
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Receiving under a lease", .bounded) struct ClientLeaseTests {
    private struct BadWork: Error {}

    @Test("Work that returns acknowledges its message, and work that throws gives it back")
    func whatReturnsIsAcknowledgedAndWhatThrowsGoesBack() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            async let sent = jobs.send("sweep")
            await #expect(throws: BadWork.self) {
                try await jobs.receive(lease: .seconds(60)) { _ in throw BadWork() }
            }
            let attempt = try await jobs.receive(lease: .seconds(60)) { message in
                #expect(message.text == "sweep")
                return message.attempt
            }
            #expect(attempt == 2)
            _ = try await sent
        }
    }

    @Test("A nack returns true if it rejects the message after the last attempt that the channel permits")
    func aNackTellsOfTheRejection() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            try await jobs.open(.queue(capacity: 1), maxAttempts: 2)
            try await jobs.send("sweep")
            for isLast in [false, true] {
                let delivery = try #require(try await jobs.receive(lease: .seconds(60)))
                #expect(try await delivery.nack() == isLast)
            }
            let error = await #expect(throws: SluiceError.self) { _ = try await jobs.receive(timeout: .zero) }
            #expect(error?.code == .timedOut)
        }
    }

    @Test("A receive under a lease on a closed channel returns nil")
    func aClosedChannelHasNoWork() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            try await jobs.close()
            let result: Void? = try await jobs.receive(lease: .seconds(60)) { _ in }
            #expect(result == nil)
        }
    }

    @Test("A delivery without references goes back")
    func aDeliveryThatNobodyRefersToGoesBack() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            async let sent = jobs.send("sweep")
            #expect(try await jobs.receive(lease: .seconds(60))?.message.attempt == 1)
            let delivery = try #require(try await jobs.receive(lease: .seconds(60)))
            #expect(delivery.message.attempt == 2)
            try await delivery.touch()
            try await delivery.acknowledge()
            let error = await #expect(throws: SluiceError.self) { try await delivery.acknowledge() }
            #expect(error?.code == .stale)
            _ = try await sent
        }
    }

    @Test("The lease is renewed while the work takes longer than it")
    func longWorkIsTouchedByItself() async throws {
        let serverClock = ManualReactorClock()
        let clientClock = ManualReactorClock()
        let server = try TestServer.start(clock: serverClock)
        defer { server.stop() }
        let reactor = try Reactor(name: "client", clock: clientClock)
        try reactor.start()
        defer { reactor.stop() }
        let client = try await Client.connect(server.address.description, options: ClientOptions(), on: reactor)
        let jobs = try client.channel("jobs")
        async let sent = jobs.send("sweep")
        _ = try await jobs.receive(lease: .seconds(10)) { _ in
            for _ in 0..<5 {
                serverClock.advance(by: .seconds(8))
                // The work of the server that began before its clock moved ends before it reads the second ping, so it
                // counts the renewed lease from the new time.
                for _ in 0..<2 { _ = try await client.ping() }
                clientClock.advance(by: .seconds(5))
                // The turn in which the client's reactor hears the first answer began after the clock moved, so the lease is
                // renewed in it. The third ping follows that on the connection.
                for _ in 0..<3 { _ = try await client.ping() }
            }
        }
        _ = try await sent
        await client.close()
    }

    @Test("A loop over deliveries holds no more than its window")
    func aLoopHoldsNoMoreThanItsWindow() async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            let senders = (0..<10).map { number in
                Task(executorPreference: taskThreads) { try await jobs.send(String(number)) }
            }
            try await server.parked(10)
            var count = 0
            for try await delivery in try jobs.deliveries(lease: .seconds(60), window: 3) {
                #expect(try await client.channelsReport().channels.first?.leased ?? 0 <= 3)
                try await delivery.acknowledge()
                count += 1
                if count == 10 { break }
            }
            for sender in senders { _ = try await sender.value }
        }
    }

    @Test("Deliveries that a loop leaves behind go back")
    func whatALoopLeavesGoesBack() async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            let senders = (0..<3).map { number in
                Task(executorPreference: taskThreads) { try await jobs.send(String(number)) }
            }
            for try await delivery in try jobs.deliveries(lease: .seconds(60), window: 3) {
                try await delivery.acknowledge()
                break
            }
            var rest = 0
            while rest < 2 {
                _ = try await jobs.receive(lease: .seconds(60)) { _ in }
                rest += 1
            }
            for sender in senders { _ = try await sender.value }
        }
    }
}
