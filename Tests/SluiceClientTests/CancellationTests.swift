import SluiceHub
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Cancelling operations", .bounded) struct ClientCancellationTests {
    private func code(of task: Task<some Sendable, any Error>) async -> SluiceError.Code? {
        if case .failure(let error) = await task.result { (error as? SluiceError)?.code } else { nil }
    }

    @Test("Cancelling a task withdraws its operation at the server")
    func aCancelledTaskWithdrawsItsOperation() async throws {
        try await TestServer.run { server, client in
            let channel = try client.channel("c")
            let tasks = [
                Task(executorPreference: taskThreads) { _ = try await channel.receive() },
                Task(executorPreference: taskThreads) { _ = try await client.channel("d").send("x") },
                Task(executorPreference: taskThreads) { try await client.barrier("b", parties: 2) },
                Task(executorPreference: taskThreads) { try await client.select { channel.receiving { _ in } } },
            ]
            try await server.parked(4)
            for task in tasks { task.cancel() }
            for task in tasks { #expect(await code(of: task) == .cancelled) }
            #expect(server.hub.parkedCount == 0)
        }
    }

    @Test("A task that is already cancelled sends nothing")
    func aTaskThatIsCancelledAlreadyAsksForNothing() async throws {
        try await TestServer.run { server, client in
            let channel = try client.channel("c")
            let task = Task(executorPreference: taskThreads) {
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await channel.receive()
            }
            #expect(await code(of: task) == .cancelled)
        }
    }

    @Test("No message is lost to a cancellation that races with it")
    func noMessageIsLostToCancellation() async throws {
        try await TestServer.run { server, client in
            let channel = try client.channel("c")
            var received: [Int] = []
            for number in 0..<500 {
                let receiver = Task(executorPreference: taskThreads) { try await channel.receive() }
                let sender = Task(executorPreference: taskThreads) { try await channel.send(String(number)) }
                // Races with the message: both sides must agree on which came first.
                receiver.cancel()
                if case .success(let message?) = await receiver.result, let number = Int(message.text) {
                    received.append(number)
                } else {
                    let other = try #require(try await channel.receive())
                    received.append(try #require(Int(other.text)))
                }
                _ = try await sender.value
            }
            #expect(received == Array(0..<500))
        }
    }

    @Test("A send that is cancelled while a receiver holds its message is in doubt")
    func aSendThatIsCancelledUnderALeaseIsInDoubt() async throws {
        try await TestServer.run { server, client in
            let channel = try client.channel("c")
            let sender = Task(executorPreference: taskThreads) { try await channel.send("x") }
            let delivery = try #require(try await channel.receive(lease: .seconds(60)))
            sender.cancel()
            #expect(await code(of: sender) == .inDoubt)
            _ = try? await delivery.nack()
        }
    }
}
