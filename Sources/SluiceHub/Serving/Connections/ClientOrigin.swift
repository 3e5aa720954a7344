import SluiceRuntime

/// The origin of a client, for the limits of connections and for guesses of tokens.
package enum ClientOrigin: Hashable, Sendable {
    case ipv4(UInt32)
    /// The first half of an IPv6 address. A single user commonly has the whole network that it identifies.
    case ipv6Network(UInt64)
    /// The user of the process at the other end of a Unix-domain socket.
    case user(UInt32)

    /// Returns nil for a Unix-domain socket whose user is not known.
    init?(_ address: SocketAddress, user: UInt32? = nil) {
        switch address {
        case .ipv4(let number, _): self = .ipv4(number)
        case .ipv6(let number, _, _): self = .ipv6Network(UInt64(truncatingIfNeeded: number >> 64))
        case .unix:
            guard let user else { return nil }
            self = .user(user)
        }
    }

    /// Whether the limit of connections per address applies.
    var isAddress: Bool {
        switch self {
        case .ipv4, .ipv6Network: true
        case .user: false
        }
    }
}
