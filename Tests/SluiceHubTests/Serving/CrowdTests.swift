import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Many connections that have much to do at the same time: a turn does a bounded part of it, and serves the others.
@Suite(.bounded) struct CrowdTests {
    /// The replies to PING that the steps of a turn permit, and what one connection may exceed them by.
    private let repliesOfTurn = 2500 * 8 / 5 + 700
    /// The replies to PING that a quarter of a turn's steps permits. Short input may exceed the steps of a turn by a
    /// quarter, and waiting input may take half of the next turn's steps in advance.
    private let repliesOfQuarterTurn = 625 * 8 / 5

    @Test("A turn runs a bounded part of the input of many connections, and short input of others")
    func muchInput() throws {
        try withHub { reactor, hub in
            let crowd = (0..<100).map { Peer(of: hub, "crowd \($0)") }
            let neighbour = Peer(of: hub, "neighbour")
            for peer in crowd { peer.say(String(repeating: "ping\n", count: 3000).utf8) }
            for peer in crowd { peer.socket.tell() }
            neighbour.say("ping\n".utf8)
            neighbour.socket.tell()
            _ = reactor.takeTurnByHand()
            #expect(neighbour.hear() == "OK\n")
            var answered = crowd.map(\.replies)
            #expect(answered.reduce(0, +) <= repliesOfTurn)
            settle(reactor, crowd)
            for (number, peer) in crowd.enumerated() { answered[number] += peer.replies }
            #expect(answered.allSatisfy { $0 == 3000 })
            leave(crowd + [neighbour], reactor)
        }
    }

    @Test("The budgets of a turn are not renewed while more sockets are served in it", arguments: [1, 3])
    func muchInputWithInterruptions(interruptions: Int) throws {
        try withHub { reactor, hub in
            let crowd = (0..<100).map { Peer(of: hub, "crowd \($0)") }
            for peer in crowd { peer.say(String(repeating: "ping\n", count: 3000).utf8) }
            for (number, peer) in crowd.enumerated() {
                peer.socket.tell()
                if number % (100 / (interruptions + 1)) == 10 { reactor.continueTurn() }
            }
            // The output of the first connections is written already.
            let early = crowd.map(\.replies).reduce(0, +)
            #expect(early > 0)
            _ = reactor.takeTurnByHand()
            let answered = early + crowd.map(\.replies).reduce(0, +)
            #expect(answered <= repliesOfTurn + 2 * repliesOfQuarterTurn)
            settle(reactor, crowd)
            #expect(answered + crowd.map(\.replies).reduce(0, +) == 300_000)
            leave(crowd, reactor)
        }
    }

    @Test("A turn runs a bounded part of the short input of many connections, and other addresses have their turn")
    func muchShortInput() throws {
        try withHub { reactor, hub in
            let crowd = (0..<1000).map { Peer(of: hub, "crowd \($0)") }
            let neighbour = Peer(of: hub, "neighbour", network: 2)
            var (answered, turns) = (0, 0)
            for _ in 0..<3 {
                for peer in crowd { peer.say(String(repeating: "ping\n", count: 50).utf8) }
                for peer in crowd { peer.socket.tell() }
                neighbour.say("ping\n".utf8)
                neighbour.socket.tell()
                repeat {
                    _ = reactor.takeTurnByHand()
                    turns += 1
                    let replies = crowd.map(\.replies).reduce(0, +)
                    #expect(replies <= repliesOfTurn + 2 * repliesOfQuarterTurn)
                    answered += replies
                    for peer in crowd { peer.socket.tell() }
                    neighbour.socket.tell()
                } while neighbour.hear().isEmpty && turns < 20
            }
            #expect(turns <= 6)
            settle(reactor, crowd)
            #expect(answered + crowd.map(\.replies).reduce(0, +) == 150_000)
            leave(crowd + [neighbour], reactor)
        }
    }

    @Test("Input that waits to be read is not reported again and again")
    func waitingInputIsNotReported() throws {
        try withHub { reactor, hub in
            let crowd = (0..<1000).map { Peer(of: hub, "crowd \($0)") }
            for peer in crowd { peer.say(String(repeating: "ping\n", count: 50).utf8) }
            for peer in crowd { peer.socket.tell() }
            var turns = 0
            while crowd.contains(where: { $0.socket.unreadBytes > 0 }), turns < 100 {
                #expect(!crowd.contains { $0.socket.isReady })
                _ = reactor.takeTurnByHand()
                turns += 1
            }
            #expect((2..<100).contains(turns))
            #expect(crowd.allSatisfy { $0.replies == 50 })
            leave(crowd, reactor)
        }
    }

    @Test("The rest of a body does not wait for the turns of other addresses")
    func bodiesContinue() throws {
        try withHub { reactor, hub in
            let crowd = (0..<100).map { Peer(of: hub, "crowd \($0)", network: 2 + UInt32($0)) }
            let neighbour = Peer(of: hub, "neighbour")
            neighbour.say("ping len=40000\n".utf8)
            neighbour.socket.tell()
            _ = reactor.takeTurnByHand()
            for peer in crowd { peer.say(String(repeating: "ping\n", count: 3000).utf8) }
            for peer in crowd { peer.socket.tell() }
            _ = reactor.takeTurnByHand()
            neighbour.say(String(repeating: "x", count: 40000).utf8 + Array("\n".utf8))
            // The line end behind the body is read in a turn of its own.
            for _ in 0..<2 {
                neighbour.socket.tell()
                _ = reactor.takeTurnByHand()
            }
            #expect(neighbour.hear().utf8.count > 40000)
            #expect(crowd.map(\.replies).reduce(0, +) < 100 * 3000)
            settle(reactor, crowd)
            leave(crowd + [neighbour], reactor)
        }
    }

    @Test("A turn frees a bounded part of the messages of many connections that end", arguments: [true, false])
    func manyLongMessages(isReset: Bool) throws {
        try withHub { reactor, hub in
            let crowd = (0..<16).map { Peer(of: hub, "crowd \($0)") }
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 400_000)
            for peer in crowd {
                for number in 0..<10 { peer.say("#\(number) send len=\(body.count) c\n".utf8 + body + [10]) }
            }
            settle(reactor, crowd)
            #expect(hub.parkedCount == 160)
            for peer in crowd { if isReset { peer.socket.breakOff() } else { peer.socket.arriveEnd() } }
            for peer in crowd { peer.socket.tell() }
            _ = reactor.takeTurnByHand()
            // Each connection takes 490 steps.
            #expect(hub.parkedCount >= (isReset ? 70 : 10))
            settle(reactor, crowd)
            settle(reactor, crowd)
            #expect(hub.connectionCount == 0)
        }
    }

    @Test("If many holders wait, each has a short turn")
    func manyHolders() throws {
        try withHub { reactor, hub in
            let crowd = (0..<100).map { Peer(of: hub, "crowd \($0)", network: UInt32($0) + 1) }
            let neighbour = Peer(of: hub, "neighbour", network: 1000)
            for peer in crowd { peer.say(String(repeating: "ping\n", count: 3000).utf8) }
            for peer in crowd { peer.socket.tell() }
            neighbour.say(String(repeating: "ping\n", count: 60).utf8)
            neighbour.socket.tell()
            var turns = 0
            var replies = 0
            while replies < 60, turns < 100 {
                _ = reactor.takeTurnByHand()
                replies += neighbour.replies
                turns += 1
            }
            #expect(turns <= 8)
            settle(reactor, crowd)
            leave(crowd + [neighbour], reactor)
        }
    }

    @Test("A report does not wait for those of all connections of another address")
    func reportsTakeTurns() throws {
        try withHub { reactor, hub in
            let keeper = Peer(of: hub, "keeper")
            keeper.say((0..<9000).map { "open cap=1 c/\($0)\n" }.joined().utf8)
            settle(reactor, [keeper])
            let crowd = (0..<30).map { Peer(of: hub, "crowd \($0)") }
            let neighbour = Peer(of: hub, "neighbour", network: 2)
            for peer in crowd + [neighbour] { peer.say("channels limit=1 zzz\n".utf8) }
            for peer in crowd + [neighbour] { peer.socket.tell() }
            var turns = 0
            repeat {
                _ = reactor.takeTurnByHand()
                turns += 1
            } while neighbour.hear().isEmpty && turns < 100
            #expect(turns <= 10)
            settle(reactor, crowd)
            leave(crowd + [neighbour, keeper], reactor)
        }
    }

    @Test("A connection can end while its input waits in the kernel", arguments: [true, false])
    func endsOfUnreadConnections(isReset: Bool) throws {
        try withHub { reactor, hub in
            let crowd = (0..<1000).map { Peer(of: hub, "crowd \($0)") }
            for peer in crowd { peer.say(String(repeating: "ping\n", count: 50).utf8) }
            for peer in crowd { peer.socket.tell() }
            for peer in crowd { if isReset { peer.socket.breakOff() } else { peer.socket.arriveEnd() } }
            settle(reactor, crowd)
            if !isReset { #expect(crowd.map(\.replies).reduce(0, +) == 50_000) }
            settle(reactor, crowd)
            #expect(hub.connectionCount == 0)
        }
    }

    @Test("A turn forgets a bounded number of connections, and later turns forget the others")
    func manyEnds() throws {
        try withHub { reactor, hub in
            let crowd = (0..<60).map { Peer(of: hub, "crowd \($0)") }
            for peer in crowd { peer.say((0..<200).map { "#\($0) recv c\n" }.joined().utf8) }
            settle(reactor, crowd)
            for peer in crowd { peer.socket.breakOff() }
            for (number, peer) in crowd.enumerated() {
                peer.socket.tell()
                if number % 20 == 10 { reactor.continueTurn() }
            }
            _ = reactor.takeTurnByHand()
            #expect(hub.connectionCount >= 48)
            reactor.settle()
            #expect(hub.connectionCount == 0)
        }
    }

    @Test("Lines that arrive in pieces are completed beside a crowd", arguments: [100, 300, 3000, 7000])
    func longLines(length: Int) throws {
        try withHub { reactor, hub in
            let crowd = (0..<40).map { Peer(of: hub, "crowd \($0)") }
            let line = "ping " + String(repeating: "x", count: length) + "\n"
            for peer in crowd { peer.say(String(repeating: line, count: 20).utf8) }
            settle(reactor, crowd)
            #expect(crowd.allSatisfy { $0.replies == 40 })
            leave(crowd, reactor)
        }
    }

    @Test("The input of another address does not wait for that of all connections of a crowd")
    func otherAddresses() throws {
        try withHub { reactor, hub in
            let crowd = (0..<100).map { Peer(of: hub, "crowd \($0)") }
            let neighbour = Peer(of: hub, "neighbour", network: 2)
            for peer in crowd { peer.say(String(repeating: "ping\n", count: 3000).utf8) }
            for peer in crowd { peer.socket.tell() }
            _ = reactor.takeTurnByHand()
            neighbour.say(String(repeating: "ping\n", count: 100).utf8)
            neighbour.socket.tell()
            for _ in 1...3 { _ = reactor.takeTurnByHand() }
            #expect(neighbour.replies == 100)
            leave(crowd + [neighbour], reactor)
        }
    }

    @Test("A turn withdraws a bounded part of the commands of many connections whose input ends")
    func manyHalfCloses() throws {
        try withHub { reactor, hub in
            let crowd = (0..<50).map { Peer(of: hub, "crowd \($0)") }
            for peer in crowd { peer.say((0..<200).map { "#\($0) recv c\n" }.joined().utf8) }
            settle(reactor, crowd)
            #expect(hub.parkedCount == 10_000)
            for peer in crowd { peer.socket.arriveEnd() }
            for peer in crowd { peer.socket.tell() }
            _ = reactor.takeTurnByHand()
            #expect(hub.parkedCount > 5000)
            settle(reactor, crowd)
            #expect(hub.parkedCount == 0)
            #expect(crowd.allSatisfy { $0.replies == 200 })
            settle(reactor, crowd)
            #expect(hub.connectionCount == 0)
        }
    }

    @Test("A turn writes a bounded part of the output of many connections")
    func muchOutput() throws {
        try withHub { reactor, hub in
            let crowd = (0..<20).map { Peer(of: hub, "crowd \($0)") }
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
            crowd[0].say("open kind=once o\nsend len=\(body.count) o\n".utf8)
            crowd[0].say(body + [UInt8(ascii: "\n")])
            settle(reactor, crowd)
            #expect(crowd[0].hear() == "OK\nOK\n")
            for peer in crowd { peer.say("recv o\n".utf8) }
            for peer in crowd { peer.socket.tell() }
            _ = reactor.takeTurnByHand()
            var written = crowd.map { $0.hear().utf8.count }
            #expect(written.reduce(0, +) <= 4 << 20)
            settle(reactor, crowd)
            for (number, peer) in crowd.enumerated() { written[number] += peer.hear().utf8.count }
            #expect(written.allSatisfy { $0 == "MSG o 1048576\n".utf8.count + body.count + 1 })
            leave(crowd, reactor)
        }
    }

    @Test("A connection may end while its report is being taken", arguments: ["", "quit\n", "#1 recv c\n"])
    func reportsOfConnectionsThatEnd(behind: String) throws {
        try withHub { reactor, hub in
            let keeper = Peer(of: hub, "keeper")
            keeper.say((0..<9000).map { "open cap=1 c/\($0)\n" }.joined().utf8)
            settle(reactor, [keeper])
            for round in 0..<3 {
                let crowd = (0..<4).map { Peer(of: hub, "crowd \(round).\($0)") }
                for peer in crowd { peer.say("channels format=json\n\(behind)".utf8) }
                for peer in crowd { peer.socket.tell() }
                _ = reactor.takeTurnByHand()
                for peer in crowd[..<2] { peer.socket.breakOff() }
                for peer in crowd[..<2] { peer.socket.tell() }
                settle(reactor, crowd)
                #expect(crowd[3].hear().hasPrefix("DATA "))
                leave(crowd, reactor)
            }
            #expect(hub.connectionCount == 1)
            leave([keeper], reactor)
        }
    }
}
