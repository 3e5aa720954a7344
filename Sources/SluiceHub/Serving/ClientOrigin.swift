import SluiceRuntime

/// The origin of a client, for the limit of connections per address.
enum ClientOrigin: Hashable, Sendable {
    case ipv4(UInt32)
    /// The first half of an IPv6 address. A single user commonly has the whole network that it identifies.
    case ipv6Network(UInt64)

    /// Returns nil for a Unix-domain socket, which all clients on the machine share.
    init?(_ address: SocketAddress) {
        switch address {
        case .ipv4(let number, _): self = .ipv4(number)
        case .ipv6(let number, _, _): self = .ipv6Network(UInt64(truncatingIfNeeded: number >> 64))
        case .unix: return nil
        }
    }
}
