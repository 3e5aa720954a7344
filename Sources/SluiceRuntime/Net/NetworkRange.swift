/// The addresses of a network, written as in `10.0.0.0/8` or `2001:db8::/32`. An address alone stands for itself.
package struct NetworkRange: Sendable, Hashable, CustomStringConvertible {
    private let address: SocketAddress
    private let bits: Int

    /// - Throws: `.address`, with a message that says what is wrong.
    package init(_ text: String) throws(SluiceError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let host = String(parts[0])
        let written = host.contains(":") ? "[\(host)]:0" : "\(host):0"
        guard parts.count <= 2, let address = try? SocketAddress.numeric(written) else {
            throw SluiceError(.address, "'\(text)' is not a network: write 10.0.0.0/8, 2001:db8::/32 or an address")
        }
        let width = if case .ipv4 = address { 32 } else { 128 }
        guard let bits = parts.count == 1 ? width : Int(parts[1]), (0...width).contains(bits) else {
            throw SluiceError(.address, "the length of a network must be from 0 to \(width) bits: '\(text)'")
        }
        self.address = address
        self.bits = bits
    }

    /// Whether the address belongs to the network, whatever its port. A path does not.
    package func contains(_ other: SocketAddress) -> Bool {
        switch (address, other) {
        case (.ipv4(let network, _), .ipv4(let number, _)):
            // Shifting by the whole width gives 0.
            (network ^ number) >> (32 - bits) == 0
        case (.ipv6(let network, _, _), .ipv6(let number, _, _)): (network ^ number) >> (128 - bits) == 0
        case (.ipv4, _), (.ipv6, _), (.unix, _): false
        }
    }

    package var description: String { "\(address.host)/\(bits)" }
}
