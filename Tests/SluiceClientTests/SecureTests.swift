import Glibc
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient
@testable import SluiceHub

@Suite("Connections with TLS", .bounded) struct SecureTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority(issuing: "hub")
    }

    private var options: ClientOptions {
        var options = ClientOptions()
        options.tls = TLSClientContext.Options()
        options.tls?.authoritiesPath = authority.certificatePath
        return options
    }

    @Test("Messages of all sizes pass, and nothing stays charged")
    func messagesOfAllSizes() async throws {
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        for size in [0, 1, 17_000, 1_000_000] {
            try await withClient("sluices://\(server.address)", options: options) { client in
                let channel = try client.channel("jobs")
                async let sent = channel.send([UInt8](repeating: 7, count: size))
                #expect(try await channel.receive()?.bytes.count == size)
                _ = try await sent
            }
        }
        try await server.disconnected()
        try await until("nothing is charged") {
            server.hub.look { $0.machine.account.used } == 0
        }
    }

    @Test("Many connections in a row are greeted, however their first bytes arrive")
    func greetings() async throws {
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        for _ in 0..<50 {
            try await withClient("sluices://\(server.address)", options: options) { _ in }
        }
    }

    @Test("Hundreds of messages in flight arrive in order in both directions")
    func pipelines() async throws {
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        try await withClient("sluices://\(server.address)", options: options) { client in
            let channel = try client.channel("stream")
            let count = 500
            async let sending: Void = {
                for number in 0..<count {
                    try await channel.send(Array("\(number) \(String(repeating: "z", count: 3_000))".utf8))
                }
            }()
            for number in 0..<count {
                let message = try await channel.receive()
                #expect(message?.bytes.starts(with: Array("\(number) ".utf8)) == true)
            }
            try await sending
        }
    }

    @Test("A client that has ended its output gets all replies, and then close_notify")
    func halfClose() async throws {
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        let (bytes, expected) = try await converse(with: server) { stream in
            let text = String(repeating: "q", count: 50_000)
            let count = 60
            let writer = stream.reactor.spawn {
                for _ in 0..<count { try await stream.write("PING len=\(text.count)\n\(text)\n".utf8) }
                try stream.shutdownWrite()
            }
            var received = 0
            while case let bytes = try await stream.read(upTo: 10_000), !bytes.isEmpty { received += bytes.count }
            try await writer.join()
            return (received, count * "DATA \(text.count)\n\(text)\n".utf8.count)
        }
        #expect(bytes == expected)
    }

    /// Runs `body` on a reactor of its own, with a connection to the server.
    private func converse<Result: Sendable>(
        with server: TestServer, _ body: @escaping @Sendable (Stream) async throws -> Result
    ) async throws -> Result {
        var trusted = TLSClientContext.Options()
        trusted.authoritiesPath = authority.certificatePath
        let context = try TLSClientContext(trusted)
        let reactor = try Reactor(name: "client")
        try reactor.start()
        defer { reactor.stop() }
        let conversation = reactor.spawn {
            try await body(try await Stream.connect(to: server.address, tls: context))
        }
        return try await conversation.join()
    }

    @Test(
        "All of a long input is run, although the kernel does not report what TLS has read", arguments: [3_000, 9_000])
    func longInput(count: Int) async throws {
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        let received = try await converse(with: server) { stream in
            let writer = stream.reactor.spawn { try await stream.write(String(repeating: "ping\n", count: count).utf8) }
            var received = 0
            while received < 3 * count { received += try await stream.read(upTo: 10_000).count }
            try await writer.join()
            return received
        }
        #expect(received == 3 * count)
    }

    @Test("A client that breaks off while TLS holds output ends alone", arguments: [3_000, 6_000, 20_000])
    func brokenOff(count: Int) async throws {
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        try await converse(with: server) { stream in
            try await stream.write("ping\n".utf8)
            _ = try await stream.read(upTo: 3)
            let bytes = Array(String(repeating: "ping \(String(repeating: "p", count: 40))\n", count: count).utf8)
            // The client reads nothing, so the server cannot send all replies.
            _ = bytes.withUnsafeBytes { stream.tryWrite($0) }
            var now = linger(l_onoff: 1, l_linger: 0)
            setsockopt(stream.descriptorNumber, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
            stream.close()
        }
        try await server.disconnected()
        try await withClient("sluices://\(server.address)", options: options) { _ in }
    }

    @Test("A server that is not trusted ends the client's first connection with .tls")
    func untrustedServers() async throws {
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        var options = options
        options.tls?.authoritiesPath = nil
        let error = await #expect(throws: SluiceError.self) {
            try await Client.connect("sluices://\(server.address)", options: options)
        }
        #expect(error?.code == .tls)
    }
}
