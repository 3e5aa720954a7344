/// A server's address as a user writes it: with `sluices://` before the host, the connection uses TLS.
package struct ServerLocation: Sendable, Hashable {
    /// What stands before an address to ask for TLS.
    package static let tlsScheme = "sluices://"

    /// The address, without `sluices://`.
    package let address: String
    /// Whether the address asks for TLS.
    package let usesTLS: Bool

    /// Reads an address. Whether the rest of it is valid shows when it is resolved.
    package init(_ text: String) {
        let rest = SocketAddress.removing(Self.tlsScheme, from: text)
        usesTLS = rest != nil
        address = rest ?? text
    }
}
