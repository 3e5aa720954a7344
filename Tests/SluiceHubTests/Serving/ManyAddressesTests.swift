import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Very many addresses that have a little to do at the same time.
@Suite(.bounded) struct ManyAddressesTests {
    private static let addresses = 2000
    /// The steps of input that waits, and of other input, in a turn. The last piece of each may exceed them.
    private static let stepsOfTurn = 2 * 2500 + 500 + 200

    /// Lets each of many addresses send the same text at once.
    private func rush(_ hub: Hub, _ text: String) -> [Peer] {
        let crowd = (0..<Self.addresses).map { Peer(of: hub, "crowd \($0)", network: UInt32($0) + 1) }
        for peer in crowd { peer.say(text.utf8) }
        for peer in crowd { peer.socket.tell() }
        return crowd
    }

    @Test("A turn runs a bounded part of the small inputs of very many addresses", arguments: ["ping\n", "x\n"])
    func turnsAreBounded(line: String) throws {
        try withHub { reactor, hub in
            let crowd = rush(hub, String(repeating: line, count: 240 / line.utf8.count))
            var (longest, before) = (0, 0)
            var isBusy = true
            while isBusy {
                isBusy = reactor.takeTurnByHand()
                longest = max(longest, hub.inputStepsTaken - before)
                before = hub.inputStepsTaken
            }
            #expect(longest <= Self.stepsOfTurn)
            #expect(crowd.allSatisfy { $0.replies == 240 / line.utf8.count })
            leave(crowd, reactor)
        }
    }

    @Test("A client that comes later is answered after a command of each address that waits")
    func aNewcomerIsAnsweredSoon() throws {
        try withHub { reactor, hub in
            let crowd = rush(hub, String(repeating: "ping\n", count: 48))
            _ = reactor.takeTurnByHand()
            let neighbour = Peer(of: hub, "neighbour", network: 10_000)
            let before = hub.inputStepsTaken
            neighbour.say("ping\n".utf8)
            neighbour.socket.tell()
            while neighbour.hear().isEmpty, reactor.takeTurnByHand() {}
            // All of their commands together take 34 steps for each.
            #expect(hub.inputStepsTaken - before <= Self.addresses * 10)
            settle(reactor, crowd)
            leave(crowd + [neighbour], reactor)
        }
    }

    @Test("Clients of many addresses that close their sending side are answered, and do not delay another one")
    func halfClosesTakeTurns() throws {
        try withHub { reactor, hub in
            let arms = (0..<64).map { "recv w\($0)" }.joined(separator: " | ")
            let crowd = (0..<500).map { Peer(of: hub, "crowd \($0)", network: UInt32($0) + 1) }
            for peer in crowd { peer.say((0..<20).map { "#\($0) select \(arms)\n" }.joined().utf8) }
            settle(reactor, crowd)
            #expect(hub.parkedCount == 10_000)
            for peer in crowd { peer.socket.arriveEnd() }
            for peer in crowd { peer.socket.tell() }
            let neighbour = Peer(of: hub, "neighbour", network: 10_000)
            neighbour.say("ping\n".utf8)
            neighbour.socket.tell()
            var turns = 0
            while neighbour.hear().isEmpty, turns < 100 {
                _ = reactor.takeTurnByHand()
                turns += 1
            }
            // Each of the others has a turn of a few commands before.
            #expect(turns <= 15)
            settle(reactor, crowd)
            #expect(crowd.allSatisfy { $0.replies == 20 })
            settle(reactor, crowd)
            #expect(hub.parkedCount == 0 && hub.connectionCount == 1)
            leave([neighbour], reactor)
        }
    }

    @Test("A body of another address does not delay short input", arguments: [200])
    func bodiesLeaveTime(count: Int) throws {
        try withHub { reactor, hub in
            let crowd = (0..<count).map { Peer(of: hub, "crowd \($0)", network: UInt32($0) + 1) }
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
            for peer in crowd { peer.say("ping len=200000\n".utf8) }
            settle(reactor, crowd)
            for peer in crowd { peer.say(body + [10]) }
            let neighbour = Peer(of: hub, "neighbour", network: 10_000)
            for _ in 1...5 {
                for peer in crowd { peer.socket.tell() }
                neighbour.say("ping\n".utf8)
                neighbour.socket.tell()
                _ = reactor.takeTurnByHand()
                #expect(neighbour.hear() == "OK\n")
            }
            settle(reactor, crowd)
            #expect(crowd.allSatisfy { $0.hear().utf8.count == body.count + "DATA 200000\n\n".utf8.count })
            leave(crowd + [neighbour], reactor)
        }
    }

    @Test("Short input of newcomers leaves most of a turn for input that has waited")
    func newcomersLeaveTime() throws {
        try withHub { reactor, hub in
            let crowd = rush(hub, String(repeating: "ping\n", count: 48))
            let newcomers = (0..<300).map { Peer(of: hub, "new \($0)", network: 20_000 + UInt32($0)) }
            var (answered, turns) = (0, 0)
            while answered < Self.addresses * 48, turns < 1000 {
                for peer in newcomers {
                    peer.say("ping\n".utf8)
                    peer.socket.tell()
                }
                _ = reactor.takeTurnByHand()
                answered += crowd.map(\.replies).reduce(0, +)
                turns += 1
            }
            // Each address has eight short turns of 8 steps, and a turn has 1 250 steps for them.
            #expect(turns <= 150)
            settle(reactor, newcomers)
            leave(crowd + newcomers, reactor)
        }
    }
}
