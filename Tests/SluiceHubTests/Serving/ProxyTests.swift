import SluiceRuntime
import SluiceWire
import Synchronization
import TestSupport
import Testing

@testable import SluiceHub

/// Clients that connect through a proxy.
@Suite(.bounded) struct ProxyTests {
    private static let header = "PROXY TCP4 192.0.2.7 10.0.0.1 50000 7333\r\n"

    private final class Events: Sendable {
        private let list = Lock<[ClientEvent.Kind]>([])

        var all: [ClientEvent.Kind] { list.withLock { $0 } }
        func add(_ kind: ClientEvent.Kind) { list.withLock { $0.append(kind) } }
    }

    private struct Service: Sendable {
        let hub: Hub
        let address: SocketAddress
        let clock: ManualReactorClock
        let events: Events

        /// The addresses of the clients, as reports show them.
        var clients: [String] {
            hub.look { state in
                var addresses: [String] = []
                state.machine.clients.forEach { addresses.append($1.address) }
                return addresses
            }
        }

        func connect() async throws -> Client { Client(stream: try await Stream.connect(to: address)) }
    }

    private func serve(
        _ network: String = "127.0.0.0/8", _ body: @escaping @Sendable (Service) async throws -> Void
    ) throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let proxies = TrustedProxies(networks: [try NetworkRange(network)])
        try reactor.runTest {
            let events = Events()
            let hub = Hub(on: reactor, epoch: 1) { event in events.add(event.kind) }
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            reactor.spawn("listener") { try await hub.serve(listener, on: [], behind: proxies, PrincipalMapping()) }
            try await body(Service(hub: hub, address: listener.localAddress, clock: clock, events: events))
            listener.close()
        }
    }

    @Test("The client's address is that of the header, wherever the header is split")
    func everySplit() throws {
        try serve { service in
            let input = Array((Self.header + "PING\n").utf8)
            for split in 1..<input.count {
                let client = try await service.connect()
                try await client.stream.write(input[..<split])
                for _ in 0..<3 { await Task.yield() }
                try await client.stream.write(input[split...])
                #expect(try await client.hearLine() == "OK")
                #expect(service.clients == ["192.0.2.7:50000"])
                client.stream.close()
                try await yieldUntil { service.hub.connectionCount == 0 }
            }
        }
    }

    @Test("A proxy that connects on its own behalf keeps its address")
    func unknownClients() throws {
        try serve { service in
            let client = try await service.connect()
            try await client.say("PROXY UNKNOWN\r\nPING\n")
            #expect(try await client.hearLine() == "OK")
            let addresses = service.clients
            #expect(addresses.count == 1 && addresses.allSatisfy { $0.hasPrefix("127.0.0.1:") })
        }
    }

    @Test("A connection from elsewhere is closed, and reported")
    func otherNetworks() throws {
        try serve("192.0.2.0/24") { service in
            let client = try await service.connect()
            try await client.hearEnd()
            #expect(
                service.events.all == [
                    .proxyRefused("only a proxy of proxy-networks may connect to this listener")
                ])
            #expect(service.hub.connectionCount == 0)
        }
    }

    @Test("A connection that begins with something else is closed, and reported")
    func noHeader() throws {
        try serve { service in
            let client = try await service.connect()
            try await client.say("PING\n")
            try await client.hearEnd()
            #expect(
                service.events.all == [
                    .proxyRefused("the connection does not begin with a PROXY header")
                ])
        }
    }

    @Test("A header that does not end in time closes its connection")
    func slowHeaders() throws {
        try serve { service in
            let client = try await service.connect()
            try await client.say("PROXY TCP4 192.0.2.7 ")
            try await yieldUntil {
                service.clock.advance(by: .seconds(5))
                return !service.events.all.isEmpty
            }
            let late = "the PROXY header took longer than \(Duration.seconds(5))"
            #expect(service.events.all == [.proxyRefused(late)])
            // A reset, if the hub had not read all of it yet.
            let rest = (try? await client.stream.read(upTo: 1)) ?? []
            #expect(rest.isEmpty)
        }
    }

    @Test("A connection that ends within its header, as a check of the port does, is not reported")
    func checks() throws {
        try serve { service in
            for text in ["", "PROXY TC"] {
                let check = try await service.connect()
                if !text.isEmpty { try await check.say(text) }
                try check.finishSending()
                try await check.hearEnd()
            }
            #expect(service.events.all.isEmpty)
        }
    }
}
