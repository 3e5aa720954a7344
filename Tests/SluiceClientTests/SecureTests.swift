import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient
@testable import SluiceHub

@Suite("Connections with TLS", .bounded) struct SecureTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority()
        try authority.issue("hub")
    }

    private func server() throws -> TestServer {
        let identity = TLSIdentity(certificatePath: authority.path("hub.pem"), keyPath: authority.path("hub.key"))
        return try TestServer.start(tls: TLSServerContext(.init(identity: identity)))
    }

    private var options: ClientOptions {
        var options = ClientOptions()
        options.tls = TLSClientContext.Options()
        options.tls?.authoritiesPath = authority.certificatePath
        return options
    }

    @Test("Messages of all sizes pass, and nothing stays charged")
    func messagesOfAllSizes() async throws {
        let server = try server()
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
        let server = try server()
        defer { server.stop() }
        for _ in 0..<50 {
            try await withClient("sluices://\(server.address)", options: options) { _ in }
        }
    }

    @Test("Hundreds of messages in flight arrive in order in both directions")
    func pipelines() async throws {
        let server = try server()
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

    @Test("A client that has ended its output gets all replies, and the end of TLS")
    func halfClose() async throws {
        let server = try server()
        defer { server.stop() }
        var trusted = TLSClientContext.Options()
        trusted.authoritiesPath = authority.certificatePath
        let context = try TLSClientContext(trusted)
        let reactor = try Reactor(name: "client")
        try reactor.start()
        defer { reactor.stop() }
        let received = reactor.spawn {
            let stream = try await Stream.connect(to: server.address, tls: context)
            let text = String(repeating: "q", count: 50_000)
            let count = 60
            let writer = reactor.spawn {
                for _ in 0..<count { try await stream.write("PING len=\(text.count)\n\(text)\n".utf8) }
                try stream.shutdownWrite()
            }
            var received = 0
            while case let bytes = try await stream.read(upTo: 10_000), !bytes.isEmpty { received += bytes.count }
            try await writer.join()
            return (received, count * "DATA \(text.count)\n\(text)\n".utf8.count)
        }
        let (bytes, expected) = try await received.join()
        #expect(bytes == expected)
    }

    @Test("A server that is not trusted ends the client's first connection with .tls")
    func untrustedServers() async throws {
        let server = try server()
        defer { server.stop() }
        var options = options
        options.tls?.authoritiesPath = nil
        let error = await #expect(throws: SluiceError.self) {
            try await Client.connect("sluices://\(server.address)", options: options)
        }
        #expect(error?.code == .tls)
    }
}
