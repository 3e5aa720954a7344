import SluiceRuntime
import Testing

@testable import SluiceHub

/// The client's end of a connection without a kernel.
struct Peer {
    let socket = VirtualSocket(outputRoom: 4 << 20)

    /// - Parameter network: the number of the address from which the client comes.
    init(of hub: Hub, _ name: String, network: UInt32 = 1) {
        #expect(hub.admit(socket, from: name, network: network))
    }

    func say(_ text: some Collection<UInt8>) { socket.arrive(text) }
    func hear() -> String { String(decoding: socket.takeOutput(upTo: .max), as: UTF8.self) }
    var replies: Int { hear().utf8.count { $0 == UInt8(ascii: "\n") } }
}

/// Creates a hub whose reactor takes turns by hand.
func withHub(_ body: (_ reactor: Reactor, _ hub: Hub) -> Void) throws {
    let reactor = try Reactor(clock: ManualReactorClock())
    let hub = Hub(on: reactor, epoch: 42)
    try reactor.runByHand {
        reactor.settle()
        body(reactor, hub)
    }
}

/// Takes turns until all is done, as the kernel's polls would.
func settle(_ reactor: Reactor, _ peers: [Peer]) {
    repeat {
        for peer in peers { peer.socket.tell() }
        reactor.settle()
    } while peers.contains { $0.socket.isReady }
}

/// Ends the connections, so that the hub forgets them.
func leave(_ peers: [Peer], _ reactor: Reactor) {
    for peer in peers { peer.socket.breakOff() }
    settle(reactor, peers)
}
