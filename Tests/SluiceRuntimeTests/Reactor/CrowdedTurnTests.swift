import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// When thousands of sockets are ready at once, the first need not wait for the last.
@Suite(.bounded) struct CrowdedTurnTests {
    /// Reads what has arrived, and does the rest at the end of the turn.
    private final class Owner: SocketOwner, EndOfTurn {
        @exclusivity(unchecked) var socket = PolledSocket()
        private let reactor: Reactor
        private let waiting: Recorder<Int>
        private var buffer = [UInt8](repeating: 0, count: 8)

        init(_ descriptor: consuming Descriptor, on reactor: Reactor, _ waiting: Recorder<Int>) {
            (self.reactor, self.waiting) = (reactor, waiting)
            super.init()
            socket.open(descriptor, on: reactor, ownedBy: self)
            socket.watch(reading: true, writing: false)
        }

        override func socketIsReadable() {
            _ = buffer.withUnsafeMutableBytes { socket.tryRead(into: $0) }
            waiting.record(1)
            reactor.atEndOfTurn(self)
        }

        override func socketIsWritable() {}
        override func socketIsUnwatchable() {}
        func turnEnds() { waiting.record(-1) }
    }

    @Test("In a crowded turn, owners are served before its end")
    func noMoreThanSomeWaitForTheEndOfATurn() throws {
        let reactor = try Reactor()
        let waiting = Recorder<Int>()
        try reactor.run {
            var owners: [Owner] = []
            for _ in 0..<400 {
                var pair: [Int32] = [0, 0]
                try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
                let peer = Descriptor(owning: pair[0])
                owners.append(Owner(Descriptor(owning: pair[1]), on: reactor, waiting))
                try #require(write(peer.number, "x", 1) == 1)
            }
            while waiting.values.count { $0 < 0 } < owners.count { try await turn(of: reactor) }
            for owner in owners { owner.socket.close() }
        }
        var (count, most) = (0, 0)
        for change in waiting.values {
            count += change
            most = max(most, count)
        }
        #expect(count == 0)
        #expect(most <= 256)
    }
}
