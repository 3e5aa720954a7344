import Glibc
package import SluiceRuntime
import Synchronization

/// The proxies in front of a listener, which name their clients with a PROXY header.
package struct TrustedProxies: Sendable {
    /// How long a proxy may take to send the header.
    static let timeout = Duration.seconds(5)
    /// The most connections whose header is not complete.
    static let mostPending = 1024
    /// The most of them of one address.
    static let mostPendingOfAddress = 256

    private let networks: [NetworkRange]

    /// - Parameter networks: the networks of the proxies. Connections from other addresses are closed.
    package init(networks: [NetworkRange]) { self.networks = networks }

    func contains(_ address: SocketAddress) -> Bool { networks.contains { $0.contains(address) } }
}

/// The number of connections whose PROXY header is not complete, for each address.
final class PendingHeaders: Sendable {
    private struct Counts {
        var total = 0
        var ofOrigin: [ClientOrigin: Int] = [:]
    }

    private let counts = Lock(Counts())

    /// Counts a connection. Returns false if there are too many.
    func begin(_ origin: ClientOrigin) -> Bool {
        counts.withLock { counts in
            let own = counts.ofOrigin[origin] ?? 0
            guard counts.total < TrustedProxies.mostPending, own < TrustedProxies.mostPendingOfAddress else {
                return false
            }
            counts.total += 1
            counts.ofOrigin[origin] = own + 1
            return true
        }
    }

    func end(_ origin: ClientOrigin) {
        counts.withLock { counts in
            counts.total -= 1
            let own = counts.ofOrigin[origin] ?? 1
            counts.ofOrigin[origin] = own > 1 ? own - 1 : nil
        }
    }
}

extension Hub {
    /// Reads the PROXY header of a connection, and passes the connection to `admit` with the address of the client.
    func readHeader(
        of accepted: consuming AcceptedSocket, from proxies: TrustedProxies, _ pending: PendingHeaders,
        on reactor: Reactor, _ admit: @escaping @Sendable (consuming AcceptedSocket) -> Void
    ) {
        let peer = accepted.peer
        guard proxies.contains(peer), let origin = ClientOrigin(peer) else {
            return reportProxy(peer, "only a proxy of proxy-networks may connect to this listener")
        }
        guard pending.begin(origin) else {
            return reportProxy(
                peer,
                "too many connections wait for their PROXY header; at most \(TrustedProxies.mostPending), and \(TrustedProxies.mostPendingOfAddress) of an address"
            )
        }
        let accepted = Lock<AcceptedSocket?>(accepted)
        reactor.spawn("PROXY header from \(peer)") { [self] in
            defer { pending.end(origin) }
            guard let accepted = accepted.withLock({ $0.take() }) else { return }
            do throws(SluiceError) {
                admit(try await accepted.readingProxyHeader(on: reactor, within: TrustedProxies.timeout))
            } catch {
                // The proxy has checked that the port is open.
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
