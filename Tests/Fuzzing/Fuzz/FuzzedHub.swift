import Glibc
import SluiceWire

@testable import SluiceHub
@testable import SluiceRuntime

/// A hub with two clients on socket pairs, and a clock that the input moves.
final class FuzzedHub {
    /// Small, so that inputs of a few hundred bytes reach all of them.
    private static let limits = HubLimits(
        wire: RequestsTarget.limits, inputBytes: 256, outputBytes: 512, backlogBytes: 4096, lineTimeout: .seconds(3),
        stallTimeout: .seconds(3), parkedBytes: 600, keptBytes: 600, maxLeases: 8, maxDeclaredChannels: 4, maxEnds: 4,
        maxTracers: 1, reportRows: 8, tombstoneLife: .seconds(5), maxTombstones: 4, sendMemoryLife: .seconds(5),
        maxRememberedSends: 4)

    private let clock = ManualReactorClock()
    private let reactor: Reactor
    private let hub: Hub
    private var clients: [FuzzedClient] = []

    /// Returns nil if the system has no more descriptors.
    init?() {
        guard let reactor = try? Reactor(clock: clock) else { return nil }
        self.reactor = reactor
        hub = Hub(on: reactor, limits: Self.limits, epoch: 42)
        for name in ["first", "second"] {
            var pair: [Int32] = [0, 0]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0 else {
                return nil
            }
            clients.append(FuzzedClient(Descriptor(owning: pair[0])))
            let descriptor = Descriptor(owning: pair[1])
            guard case .admitted(let connection) = hub.enter(name, from: nil, on: [hub.share(of: reactor)]) else {
                return nil
            }
            connection.share.connectionBegins()
            connection.begin(DetachedSocket(descriptor))
        }
    }

    /// Returns the delivery id of the last message that a client received under a lease.
    func lastDelivery(to client: Int) -> String { clients[client].lastDelivery }

    // MARK: Events

    func send(_ bytes: [UInt8], by client: Int) {
        guard !bytes.isEmpty else { return }
        clients[client].send(bytes)
        turn()
    }

    func advanceClock(by duration: Duration) {
        clock.advance(by: duration)
        turn()
    }

    func endInput(of client: Int) {
        clients[client].endInput()
        turn()
    }

    func breakOff(_ client: Int) {
        clients[client].breakOff()
        turn()
    }

    func setReading(_ isReading: Bool, of client: Int) {
        clients[client].isReading = isReading
        turn()
    }

    func drain(within limit: Duration?) {
        hub.drain(within: limit)
        turn()
    }

    /// Ends both conversations, and checks that the hub keeps nothing for them.
    func end() {
        for client in clients.indices {
            clients[client].isReading = true
            clients[client].endInput()
        }
        // Operations with `eof=wait` stay parked until their client disconnects.
        for _ in 0..<8 { advanceClock(by: .seconds(1)) }
        for client in clients.indices { clients[client].breakOff() }
        // A channel whose last operation has left with its client is remembered for a while.
        for _ in 0..<8 { advanceClock(by: .seconds(1)) }
        require(hub.connectionCount == 0, "\(hub.connectionCount) connections are left")
        require(hub.parkedCount == 0, "\(hub.parkedCount) operations are left")
        let leases = hub.look { $0.machine.leases.count }
        require(leases == 0, "\(leases) leases are left")
        // Declared channels stay, and so do the messages that a channel keeps, also a closed one. Everything else is
        // forgotten.
        let kept = hub.look { $0.machine.channels.declaredCount + $0.machine.totals.keptMessages }
        let charge = hub.charge
        require(charge.whole == charge.holders, "\(charge.whole) bytes are charged, \(charge.holders) to holders")
        require(charge.whole == 0 || kept > 0, "\(charge.whole) bytes are still charged")
        require(hub.isAtItsEnd || !hub.isDraining, "the hub drains, and does not end")
    }

    /// Runs the hub and the clients until both have nothing to do.
    private func turn() {
        var left = 4
        try? reactor.withThread {
            try reactor.takeTurns(detectingDeadlock: false) {
                left -= 1
                for client in clients.indices { clients[client].receive() }
                // Only the input moves the clock, so no timer ends the wait for the kernel.
                reactor.wake()
                return left < 0
            }
        }
        let kept = hub.look { ($0.machine.totals.keptBytes, $0.machine.leases.count) }
        require(
            kept.0 <= Self.limits.keptBytes, "the channels keep \(kept.0) bytes; the limit is \(Self.limits.keptBytes)")
        require(kept.1 <= clients.count * Self.limits.maxLeases, "there are \(kept.1) leases")
    }
}
