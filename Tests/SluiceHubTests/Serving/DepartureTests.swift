import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// The end of a connection with many pending commands: they end at once, and are told or forgotten in several turns.
@Suite(.bounded) struct DepartureTests {
    private let count = 1000
    private let receives = (0..<1000).map { "#\($0) select recv c/\($0) | recv d/\($0)\n" }.joined()

    @Test("The pending commands of a reset connection end at once, and are forgotten in several turns")
    func reset() throws {
        try withHub { reactor, hub in
            let (peer, other) = (Peer(of: hub, "peer"), Peer(of: hub, "other", network: 2))
            peer.say(receives.utf8)
            settle(reactor, [peer])
            #expect(hub.parkedCount == count)
            peer.socket.breakOff()
            peer.socket.tell()
            _ = reactor.takeTurnByHand()
            #expect((1..<count).contains(hub.parkedCount))
            #expect(hub.endings == [.reset: 1])
            for number in 0..<count { other.say("send timeout=0 c/\(number) x\n".utf8) }
            settle(reactor, [other])
            #expect(other.hear() == String(repeating: "TIMEOUT\n", count: count))
            #expect(hub.parkedCount == 0 && hub.connectionCount == 1)
            leave([other], reactor)
            #expect(hub.connectionCount == 0 && hub.charge.whole == 0)
        }
    }

    @Test(
        "A client that breaks the protocol gets its error after the outcomes of its commands, which take several turns")
    func error() throws {
        try withHub { reactor, hub in
            let (peer, other) = (Peer(of: hub, "peer"), Peer(of: hub, "other", network: 2))
            peer.say(receives.utf8)
            settle(reactor, [peer])
            peer.say("#x SEND len=1x c\nPING\n".utf8)
            peer.socket.tell()
            _ = reactor.takeTurnByHand()
            #expect((1..<count).contains(hub.parkedCount))
            other.say("send timeout=0 c/0 x\nsend timeout=0 c/999 x\n".utf8)
            settle(reactor, [peer, other])
            #expect(other.hear() == "TIMEOUT\nTIMEOUT\n")
            let lines = peer.hear().split(separator: "\n")
            #expect(lines.count == count + 1)
            #expect(lines.dropLast().allSatisfy { $0.hasSuffix(" CANCELLED closing") })
            #expect(lines.last?.hasPrefix("#x ERR framing ") == true)
            #expect(hub.parkedCount == 0)
            leave([peer, other], reactor)
            #expect(hub.connectionCount == 0 && hub.charge.whole == 0)
        }
    }

    @Test("A client that is killed takes no message after that, and gets its error last")
    func kill() throws {
        try withHub { reactor, hub in
            let (peer, other) = (Peer(of: hub, "peer"), Peer(of: hub, "other", network: 2))
            peer.say(receives.utf8)
            settle(reactor, [peer])
            hub.visitConnections { if hub.place(of: $0.id).address == "peer" { $0.kill(.revoked) } }
            // Again, while its commands are told.
            hub.visitConnections { if hub.place(of: $0.id).address == "peer" { $0.kill(.revoked) } }
            _ = reactor.takeTurnByHand()
            other.say(String(repeating: "send timeout=0 c/0 x\n", count: 3).utf8)
            settle(reactor, [peer, other])
            #expect(other.hear() == "TIMEOUT\nTIMEOUT\nTIMEOUT\n")
            let lines = peer.hear().split(separator: "\n")
            #expect(lines.count == count + 1)
            #expect(lines.dropLast().allSatisfy { $0.hasSuffix(" CANCELLED closing") })
            #expect(lines.last?.hasPrefix("ERR denied ") == true)
            leave([peer, other], reactor)
            #expect(hub.endings[.killed] == 1 && hub.charge.whole == 0)
        }
    }

    /// Lets a client with many pending commands break the protocol, and takes the first turn in which it is told their
    /// outcomes.
    private func beginToTell(_ peer: Peer, of hub: Hub, on reactor: Reactor) {
        peer.say(receives.utf8)
        settle(reactor, [peer])
        peer.say("SEND len=1x c\n".utf8)
        peer.socket.tell()
        _ = reactor.takeTurnByHand()
        #expect(hub.parkedCount > 0)
    }

    @Test("A hub that drains while a client's commands are told waits for them, and ends")
    func drain() throws {
        try withHub { reactor, hub in
            let peer = Peer(of: hub, "peer")
            beginToTell(peer, of: hub, on: reactor)
            hub.drain()
            settle(reactor, [peer])
            let lines = peer.hear().split(separator: "\n")
            #expect(lines.count == count + 1 && lines.last?.hasPrefix("ERR framing ") == true)
            leave([peer], reactor)
            #expect(hub.look { $0.isDrained } && hub.charge.whole == 0)
        }
    }

    @Test("A client may reset or half-close its connection while its commands are told", arguments: [true, false])
    func endOfAClientWithAnError(isReset: Bool) throws {
        try withHub { reactor, hub in
            let peer = Peer(of: hub, "peer")
            beginToTell(peer, of: hub, on: reactor)
            if isReset { peer.socket.breakOff() } else { peer.socket.arriveEnd() }
            settle(reactor, [peer])
            #expect(hub.parkedCount == 0)
            if !isReset { #expect(peer.hear().split(separator: "\n").last?.hasPrefix("ERR framing ") == true) }
            leave([peer], reactor)
            #expect(hub.endings == [.refused: 1])
            #expect(hub.connectionCount == 0 && hub.charge.whole == 0)
        }
    }

    @Test("Long messages count for as many commands as freeing them takes", arguments: ["reset", "error", "end"])
    func longMessages(end: String) throws {
        try withHub { reactor, hub in
            let peer = Peer(of: hub, "peer")
            let body = String(repeating: "x", count: 1 << 20)
            peer.say((0..<40).map { "#\($0) send len=\(body.utf8.count) c\n\(body)\n" }.joined().utf8)
            settle(reactor, [peer])
            #expect(hub.parkedCount == 40)
            switch end {
            case "reset": peer.socket.breakOff()
            case "error": peer.say("SEND len=1x c\n".utf8)
            default: peer.socket.arriveEnd()
            }
            peer.socket.tell()
            _ = reactor.takeTurnByHand()
            #expect((20..<40).contains(hub.parkedCount))
            settle(reactor, [peer])
            #expect(hub.parkedCount == 0)
            leave([peer], reactor)
            #expect(hub.connectionCount == 0 && hub.charge.whole == 0)
        }
    }

    @Test("A client that becomes one principal after the other waits for other clients, because each `AUTH` takes long")
    func alternatingPrincipals() throws {
        var principals = Principals()
        for name in ["alice", "bob"] { _ = principals.add(name, token: "t") }
        let reactor = try Reactor(clock: ManualReactorClock())
        let hub = Hub(on: reactor, principals: principals, epoch: 42)
        try reactor.runByHand {
            reactor.settle()
            let peer = Peer(of: hub, "peer")
            peer.say(String(repeating: "AUTH alice t\nAUTH bob t\n", count: 500).utf8)
            peer.socket.tell()
            _ = reactor.takeTurnByHand()
            #expect((1...2 * hub.limits.turnSteps / Budget.stepsOfAuthentication).contains(peer.replies))
            settle(reactor, [peer])
            leave([peer], reactor)
        }
    }

    @Test("A connection takes its turns among those of its principal once it has authenticated")
    func holders() throws {
        var principals = Principals()
        _ = principals.add("alice", token: "a")
        try HubService.run(principals: principals) { service in
            let client = try await service.connect()
            try await service.until { service.hub.connectionCount == 1 }
            let connection = try #require(service.hub.connections(of: service.hub.share(of: service.reactor)).first)
            let before = connection.conversation.holder
            #expect(before == service.hub.look { $0.machine.holder(of: connection.id) })
            try await client.say("AUTH alice a\n")
            try await client.hear("OK\n")
            #expect(connection.conversation.holder != before)
            #expect(connection.conversation.holder == service.hub.look { $0.machine.holder(of: connection.id) })
        }
    }
}
