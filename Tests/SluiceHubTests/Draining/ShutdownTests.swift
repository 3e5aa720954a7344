import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// The replies of a draining hub to its clients, and the end of the drain.
@Suite(.bounded) struct ShutdownTests {
    /// Waits until the hub is drained, which takes no time on the clock.
    private func expectDrained(_ service: HubService) async throws {
        try await service.hub.waitUntilDrained()
        #expect(service.hub.connectionCount == 0)
    }

    @Test("Draining answers parked operations and closes the connections")
    func parkedClientsAreAnsweredAndClosed() throws {
        try HubService.run { service in
            let (waiting, idle) = (try await service.connect(), try await service.connect())
            try await idle.say("PING\n")
            try await idle.hear("OK\n")
            try await waiting.say("#1 RECV c\nSEND d x\nSEND e y\n")
            try await service.parked(2)
            service.hub.drain()
            // The line behind the parked command runs now and is answered too.
            try await waiting.hearEnd(after: "#1 CANCELLED draining\nCANCELLED draining\n\(refusal)")
            try await idle.hearEnd()
            waiting.stream.close()
            idle.stream.close()
            try await expectDrained(service)
            #expect(service.hub.endings == [.drained: 2])
        }
    }

    @Test("Lines that the hub had not read when it began to drain are answered")
    func unreadLinesAreAnswered() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("PING\n")
            try await client.hear("OK\n")
            // In the same turn of the loop, the hub begins to drain before it reads the line.
            let line = Array("SEND c x\n#a OPEN c\nPING\n".utf8)
            _ = line.withUnsafeBytes { client.stream.tryWrite($0) }
            service.hub.drain()
            try await client.hearEnd(after: "\(refusal)#a \(refusal)OK\n")
        }
    }

    /// Lets a receiver hold the message of a send under a lease.
    private func holdMessage(
        of send: String, _ service: HubService
    ) async throws -> (sender: Client, receiver: Client, did: Substring) {
        let (sender, receiver) = (try await service.connect(), try await service.connect())
        try await receiver.say("RECV lease=1h c\n")
        try await service.parked(1)
        try await sender.say(send)
        try await receiver.hear("MSG c 1 did=")
        let did = try await receiver.hearLine().prefix { $0 != " " }
        try await receiver.hear("x\n")
        return (sender, receiver, did)
    }

    @Test("A draining hub answers some reports of a client, and refuses the others")
    func reportsAreBounded() throws {
        try HubService.run { service in
            let (sender, receiver, did) = try await holdMessage(of: "SEND c x\n", service)
            service.hub.drain()
            // The reactor learns of the drain in its next turn.
            try await receiver.say("PING\n")
            try await receiver.hear("OK\n")
            let enough = "ERR draining the server is about to stop and sends this client no more reports\n"
            for _ in 0..<Budget.reportsWhileDraining {
                try await receiver.say("WAITERS format=json\n")
                try await receiver.hear("DATA ")
                _ = try await (receiver.hearLine() + receiver.hearLine())
            }
            try await receiver.say("CLIENTS\nINFO\nHELP\nPING\nACK \(did)\n")
            try await receiver.hearEnd(after: "\(enough)\(enough)\(enough)OK\nOK\n")
            try await sender.hearEnd(after: "OK\n")
            receiver.stream.close()
            sender.stream.close()
            try await expectDrained(service)
        }
    }

    private let refusal = "ERR draining the server is about to stop and accepts no new work\n"

    @Test("The holder of a lease can touch and ack while the hub drains")
    func aLeaseHolderCanStillAck() throws {
        try HubService.run { service in
            let (sender, receiver, did) = try await holdMessage(of: "#s SEND c x\n", service)
            service.hub.drain(within: .seconds(30))
            try await receiver.say("RECV c\nTOUCH \(did)\nPING\nQUIT now\n")
            let syntax = "ERR syntax unexpected text after the last operand\n"
            try await receiver.hear("\(refusal)OK\nOK\n\(syntax)")
            #expect(service.hub.connectionCount == 2)
            try await sender.say("INFO format=json\n")
            try await sender.hear("DATA ")
            #expect(try await (sender.hearLine() + sender.hearLine()).contains(#""isDraining":true"#))
            try await receiver.say("ACK \(did)\n")
            try await receiver.hearEnd(after: "OK\n")
            try await sender.hearEnd(after: "#s OK\n")
            receiver.stream.close()
            sender.stream.close()
            try await expectDrained(service)
        }
    }

    @Test("The end of the last lease closes its holder's connection")
    func theEndOfALeaseEndsTheConnectionOfItsHolder() throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await receiver.say("RECV lease=20s c\n")
            try await service.parked(1)
            try await sender.say("SEND c x\n")
            _ = try await receiver.hearLine()
            try await receiver.hear("x\n")
            service.hub.drain(within: .seconds(30))
            try await sender.say("#p PING\n")
            service.clock.advance(by: .seconds(20))
            try await sender.hear("CANCELLED draining\n")
            try await receiver.hearEnd()
            receiver.stream.close()
            sender.stream.close()
            try await expectDrained(service)
        }
    }

    @Test("The drain ends at its limit, and senders of leased messages are answered MAYBE")
    func theDrainEndsAtItsLimit() throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await receiver.say("RECV lease=1h c\n")
            try await service.parked(1)
            try await sender.say("SEND c x\n")
            _ = try await receiver.hearLine()
            try await receiver.hear("x\n")
            service.hub.drain()
            service.hub.drain(within: .seconds(30))
            await service.settled()
            service.clock.advance(by: .seconds(29))
            await service.settled()
            #expect(service.hub.connectionCount == 2)
            service.clock.advance(by: .seconds(1))
            // The drain ends although no client closes its connection.
            try await expectDrained(service)
            try await sender.hearEnd(after: "MAYBE draining\n")
            try await receiver.hearEnd()
            // Either ending is possible for the sender, which may have been written to in time.
            #expect(service.hub.endings[.drained, default: 0] + service.hub.endings[.stopped, default: 0] == 2)
        }
    }

    @Test("A client that keeps sending does not delay the drain")
    func aBusyClientDoesNotDelayTheDrain() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("PING\n")
            try await client.hear("OK\n")
            let talk = service.reactor.spawn {
                while true { try await client.say("PING\n") }
            }
            let reader = service.reactor.spawn {
                while case let bytes = try await client.stream.read(upTo: 65_536), !bytes.isEmpty {}
                client.stream.close()
            }
            service.hub.drain()
            try await service.hub.waitUntilDrained()
            try await reader.join()
            await #expect(throws: SluiceError.self) { try await talk.join() }
        }
    }

    @Test("An unfinished line does not delay the drain")
    func anUnfinishedLineDoesNotDelayTheDrain() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("PING\nSEND len=100 c\nabc")
            try await client.hear("OK\n")
            service.hub.drain()
            try await client.hearEnd()
        }
    }

    @Test("A client that has not authenticated does not delay the drain")
    func anUnauthenticatedClientDoesNotDelayTheDrain() throws {
        var users = Principals()
        try #require(users.add("alice", token: "x") == true)
        try HubService.run(principals: users) { service in
            let client = try await service.connect()
            try await service.until { service.hub.connectionCount == 1 }
            service.hub.drain()
            try await client.hearEnd()
        }
    }

    @Test("A hub without clients drains at once")
    func aHubWithoutClientsIsDrainedAtOnce() throws {
        try HubService.run { service in
            #expect(!service.hub.isDraining)
            service.hub.drain()
            #expect(service.hub.isDraining)
            try await expectDrained(service)
        }
    }

    // MARK: In-process clients and built-in processes

    @Test("In-process clients are cancelled and refused like remote ones")
    func inProcessClientsAreCancelled() throws {
        try HubService.run { service in
            let jobs = try service.hub.channel("jobs")
            let receiver = service.reactor.spawn { try await jobs.receive() }
            try await service.parked(1)
            service.hub.drain()
            let error = await #expect(throws: SluiceError.self) { try await receiver.value }
            #expect(error?.code == .cancelled)
            let refusal = await #expect(throws: SluiceError.self) { try await jobs.send("x") }
            #expect(refusal?.code == .refused)
            try await expectDrained(service)
        }
    }

    @Test("A built-in process finishes its message and is not restarted")
    func aProcessFinishesItsMessage() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.echo(from: "a", to: "b"), name: "echo"))
            try service.hub.start(BuiltInProcess(.ticker(to: "ticks", every: .seconds(1)), name: "ticker"))
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await receiver.say("RECV lease=1h b\n")
            try await sender.say("SEND a x\n")
            try await receiver.hear("MSG b 1 did=")
            let did = try await receiver.hearLine().prefix { $0 != " " }
            try await receiver.hear("x\n")
            service.hub.drain()
            try await receiver.say("ACK \(did)\n")
            try await receiver.hearEnd(after: "OK\n")
            try await sender.hearEnd(after: "OK\n")
            receiver.stream.close()
            sender.stream.close()
            try await expectDrained(service)
            try await service.until { service.process("echo")?.state == .stopped }
            #expect(service.process("echo")?.messages == 1)
            #expect(service.process("echo")?.restarts == 0)
        }
    }

    @Test("A built-in process returns the messages that no client receives")
    func aProcessReturnsItsMessages() throws {
        try HubService.run { service in
            try service.hub.start(BuiltInProcess(.delay(from: "a", to: "b", by: .seconds(3600)), name: "delay"))
            let sender = try await service.connect()
            try await sender.say("#1 SEND a x\n#2 SEND a y\n")
            try await service.until { service.hub.look { $0.machine.leases.count } == 2 }
            service.hub.drain()
            let answers = [try await sender.hearLine(), try await sender.hearLine()]
            #expect(Set(answers) == ["#1 CANCELLED draining", "#2 CANCELLED draining"])
            try await sender.hearEnd()
            sender.stream.close()
            try await expectDrained(service)
        }
    }
}
