import SluiceRuntime

/// A server that is not Sluice, on a reactor of its own.
struct Impostor {
    /// The address, as `Client.connect` takes it.
    let address: String
    private let reactor: Reactor

    /// Starts a server that serves one client.
    static func start(_ serve: @escaping @Sendable (Stream) async throws -> Void) throws -> Impostor {
        let reactor = try Reactor(name: "impostor")
        try reactor.start()
        let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
        reactor.spawn("impostor") { try await serve(try await listener.accept()) }
        return Impostor(address: listener.localAddress.description, reactor: reactor)
    }

    func stop() { reactor.stop() }
}
