import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// The turns of the connections of doors.
@Suite(.bounded) struct DoorTurnTests {
    /// A connection of a door whose requests are lines of the line protocol.
    private final class DoorPeer: DoorConnection {
        let client: WireClient
        /// Called when the connection works.
        var whenWorking: () -> Void = {}
        private var requests = ""
        private var awaitsTurn = false
        private(set) var replies = 0

        init(of hub: Hub, _ name: String, network: UInt32 = 1) throws {
            let share = hub.share(of: hub.timekeeper)
            client = try hub.enterWireClient(name, from: .ipv4(network), as: nil, on: share)
            client.whenChanged = { [unowned self] in waitForTurn(waiting: true) }
        }

        func say(_ text: String) {
            requests += text
            waitForTurn(waiting: false)
        }

        private func waitForTurn(waiting waits: Bool) {
            guard !awaitsTurn else { return }
            awaitsTurn = true
            _ = client.takeTurn(self, waiting: waits)
        }

        func hasTurn() {
            awaitsTurn = false
            whenWorking()
            client.write(requests.utf8)
            requests = ""
            while client.nextReply() != nil { replies += 1 }
        }
    }

    private func withHub(_ body: (Reactor, ManualReactorClock, Hub) throws -> Void) throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let hub = Hub(on: reactor, epoch: 42)
        try reactor.runByHand {
            reactor.settle()
            try body(reactor, clock, hub)
        }
    }

    private func disconnect(_ peers: [DoorPeer], _ reactor: Reactor) {
        for peer in peers { peer.client.breakOff() }
        reactor.settle()
    }

    @Test("The hub replies in the turn in which a door writes the request")
    func aRequestTakesATurn() throws {
        try withHub { reactor, _, hub in
            let peer = try DoorPeer(of: hub, "peer")
            reactor.settle()
            peer.say("ping\n")
            _ = reactor.takeTurnByHand()
            #expect(peer.replies == 1)
            disconnect([peer], reactor)
        }
    }

    @Test("The hub replies to a door's short request in the same turn beside much input of another address")
    func inputDoesNotDelayARequest() throws {
        try withHub { reactor, _, hub in
            let crowd = (0..<500).map { Peer(of: hub, "crowd \($0)", network: 2) }
            let peer = try DoorPeer(of: hub, "peer")
            reactor.settle()
            for other in crowd { other.say(String(repeating: "ping\n", count: 3000).utf8) }
            for other in crowd { other.socket.tell() }
            _ = reactor.takeTurnByHand()
            for _ in 1...5 {
                let before = peer.replies
                peer.say("ping\n")
                _ = reactor.takeTurnByHand()
                #expect(peer.replies == before + 1)
            }
            settle(reactor, crowd)
            leave(crowd, reactor)
            disconnect([peer], reactor)
        }
    }

    @Test("Short requests of one address wait for at most one long request of another address")
    func longRequestsShareTheTime() throws {
        try withHub { reactor, clock, hub in
            let busy = try (0..<10).map { try DoorPeer(of: hub, "busy \($0)", network: 2) }
            let peers = try (0..<20).map { try DoorPeer(of: hub, "peer \($0)") }
            reactor.settle()
            for peer in busy {
                peer.whenWorking = { clock.advance(by: .microseconds(500)) }
                peer.say("ping\n")
            }
            for peer in peers { peer.say("ping\n") }
            _ = reactor.takeTurnByHand()
            #expect(peers.allSatisfy { $0.replies == 1 })
            reactor.settle()
            #expect(busy.allSatisfy { $0.replies == 1 })
            disconnect(busy + peers, reactor)
        }
    }

    @Test("Addresses for which a turn has no time are served in later turns")
    func manyAddresses() throws {
        try withHub { reactor, clock, hub in
            let peers = try (0..<100).map { try DoorPeer(of: hub, "peer \($0)", network: UInt32($0)) }
            reactor.settle()
            for peer in peers {
                peer.whenWorking = { clock.advance(by: .microseconds(50)) }
                peer.say("ping\n")
            }
            var served = peers.count { $0.replies > 0 }
            var isBusy = true
            while served < 100, isBusy {
                isBusy = reactor.takeTurnByHand()
                let now = peers.count { $0.replies > 0 }
                // Each piece of work takes 50 µs, so at most 20 of them fit into the 1 ms that doors have.
                #expect(now - served <= 20)
                served = now
            }
            #expect(served == 100)
            disconnect(peers, reactor)
        }
    }
}
