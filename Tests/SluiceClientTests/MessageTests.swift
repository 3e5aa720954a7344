import TestSupport
import Testing

@testable import SluiceClient

@Suite("Messages of the client library", .bounded) struct MessageTests {
    @Test("A message prints as text if it is text, else as its first bytes")
    func descriptions() {
        #expect("\(Message(Array("sweep the yard\n".utf8)))" == "sweep the yard\n")
        #expect("\(Message([0xFF, 0x00]))" == "2 bytes: ff 00")
        #expect("\(Message([0x1B, 0x5B]))" == "2 bytes: 1b 5b")
        #expect("\(Message([UInt8](repeating: 0xFE, count: 17)))".hasSuffix("fe …"))
    }

    @Test("A message brings the trace of its sender, with and without a lease")
    func traces() async throws {
        try await TestServer.run { _, client in
            let jobs = try client.channel("jobs")
            try await jobs.open(.queue(capacity: 4))
            try await jobs.send("1", trace: "one")
            try await jobs.send("2")
            try await jobs.send("3", trace: "three")
            #expect(try await jobs.receive()?.trace == "one")
            #expect(try await jobs.receive()?.trace == nil)
            let delivery = try #require(try await jobs.receive(lease: .seconds(60)))
            #expect(delivery.trace == "three" && delivery.message.trace == "three")
            try await delivery.acknowledge()
            await #expect(throws: SluiceError.self) { try await jobs.send("4", trace: "a b") }
            await #expect(throws: SluiceError.self) { try await jobs.call("4", trace: "") }
        }
    }

    @Test("A cancelled loop over a channel, its messages or its deliveries ends without an error", arguments: 0..<3)
    func cancelledLoops(kind: Int) async throws {
        try await TestServer.run { server, client in
            let jobs = try client.channel("jobs")
            // Not on Swift's pool, whose few threads other tests may occupy for long under a sanitizer.
            let loop = Task(executorPreference: try Client.executor) {
                switch kind {
                case 0: for try await _ in jobs {}
                case 1: for try await _ in try jobs.messages(window: 1) {}
                default: for try await _ in try jobs.deliveries(lease: .seconds(60)) {}
                }
            }
            try await server.parked(1)
            loop.cancel()
            try await loop.value
        }
    }
}
