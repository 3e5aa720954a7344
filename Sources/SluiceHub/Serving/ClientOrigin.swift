import SluiceRuntime

/// From where a client has come, as far as the limit of connections per address goes.
enum ClientOrigin: Hashable, Sendable {
    case ipv4(UInt32)
    /// The first half of an address: whoever has one has the whole network, as a rule.
    case ipv6Network(UInt64)

    /// Nil for a path, behind which everybody on the machine is.
    init?(_ address: SocketAddress) {
        switch address {
        case .ipv4(let number, _): self = .ipv4(number)
        case .ipv6(let number, _, _): self = .ipv6Network(UInt64(truncatingIfNeeded: number >> 64))
        case .unix: return nil
        }
    }
}
