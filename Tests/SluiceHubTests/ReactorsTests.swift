import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// One hub with clients on several reactors.
@Suite(.timeLimit(.minutes(10))) struct ReactorsTests {
    @Test func clientsOfDifferentReactorsMeet() throws {
        let (near, far) = (try Reactor(name: "near"), try Reactor(name: "far"))
        let hub = Hub(on: near, epoch: 1)
        try far.start()
        let distant = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: far)
        far.spawn("listener") { try await hub.serve(distant) }
        try near.run {
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
            while hub.connectionCount > 0 { await Task.yield() }
        }
        distant.close()
        far.stop()
    }
}
