import SluiceRuntime
import SluiceWire
import Synchronization
import TestSupport
import Testing

@testable import SluiceHub

/// What a hub reports about its clients, for a log.
@Suite(.bounded) struct ClientEventTests {
    private final class Events: Sendable {
        let list = Lock<[ClientEvent]>([])
        var all: [ClientEvent] { list.withLock { $0 } }
    }

    /// Serves a client that sends `lines` and then closes its side, and returns the events.
    private func events(_ lines: String, users: Principals? = nil, _ limits: HubLimits = HubLimits()) throws
        -> [ClientEvent]
    {
        let events = Events()
        let reactor = try Reactor()
        try reactor.runTest {
            let hub = Hub(on: reactor, limits: limits, principals: users, epoch: 1) { event in
                events.list.withLock { $0.append(event) }
            }
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            reactor.spawn("listener") { try await hub.serve(listener) }
            let client = Client(stream: try await Stream.connect(to: listener.localAddress))
            try await client.say(lines)
            try client.finishSending()
            while try await !client.hearLine().isEmpty {}
            client.stream.close()
            try await yieldUntil { hub.connectionCount == 0 }
            listener.close()
        }
        return events.all
    }

    @Test("A poisoned channel, an exceeded limit and a success of AUTH are reported with principal and command")
    func commandsAreReported() throws {
        var users = Principals()
        let isAdded = users.add("alice", token: "s3cret")
        #expect(isAdded)
        var limits = HubLimits()
        limits.maxEnds = 0
        let events = try events("AUTH alice s3cret\nPOISON jobs because\nJOIN end=send jobs/2\n", users: users, limits)
        #expect(
            events.map(\.kind) == [
                .authenticated, .poisoned(channel: "jobs", reason: "because"),
                .limited("a connection may join at most 0 ends of channels"), .closed(.endOfInput),
            ])
        #expect(events.map(\.command) == ["AUTH", "POISON", "JOIN", "JOIN"])
        #expect(events.allSatisfy { $0.principal == "alice" && $0.address.hasPrefix("127.0.0.1:") })
    }

    @Test("A POISON that is refused is not reported as one")
    func refusedPoison() throws {
        var principals = Principals()
        var sender = Principal(.allowing(.send))
        let isAdded = sender.add(token: "s3cret") && principals.add("alice", sender)
        #expect(isAdded)
        let events = try events("AUTH alice s3cret\nPOISON jobs because\n", users: principals)
        #expect(events.map(\.kind) == [.authenticated, .closed(.endOfInput)])
    }

    @Test(
        "A rejected message that its dead channel does not take is reported",
        arguments: [
            ("", ClientEvent.DeadChannelObstacle.missing), ("OPEN dead\n", .keepsNothing),
            ("OPEN cap=1 dead\nCLOSE dead\n", .ended), ("OPEN cap=1 dead\nSEND dead x\n", .full),
        ])
    func waitingDeadLettersAreReported(beginning: String, obstacle: ClientEvent.DeadChannelObstacle) throws {
        let events = try events(
            beginning + """
                OPEN cap=5 max-attempts=1 dead=dead jobs
                SEND jobs a
                SEND jobs b
                RECV lease=1m jobs
                REJECT 1.0
                RECV lease=1m jobs
                REJECT 2.0

                """)
        let kinds = events.map(\.kind).filter { if case .deadLetterWaits = $0 { true } else { false } }
        #expect(kinds == [.deadLetterWaits(channel: "jobs", dead: "dead", because: obstacle)])
    }

    @Test("A limit that the parser notices is reported")
    func limitsOfLinesAreReported() throws {
        let events = try events("OPEN cap=99999999 jobs\n")
        #expect(events.first?.kind == .limited("cap= must be at most 65536"))
    }

    @Test("While a command runs, its client and verb can be read without the hub's lock")
    func runningCommandsAreNamed() throws {
        var users = Principals()
        let isAdded = users.add("alice", token: "s3cret")
        #expect(isAdded)
        let running = Lock<[ClientActivity.RunningCommand?]>([])
        let activity = Lock<ClientActivity?>(nil)
        let reactor = try Reactor()
        try reactor.runTest { [users] in
            // The hub reports an event while the command still counts as running.
            let hub = Hub(on: reactor, principals: users, epoch: 1) { _ in
                let current = activity.withLock { $0 }?.current
                running.withLock { $0.append(current) }
            }
            activity.withLock { $0 = hub.activity(of: reactor) }
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            reactor.spawn("listener") { try await hub.serve(listener) }
            let client = Client(stream: try await Stream.connect(to: listener.localAddress))
            try await client.say("AUTH alice s3cret\nPOISON jobs\n")
            _ = try await client.hearLine()
            _ = try await client.hearLine()
            let lookedUp = hub.look { _ in activity.withLock { $0 }?.current }
            running.withLock { $0.append(lookedUp) }
            client.stream.close()
            try await yieldUntil { hub.connectionCount == 0 }
            listener.close()
        }
        let (commands, principals) = running.withLock { ($0.map { $0?.command }, $0.map { $0?.principal }) }
        #expect(commands == ["AUTH", "POISON", nil, nil])
        #expect(principals == ["alice", "alice", nil, nil])
        #expect(running.withLock { $0[1] }?.address.hasPrefix("127.0.0.1:") == true)
    }

    @Test("A refused client is reported without a principal")
    func refusalsAreReported() throws {
        let events = try events("PING / HTTP/1.1\n")
        #expect(events.map(\.kind) == [.closed(.refused)])
        #expect(events.map(\.principal) == [nil])
    }
}
