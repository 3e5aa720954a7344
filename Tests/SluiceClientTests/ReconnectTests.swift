import SluiceHub
import SluiceRuntime
import Synchronization
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Connecting and reconnecting", .bounded) struct ReconnectTests {
    @Test("Connecting fails when nothing listens at the address")
    func nobodyThereIsAnError() async throws {
        let port = try ReservedPort()
        let error = await #expect(throws: SluiceError.self) { try await Client.connect("127.0.0.1:\(port.number)") }
        #expect(error?.code == .system)
    }

    @Test("Connecting fails when the peer is not a Sluice server")
    func aPeerThatIsNoServerIsAnError() async throws {
        let impostor = try Impostor.start { stream in
            try await stream.write("HTTP/1.1 400 Bad Request\r\n".utf8)
            _ = try await stream.read(upTo: 100)
        }
        defer { impostor.stop() }
        let error = await #expect(throws: SluiceError.self) { try await Client.connect(impostor.address) }
        #expect(error?.code == .misuse)
    }

    @Test("A server with users accepts only valid credentials")
    func aServerWithUsersWantsCredentials() async throws {
        var users = Principals()
        _ = users.add("ann", token: "secret")
        let server = try TestServer.start(principals: users)
        defer { server.stop() }
        var options = ClientOptions()
        let missing = await #expect(throws: SluiceError.self) { try await server.connect(options) }
        #expect(missing?.code == .authRequired)
        options.label = "worker"
        let labelled = await #expect(throws: SluiceError.self) { try await server.connect(options) }
        #expect(labelled?.code == .authRequired)
        options.credentials = ClientCredentials(principal: "ann", token: "wrong")
        let error = await #expect(throws: SluiceError.self) { try await server.connect(options) }
        #expect(error?.code == .denied)
        try await server.disconnected()
        options.credentials = ClientCredentials(principal: "ann", token: "secret")
        let client = try await server.connect(options)
        #expect(try await client.serverReport().connections == 1)
        await client.close()
    }

    @Test("A receive waits on over the next connection")
    func aReceiveWaitsOnOverTheNextConnection() async throws {
        let first = try TestServer.start(epoch: 1)
        let client = try await first.connect()
        let jobs = try client.channel("jobs")
        let receiver = Task(executorPreference: taskThreads) { try await jobs.receive()?.text }
        let choice = Task(executorPreference: taskThreads) { try await client.select { jobs.receiving { $0?.text } } }
        let sender = Task(executorPreference: taskThreads) { try await client.channel("other").send("x") }
        try await first.parked(3)
        var states = client.states.makeAsyncIterator()
        guard case .connected(let greeting)? = await states.next() else { throw Surprise() }
        #expect(greeting.epoch == 1)
        first.stop()
        guard case .connecting(after: .some)? = await states.next() else { throw Surprise() }
        let error = await #expect(throws: SluiceError.self) { try await sender.value }
        #expect(error?.code == .inDoubt)
        let second = try TestServer.start(at: first.address, epoch: 2)
        defer { second.stop() }
        try await second.parked(2)
        let other = try await second.connect()
        try await other.channel("jobs").send("x")
        try await other.channel("jobs").send("x")
        #expect(try await receiver.value == "x")
        #expect(try await choice.value == "x")
        #expect(try await client.serverReport().epoch == 2)
        await client.close()
        await other.close()
    }

    @Test("A client without reconnection ends with its first connection")
    func aClientMayEndWithItsFirstConnection() async throws {
        let server = try TestServer.start()
        var options = ClientOptions()
        options.reconnect = nil
        let client = try await server.connect(options)
        let receiver = Task(executorPreference: taskThreads) { try await client.channel("jobs").receive() }
        try await server.parked(1)
        server.stop()
        let error = await #expect(throws: SluiceError.self) { _ = try await receiver.value }
        #expect(error != nil)
        for await state in client.states { if case .ended = state { return } }
        throw Surprise()
    }

    @Test("A closed client fails its pending and later operations")
    func aClosedClientTakesNoMoreOperations() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let client = try await server.connect()
        let receiver = Task(executorPreference: taskThreads) { try await client.channel("jobs").receive() }
        try await server.parked(1)
        await client.close()
        await #expect(throws: SluiceError.self) { _ = try await receiver.value }
        let error = await #expect(throws: SluiceError.self) { try await client.ping() }
        #expect(error?.code == .disconnected)
        await client.close()
    }

    @Test("A client is closed when the last reference to it is gone")
    func aClientThatNobodyRefersToIsClosed() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        _ = try await server.connect()
        try await server.disconnected()
    }

    @Test("A cancelled task still closes its client with QUIT")
    func aClientIsClosedInGoodOrderByATaskThatIsCancelled() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let task = Task(executorPreference: taskThreads) {
            try await withClient(server.address.description) { client in
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await client.channel("jobs").receive()
            }
        }
        await #expect(throws: SluiceError.self) { try await task.value }
        try await until("a connection has ended") { !server.hub.endings.isEmpty }
        #expect(server.hub.endings == [.quit: 1])
    }

    private struct Surprise: Error {}

    /// Counts how often each text has arrived.
    private final class Tally: Sendable {
        private let content = Lock<[String: Int]>([:])

        func count(_ text: String) { content.withLock { $0[text, default: 0] += 1 } }
        var counts: [String: Int] { content.withLock { $0 } }
    }

    @Test("A send whose answer was lost is a duplicate with an id, and in doubt without one")
    func aSendWhoseAnswerIsLostIsFoundDoneUnderItsIDAndInDoubtWithoutOne() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let proxy = try Proxy(to: server.address)
        defer { proxy.stop() }
        let receiver = try await server.connect()
        let sender = try await Client.connect(proxy.address.description)
        let (jobs, received) = (try sender.channel("jobs"), try receiver.channel("jobs"))
        proxy.mute()
        let named = Task(executorPreference: taskThreads) { try await jobs.send("named", id: "a") }
        #expect(try await received.receive()?.text == "named")
        let nameless = Task(executorPreference: taskThreads) { try await jobs.send("nameless") }
        #expect(try await received.receive()?.text == "nameless")
        proxy.cut()
        #expect(try await named.value.isDuplicate)
        let error = await #expect(throws: SluiceError.self) { try await nameless.value }
        #expect(error?.code == .inDoubt)
        #expect(try await received.tryReceive() == nil)
        await sender.close()
        await receiver.close()
    }

    @Test("Messages with ids arrive exactly once over connections that break")
    func idsArriveOnceWhateverBecomesOfTheConnections() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let proxy = try Proxy(to: server.address)
        defer { proxy.stop() }
        let receiver = try await server.connect()
        let sender = try await Client.connect(proxy.address.description)
        let (rounds, senders) = (60, 16)
        let received = Tally()
        let jobs = try receiver.channel("jobs")
        let receiving = (0..<4).map { _ in
            Task(executorPreference: taskThreads) {
                for try await message in jobs { received.count(message.text) }
            }
        }
        let channel = try sender.channel("jobs")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<senders {
                group.addTask {
                    for round in 0..<rounds {
                        let name = "\(task)-\(round)"
                        try await channel.send(name, id: name)
                        if task == 0 { proxy.cut() }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await jobs.close()
        for task in receiving { try await task.value }
        let counts = received.counts
        #expect(counts.count == rounds * senders)
        #expect(counts.values.allSatisfy { $0 == 1 })
        await sender.close()
        await receiver.close()
    }
}
