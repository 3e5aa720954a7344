import Glibc
package import SluiceRuntime
import Synchronization

/// The proxies in front of a listener, which name their clients with a PROXY header.
package struct TrustedProxies: Sendable {
    /// How long a proxy may take to send the header.
    static let timeout = Duration.seconds(5)
    /// The most connections whose header is not complete.
    static let mostPending = 1024

    private let networks: [NetworkRange]

    /// - Parameter networks: the networks of the proxies. Connections from other addresses are closed.
    package init(networks: [NetworkRange]) { self.networks = networks }

    func contains(_ address: SocketAddress) -> Bool { networks.contains { $0.contains(address) } }
}

/// The number of connections whose PROXY header is not complete.
final class PendingHeaders: Sendable {
    private let count = Atomic<Int>(0)

    /// Counts a connection. Returns false if there are too many.
    func begin() -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= TrustedProxies.mostPending { return true }
        end()
        return false
    }

    func end() { count.subtract(1, ordering: .relaxed) }
}

extension Hub {
    /// Reads the PROXY header of a connection, and passes the connection to `admit` with the address of the client.
    func receive(
        _ accepted: consuming AcceptedSocket, from proxies: TrustedProxies, _ pending: PendingHeaders,
        on reactor: Reactor, _ admit: @escaping @Sendable (consuming AcceptedSocket) -> Void
    ) {
        let peer = accepted.peer
        guard proxies.contains(peer) else {
            return reportProxy(peer, "only a proxy of proxy-networks may connect to this listener")
        }
        guard pending.begin() else {
            return reportProxy(peer, "\(TrustedProxies.mostPending) connections wait for their PROXY header already")
        }
        let accepted = Lock<AcceptedSocket?>(accepted)
        reactor.spawn("PROXY header from \(peer)") { [self] in
            defer { pending.end() }
            guard let accepted = accepted.withLock({ $0.take() }) else { return }
            do throws(SluiceError) {
                admit(try await accepted.readingProxyHeader(on: reactor, within: TrustedProxies.timeout))
            } catch {
                // A check of the proxy, whether the port is open.
                guard error.errno != ECONNRESET else { return }
                reportProxy(peer, error.message)
            }
        }
    }

    private func reportProxy(_ peer: SocketAddress, _ reason: String) {
        report(
            ClientEvent(
                kind: .proxyRefused(reason), address: "\(peer)", origin: ClientOrigin(peer), principal: nil,
                command: nil))
    }
}
