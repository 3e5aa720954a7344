/// Where a server is, as the address of a user says it: with `sluices://` before the host, the connection uses TLS.
package struct ServerLocation: Sendable, Hashable {
    private static let schemeOfTLS = "sluices://"

    /// The address, without `sluices://`.
    package let address: String
    /// Whether the address asks for TLS.
    package let asksForTLS: Bool

    /// Reads an address. Whether the rest of it is valid shows when it is resolved.
    package init(_ text: String) {
        asksForTLS = text.lowercased().hasPrefix(Self.schemeOfTLS)
        guard asksForTLS else {
            address = text
            return
        }
        let rest = text.dropFirst(Self.schemeOfTLS.count)
        address = String(rest.hasSuffix("/") ? rest.dropLast() : rest)
    }
}
