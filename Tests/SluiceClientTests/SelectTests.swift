import SluiceHub
import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Selecting among remote channels", .bounded) struct RemoteSelectTests {
    @Test("A select takes the arm that is ready")
    func theArmThatCanIsTaken() async throws {
        try await TestServer.run { server, client in
            let (jobs, results) = (try client.channel("jobs"), try client.channel("results"))
            func choose() async throws -> String {
                try await client.select {
                    jobs.receiving { "received \($0?.text ?? "nothing")" }
                    results.sending("done") { "sent" }
                }
            }
            async let first = choose()
            try await server.parked(1)
            try await jobs.send("sweep")
            #expect(try await first == "received sweep")
            async let result = results.receive()
            #expect(try await choose() == "sent")
            #expect(try await result?.text == "done")
            try await jobs.close()
            #expect(try await choose() == "received nothing")
        }
    }

    @Test("Without a ready arm, a select takes otherwise, or its timeout")
    func withoutAnyArmTheOtherwiseIsTakenOrTimeRunsOut() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            let now = try await client.select {
                jobs.receiving { _ in "received" }
                otherwise { "nothing" }
            }
            #expect(now == "nothing")
            let later = try await client.select {
                jobs.receiving { _ in "received" }
                after(.milliseconds(1)) { "nothing for a while" }
            }
            #expect(later == "nothing for a while")
        }
    }

    @Test("Arms may receive under a lease and meet at a barrier")
    func armsMayHoldMessagesAndMeet() async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            async let sent = jobs.send("sweep")
            let attempt = try await client.select {
                jobs.receiving(lease: .seconds(60)) { delivery in
                    try await delivery?.acknowledge()
                    return delivery?.message.attempt
                }
            }
            #expect(attempt == 1)
            _ = try await sent
            async let met: Bool = client.select {
                try client.meeting(at: "start", parties: 2) { true }
                jobs.receiving { _ in false }
            }
            try await client.barrier("start", parties: 2)
            #expect(try await met)
        }
    }

    @Test("Arms may come from a loop")
    func armsMayComeFromALoop() async throws {
        try await TestServer.run { server, client in
            let channels = try (0..<5).map { try client.channel("c\($0)") }
            async let chosen: String = client.select(order: .first) {
                for channel in channels { channel.receiving { _ in channel.name } }
            }
            try await server.parked(1)
            try await channels[3].send("x")
            #expect(try await chosen == "c3")
        }
    }

    @Test("Each order of the API is the protocol's order of that name", arguments: SluiceRuntime.SelectOrder.allCases)
    func orders(order: SluiceRuntime.SelectOrder) {
        #expect(SelectPlan([], order: order).command.order.rawValue == order.rawValue)
    }
}
