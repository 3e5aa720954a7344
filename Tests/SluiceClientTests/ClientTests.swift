import SluiceHub
import SluiceRuntime
import Testing

@testable import SluiceClient

@Suite(.timeLimit(.minutes(10))) struct ClientTests {
    @Test func aMessageGoesFromTaskToTask() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            async let receipt = jobs.send("sweep the yard")
            #expect(try await jobs.receive()?.text == "sweep the yard")
            #expect(try await !receipt.isDuplicate)
        }
    }

    @Test func tenThousandOperationsOverOneConnectionAllComplete() async throws {
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

    @Test func reportsAreTyped() async throws {
        try await TestServer.run { server, client in
            let server = try await client.serverReport()
            #expect(server.epoch == 42 && server.connections == 1)
            #expect(try await client.channelsReport().channels.isEmpty)
            #expect(try await client.waitersReport().waiters.isEmpty)
            #expect(try await client.clientsReport().clients.count == 1)
            #expect(try await client.stuckReport().cycles.isEmpty)
            #expect(try await client.help(on: "send").contains("SEND"))
            #expect(try await client.ping() >= .zero)
        }
    }
}
