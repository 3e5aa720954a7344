import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Half-close, lost connections, and the end of the reactor.
@Suite(.bounded) struct HangUpTests {
    @Test("Complete lines run after the FIN, and operations that would wait are cancelled")
    func completeLinesStillRunAfterTheFIN() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("PING a\nRECV c\nPING b\nSEND c x\n#1 RECV c\nPING c\nPING unfinish")
            try client.finishSending()
            try await client.hearEnd(
                after: "DATA 1\na\nCANCELLED eof\nDATA 1\nb\nCANCELLED eof\n#1 CANCELLED eof\nDATA 1\nc\n")
            try await service.until { service.hub.endings[.endOfInput] == 1 }
        }
    }

    @Test("The FIN withdraws parked operations")
    func theFINWithdrawsParkedOperations() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("#1 RECV c\n#2 SEND d x\nRECV e\nPING\n")
            try await service.parked(3)
            try client.finishSending()
            try await client.hearEnd(after: "CANCELLED eof\n#2 CANCELLED eof\n#1 CANCELLED eof\nOK\n")
            #expect(service.hub.parkedCount == 0)
        }
    }

    @Test("The FIN withdraws parked operations even if the hub has not read all input before it")
    func anUnreadFINWithdrawsParkedOperations() throws {
        var limits = HubLimits()
        limits.wire.maxLineBytes = 256
        limits.inputBytes = 512
        try HubService.run(limits: limits) { [limits] service in
            let client = try await service.connect()
            let pings = String(repeating: "PING\n", count: 2000)
            try await client.say("RECV c\n" + pings + "RECV c\n#1 SEND d x\n")
            try client.finishSending()
            try await service.parked(1)
            try await service.until {
                service.clock.advance(by: limits.probeInterval)
                return service.hub.parkedCount == 0
            }
            let replies = String(repeating: "OK\n", count: 2000)
            try await client.hearEnd(after: "CANCELLED eof\n" + replies + "CANCELLED eof\n#1 CANCELLED eof\n")
        }
    }

    @Test("Operations with eof=wait are answered after the FIN")
    func operationsThatWaitAfterTheFINAreAnswered() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("#1 RECV eof=wait c\nRECV eof=wait d\nPING\nQUIT\n")
            try client.finishSending()
            try await service.parked(2)
            try await other.say("SEND d 1\nSEND c 2\n")
            try await other.hear("OK\nOK\n")
            try await client.hearEnd(after: "MSG d 1\n1\n#1 MSG c 1\n2\nOK\nOK\n")
        }
    }

    @Test("QUIT is answered after the FIN")
    func quitIsAnsweredAfterTheFIN() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("#1 RECV c\nQUIT\n")
            try await service.parked(1)
            try client.finishSending()
            try await client.hearEnd(after: "#1 CANCELLED eof\nOK\n")
            try await service.until { service.hub.endings[.quit] == 1 }
        }
    }

    @Test("A client with parked operations that resets its connection is removed")
    func aParkedClientThatIsResetIsReaped() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("#1 RECV c\nSEND d x\nPING\n")
            try await service.parked(2)
            client.reset()
            try await service.until { service.hub.endings[.reset] == 1 }
            #expect(service.hub.parkedCount == 0)
            try await other.say("SEND timeout=0 c y\n")
            try await other.hear("TIMEOUT\n")
        }
    }

    @Test("The hub notices the reset of a connection that it does not read from")
    func aResetOfAnUnreadConnectionIsNoticed() throws {
        try HubService.run { service in
            let client = try await service.connect()
            // More input than the hub reads ahead of a parked command.
            try await client.say("RECV c\n" + String(repeating: "PING\n", count: 10_000))
            try await service.parked(1)
            client.reset()
            try await service.until {
                service.clock.advance(by: service.hub.limits.probeInterval)
                return service.hub.endings[.reset] == 1
            }
            #expect(service.hub.parkedCount == 0)
        }
    }

    @Test("Five hundred clients that hang up are removed")
    func manyClientsThatHangUpAreReaped() throws {
        try HubService.run { service in
            var clients: [Client] = []
            for _ in 0..<500 {
                let client = try await service.connect()
                try await client.say("RECV c\n")
                clients.append(client)
            }
            try await service.parked(500)
            for (number, client) in clients.enumerated() {
                if number % 2 == 0 { client.reset() } else { client.stream.close() }
            }
            try await service.until { service.hub.connectionCount == 0 }
            #expect(service.hub.parkedCount == 0)
            #expect(service.hub.channelCount == 0)
        }
    }

    @Test("Several crowds of clients are served one after the other")
    func waveAfterWaveOfClientsIsServed() throws {
        try HubService.run { service in
            for _ in 0..<4 {
                var clients: [Client] = []
                for _ in 0..<100 { clients.append(try await service.connect()) }
                for _ in 0..<3 {
                    for client in clients { try await client.say("PING\nPING x\n") }
                    for client in clients { try await client.hear("OK\nDATA 1\nx\n") }
                }
                for client in clients { client.stream.close() }
                try await service.until { service.hub.connectionCount == 0 }
            }
        }
    }

    @Test("A client that does not close after QUIT is closed")
    func aClientThatNeitherReadsNorClosesAfterQuitIsClosed() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("QUIT\nPING\n")
            try await client.hear("OK\n")
            #expect(service.hub.connectionCount == 1)
            try await client.hearEnd()
            service.clock.advance(by: .seconds(2))
            try await service.until { service.hub.connectionCount == 0 }
            #expect(service.hub.endings == [.quit: 1])
        }
    }

    @Test("The end of the reactor closes every connection")
    func theEndOfTheReactorClosesEveryConnection() throws {
        let reactor = try Reactor()
        let hub = Hub(on: reactor, epoch: 1)
        try reactor.runTest {
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            reactor.spawn("listener") { try await hub.serve(listener) }
            for _ in 0..<3 {
                let client = Client(stream: try await SluiceRuntime.Stream.connect(to: listener.localAddress))
                try await client.say("PING\n#1 RECV c\nRECV d\n")
                try await client.hear("OK\n")
            }
        }
        #expect(hub.connectionCount == 0)
        #expect(hub.parkedCount == 0)
        #expect(hub.endings.values.reduce(0, +) == 3)
    }
}
