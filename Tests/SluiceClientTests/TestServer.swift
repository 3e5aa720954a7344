import SluiceHub
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient

/// A hub with its own port and thread.
struct TestServer: Sendable {
    let hub: Hub
    let address: SocketAddress
    private let reactor: Reactor
    private let listener: Listener

    /// - Parameter address: the address to listen on; port 0 finds a free one.
    static func start(
        at address: SocketAddress = .ipv4(0x7f00_0001, port: 0), limits: HubLimits = HubLimits(),
        principals: Principals? = nil,
        epoch: Int = 42, clock: any ReactorClock = SystemReactorClock(), tls: TLSServerContext? = nil
    ) throws -> TestServer {
        let reactor = try Reactor(name: "server", clock: clock)
        try reactor.start()
        let listener = try Listener.bind(to: address, on: reactor, tls: tls)
        let hub = Hub(on: reactor, limits: limits, principals: principals, epoch: epoch)
        reactor.spawn("listener") { try await hub.serve(listener) }
        return TestServer(hub: hub, address: listener.localAddress, reactor: reactor, listener: listener)
    }

    /// Starts a server with TLS and the certificate "hub" of the authority.
    static func start(certifiedBy authority: TestAuthority) throws -> TestServer {
        let identity = TLSIdentity(certificatePath: authority.path("hub.pem"), keyPath: authority.path("hub.key"))
        return try start(tls: TLSServerContext(.init(identity: identity)))
    }

    /// Stops the server, and breaks all connections.
    func stop() {
        listener.close()
        reactor.stop()
    }

    /// Makes the server accept no new work and no new clients.
    func drain(within limit: Duration? = nil) {
        listener.close()
        hub.drain(within: limit)
    }

    /// Runs `body` with a new server and a client of it.
    static func run(
        limits: HubLimits = HubLimits(), options: ClientOptions = ClientOptions(),
        _ body: (TestServer, Client) async throws -> Void
    ) async throws {
        let server = try TestServer.start(limits: limits)
        defer { server.stop() }
        try await withClient(server.address.description, options: options) { try await body(server, $0) }
    }

    func connect(_ options: ClientOptions = ClientOptions()) async throws -> Client {
        try await Client.connect(address.description, options: options)
    }

    /// Waits until `count` operations are parked.
    func parked(_ count: Int, _ location: SourceLocation = #_sourceLocation) async throws {
        try await until("\(count) operations are parked, not \(hub.parkedCount)", sourceLocation: location) {
            hub.parkedCount == count
        }
    }

    /// Waits until every connection has ended.
    func disconnected(_ location: SourceLocation = #_sourceLocation) async throws {
        try await until("the clients are disconnected", sourceLocation: location) { hub.connectionCount == 0 }
    }
}
