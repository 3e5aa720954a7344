import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

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
}
