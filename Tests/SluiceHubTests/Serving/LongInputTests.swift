import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceHub

/// A client that has sent many commands at once gets the first replies before the last command has run.
@Suite(.bounded) struct LongInputTests {
    private final class Peer {
        let socket = VirtualSocket(outputRoom: 1 << 20)
        /// The number of writes to this peer.
        var writes = 0

        init(of hub: Hub, _ name: String) {
            #expect(hub.admit(socket, from: name))
            socket.whenChanged = { [unowned self] _ in writes += 1 }
        }

        /// Sends text, and lets the hub read as much of it as it reads in one turn.
        func say(_ text: String, to reactor: Reactor) {
            socket.arrive(text.utf8)
            socket.tell()
            reactor.settle()
        }

        func hear() -> String { String(decoding: socket.takeOutput(upTo: .max), as: UTF8.self) }
    }

    private static let line = "SEND c " + String(repeating: "x", count: 72) + "\n"
    private static let message = "#r MSG c 72\n" + String(repeating: "x", count: 72) + "\n"

    private func withPeers(_ body: (_ reactor: Reactor, _ sender: Peer, _ receiver: Peer) -> Void) throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        let hub = Hub(on: reactor, epoch: 42)
        try reactor.runByHand {
            reactor.settle()
            let (sender, receiver) = (Peer(of: hub, "sender"), Peer(of: hub, "receiver"))
            receiver.say("#r RECV count=* c\n", to: reactor)
            body(reactor, sender, receiver)
            for peer in [sender, receiver] { peer.socket.breakOff() }
            for peer in [sender, receiver] { peer.socket.tell() }
            reactor.settle()
        }
    }

    @Test("A long input is answered in pieces before its last command has run")
    func aLongInputIsAnsweredPieceByPiece() throws {
        try withPeers { reactor, sender, receiver in
            sender.say(String(repeating: Self.line, count: 150), to: reactor)
            // 12 000 bytes are three pieces; the last one is answered at the end of the turn.
            for peer in [sender, receiver] { #expect(peer.writes == 3) }
            #expect(sender.hear() == String(repeating: "OK\n", count: 150))
            #expect(receiver.hear() == String(repeating: Self.message, count: 150))
        }
    }

    @Test(
        "A long input is answered in pieces beside few other clients, and at once beside many",
        arguments: [(others: 0, writes: 3), (others: 2, writes: 3), (others: 3, writes: 1), (others: 9, writes: 1)])
    func aLongInputBesideOthers(others: Int, writes: Int) throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        let hub = Hub(on: reactor, epoch: 42)
        try reactor.runByHand {
            reactor.settle()
            let peers = (0..<others).map { Peer(of: hub, "other \($0)") }
            let sender = Peer(of: hub, "sender")
            for peer in peers {
                peer.socket.arrive("PING\n".utf8)
                peer.socket.tell()
            }
            sender.say(String(repeating: "PING \(String(repeating: "x", count: 74))\n", count: 150), to: reactor)
            #expect(sender.writes == writes)
            for peer in peers { #expect(peer.writes == 1) }
            for peer in peers + [sender] { peer.socket.breakOff() }
            for peer in peers + [sender] { peer.socket.tell() }
            reactor.settle()
        }
    }

    @Test("A short input is answered with one write")
    func aShortInputIsAnsweredAtOnce() throws {
        try withPeers { reactor, sender, receiver in
            sender.say(String(repeating: Self.line, count: 40), to: reactor)
            for peer in [sender, receiver] { #expect(peer.writes == 1) }
            #expect(receiver.hear() == String(repeating: Self.message, count: 40))
        }
    }

    // No client waits for replies then, and each write has a cost.
    @Test("Input without pause is answered once per turn of the loop")
    func continuousInputIsAnsweredOncePerTurn() throws {
        try withPeers { reactor, sender, receiver in
            let count = 600
            sender.say(String(repeating: Self.line, count: count), to: reactor)
            var heard = receiver.hear()
            while sender.socket.isReady {
                let (ofSender, ofReceiver) = (sender.writes, receiver.writes)
                sender.say("", to: reactor)
                let isLast = !sender.socket.isReady
                if !isLast {
                    #expect(sender.writes == ofSender + 1)
                    #expect(receiver.writes == ofReceiver + 1)
                }
                heard += receiver.hear()
            }
            #expect(heard == String(repeating: Self.message, count: count))
        }
    }
}
