import Glibc
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient
@testable import SluiceHub

/// A hub's clients over TLS whose bytes are cut at every place.
@Suite("Records of TLS", .bounded) struct RecordTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority(issuing: "hub")
    }

    private func clientContext() throws -> TLSClientContext {
        var options = TLSClientContext.Options()
        options.authoritiesPath = authority.certificatePath
        return try TLSClientContext(options)
    }

    /// Commands with bodies, tags, a buffer, a select and an error, whose replies do not depend on their timing.
    private static let script = """
        HELLO
        #1 RECV jobs
        #2 SEND len=13 jobs
        13 bytes\r\n\n#1
        OPEN cap=3 box
        SEND box first
        RECV box
        SELECT timeout=0 recv box
        nonsense
        SEND len=0 box

        RECV box
        PING the end
        QUIT

        """

    @Test("A conversation is the same wherever the records of its client are split")
    func everySplit() async throws {
        let context = try clientContext()
        let input = Array(Self.script.utf8)
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        let address = server.address
        let reactor = try Reactor()
        try reactor.run {
            var whole: [UInt8]?
            for split in 0..<input.count {
                let client = try await Stream.connect(to: address, tls: context, named: "localhost")
                for record in [input[..<split], input[split...]] where !record.isEmpty {
                    try await client.write(record)
                    // The hub often reads the first record alone, and sometimes both.
                    if split.isMultiple(of: 2) { await Task.yield() }
                }
                var replies: [UInt8] = []
                while case let bytes = try await client.read(upTo: 4096), !bytes.isEmpty { replies += bytes }
                if whole == nil { whole = replies }
                #expect(whole == replies, "split at \(split): \(String(decoding: replies, as: UTF8.self))")
            }
        }
    }

    @Test("A thousand handshakes that are cut, each at another byte, leave nothing behind")
    func cutHandshakes() async throws {
        let context = try clientContext()
        let server = try TestServer.start(certifiedBy: authority)
        defer { server.stop() }
        let address = server.address
        let reactor = try Reactor()
        try reactor.run {
            for cut in 0..<1000 {
                let relay = try Listener.bind(to: .ipv4(0x7F00_0001, port: 0))
                let relaying = reactor.spawn {
                    let near = try await relay.accept()
                    let far = try await Stream.connect(to: address)
                    let back = reactor.spawn {
                        while case let bytes = try await far.read(upTo: 4096), !bytes.isEmpty {
                            try await near.write(bytes)
                        }
                    }
                    var rest = cut
                    while rest > 0, case let bytes = try await near.read(upTo: rest), !bytes.isEmpty {
                        try await far.write(bytes)
                        rest -= bytes.count
                    }
                    far.close()
                    near.close()
                    _ = try? await back.join()
                }
                // Beyond the handshake, the cut is in the first record.
                _ = try? await Stream.connect(to: relay.localAddress, tls: context, named: "localhost")
                    .write([UInt8](repeating: 0x20, count: 1000))
                _ = try? await relaying.join()
                relay.close()
            }
        }
        try await server.disconnected()
        try await until("nothing is charged") { server.hub.look { $0.machine.account.used } == 0 }
        try await withClient("sluices://\(server.address)", options: options) { client in
            _ = try client.channel("jobs")
        }
    }

    private var options: ClientOptions {
        var options = ClientOptions()
        options.tls = TLSClientContext.Options()
        options.tls?.authoritiesPath = authority.certificatePath
        return options
    }
}
