import Glibc
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub
@testable import SluiceRuntime

/// One hub with clients on several reactors.
@Suite(.bounded) struct ReactorsTests {
    @Test("Clients of different reactors exchange messages")
    func clientsOfDifferentReactorsMeet() throws {
        let (near, far) = (try Reactor(name: "near"), try Reactor(name: "far"))
        let hub = Hub(on: near, epoch: 1)
        try far.start()
        let distant = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: far)
        far.spawn("listener") { try await hub.serve(distant) }
        try near.runTest {
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: near)
            near.spawn("listener") { try await hub.serve(listener) }
            let a = Client(stream: try await SluiceRuntime.Stream.connect(to: listener.localAddress))
            let b = Client(stream: try await SluiceRuntime.Stream.connect(to: distant.localAddress))
            for round in 0..<200 {
                try await a.say("SEND c \(round)\nRECV d\n")
                try await b.say("RECV c\nSEND d back\n")
                try await b.hear("MSG c \("\(round)".utf8.count)\n\(round)\nOK\n")
                try await a.hear("OK\nMSG d 4\nback\n")
            }
            try await b.say("RECV timeout=10ms e\n")
            try await b.hear("TIMEOUT\n")
            for client in [a, b] {
                try await client.say("QUIT\n")
                try await client.hearEnd(after: "OK\n")
                client.stream.close()
            }
            try await yieldUntil { hub.connectionCount == 0 }
        }
        distant.close()
        far.stop()
    }

    @Test("A listener spreads its clients evenly over the reactors")
    func clientsAreSpreadEvenlyOverTheReactorsOfAListener() throws {
        let near = try Reactor(name: "near")
        let others = try (1...2).map { try Reactor(name: "far \($0)") }
        for other in others { try other.start() }
        let hub = Hub(on: near, epoch: 1)
        let reactors = [near] + others
        try near.runTest {
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: near)
            near.spawn("listener") { try await hub.serve(listener, on: reactors) }
            var clients: [Client] = []
            for number in 0..<9 {
                let client = Client(stream: try await SluiceRuntime.Stream.connect(to: listener.localAddress))
                clients.append(client)
                try await client.say("NAME c\(number)\nRECV all/\(number)\n")
                try await client.hear("OK\n")
            }
            #expect(reactors.map { hub.connections(of: hub.share(of: $0)).count } == [3, 3, 3])
            let sender = Client(stream: try await SluiceRuntime.Stream.connect(to: listener.localAddress))
            for number in 0..<9 { try await sender.say("SEND all/\(number) \(number)\n") }
            try await sender.hear(String(repeating: "OK\n", count: 9))
            for (number, client) in clients.enumerated() { try await client.hear("MSG all/\(number) 1\n\(number)\n") }
            // The next client takes the place of one that has left.
            clients[4].stream.close()
            try await yieldUntil { hub.connectionCount == 9 }
            try await sender.say("QUIT\n")
            try await sender.hearEnd(after: "OK\n")
            sender.stream.close()
            try await yieldUntil { hub.connectionCount == 8 }
            let late = Client(stream: try await SluiceRuntime.Stream.connect(to: listener.localAddress))
            try await late.say("PING\n")
            try await late.hear("OK\n")
            #expect(reactors.map { hub.connections(of: hub.share(of: $0)).count } == [3, 3, 3])
        }
        for other in others { other.stop() }
    }

    @Test("A listener with a reactor of its own serves clients, turns others away, and lets the hub drain")
    func aListenerHasAReactorOfItsOwn() throws {
        let (near, acceptor) = (try Reactor(name: "near"), try Reactor(name: "acceptor"))
        var limits = HubLimits()
        limits.maxConnectionsPerAddress = 3
        let hub = Hub(on: near, limits: limits, epoch: 1)
        let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: acceptor)
        acceptor.spawn("listener") { try await hub.serve(listener, on: [near]) }
        try acceptor.start()
        try near.runTest {
            var clients: [Client] = []
            for number in 0..<3 {
                let client = Client(stream: try await SluiceRuntime.Stream.connect(to: listener.localAddress))
                try await client.say("PING \(number)\n")
                try await client.hear("DATA 1\n\(number)\n")
                clients.append(client)
            }
            let refused = Client(stream: try await SluiceRuntime.Stream.connect(to: listener.localAddress))
            try await refused.hearEnd(after: "ERR limit an address may have at most 3 connections\n")
            #expect(hub.endings[.tooManyOfAddress] == 1)
            listener.close()
            hub.drain()
            for client in clients {
                try await client.hearEnd(after: "")
                client.stream.close()
            }
            refused.stream.close()
            try await hub.waitUntilDrained()
        }
        acceptor.stop()
    }

    @Test("Connections that wait to be admitted have their turn by address")
    func newcomersTakeTurns() throws {
        let reactor = try Reactor()
        let hub = Hub(on: reactor, epoch: 1)
        let context = admission(to: hub, on: reactor)
        let newcomers = Newcomers()
        var numbers: [ObjectIdentifier: Int] = [:]
        for (number, network) in ([1, 1, 1, 2] as [UInt32]).enumerated() {
            let newcomer = Newcomer(try anySocket(), context)
            numbers[ObjectIdentifier(newcomer)] = number
            // Only the first needs to be announced.
            #expect(newcomers.append(newcomer, of: .ipv4(network)) == (number == 0))
        }
        var order: [Int?] = []
        while let newcomer = newcomers.popFirst() {
            order.append(numbers[ObjectIdentifier(newcomer)])
        }
        #expect(order == [0, 3, 1, 2])
        #expect(newcomers.append(Newcomer(try anySocket(), context), of: nil))
    }

    @Test("An address has a bounded number of connections that wait to be admitted, and others have room")
    func newcomersAreBounded() throws {
        let reactor = try Reactor()
        let hub = Hub(on: reactor, epoch: 1)
        let context = admission(to: hub, on: reactor)
        let newcomers = Newcomers()
        let newcomer = Newcomer(try anySocket(), context)
        for _ in 0..<HubLimits.acceptedAhead {
            #expect(newcomers.hasRoom(for: .ipv4(1)))
            _ = newcomers.append(newcomer, of: .ipv4(1))
        }
        #expect(!newcomers.hasRoom(for: .ipv4(1)))
        #expect(newcomers.hasRoom(for: .ipv4(2)))
        while newcomers.popFirst() != nil {}
        #expect(newcomers.hasRoom(for: .ipv4(1)))
    }

    private func admission(to hub: Hub, on reactor: Reactor) -> AdmissionContext {
        AdmissionContext(
            shares: [hub.share(of: reactor)], handshakes: nil, mapping: PrincipalMapping(), door: nil)
    }

    private func anySocket() throws -> AcceptedSocket {
        AcceptedSocket(descriptor: Descriptor(owning: dup(STDERR_FILENO)), peer: .ipv4(1, port: 1), tls: nil)
    }
}
