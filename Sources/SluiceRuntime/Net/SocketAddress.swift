import Glibc

/// The address of a socket: an IPv4 or IPv6 address with a port, or a path of the file system.
public enum SocketAddress: Sendable, Hashable {
    /// The address as a number, 127.0.0.1 being 0x7f000001.
    case ipv4(UInt32, port: UInt16)
    /// The address as a number, ::1 being 1. `scope` is the index of the network interface of a link-local address,
    /// and 0 for any other.
    case ipv6(UInt128, port: UInt16, scope: UInt32 = 0)
    /// A path of the file system; empty for a socket without a name.
    case unix(path: String)

    /// The longest path that the kernel accepts, in bytes.
    public static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// The port; nil for a path.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port, _): port
        case .unix: nil
        }
    }

    /// Whether only programs on this machine can reach the address.
    public var isLocal: Bool {
        switch self {
        case .ipv4(let address, _): address >> 24 == 127
        case .ipv6(let address, _, _): address == 1
        case .unix: true
        }
    }

    /// The IPv4 address that an IPv6 address stands for (::ffff:192.0.2.1); any other address as it is. A proxy that listens
    /// on `[::]` names its IPv4 clients so, and so does the kernel if a socket on `[::]` is inherited that accepts both.
    var unmapped: SocketAddress {
        guard case .ipv6(let number, let port, _) = self, number >> 32 == 0xFFFF else { return self }
        return .ipv4(UInt32(truncatingIfNeeded: number), port: port)
    }
}

// MARK: Text

extension SocketAddress {
    private static let unixPrefix = "unix:"

    /// Parses `127.0.0.1:7333`, `[::1]:7333`, `localhost:7333` or `unix:/path`; `tcp://` or `sluice://` may stand before
    /// a host. If a host name has several addresses, the first one is taken; see `resolve`.
    ///
    /// - Throws: `.address`, with a message that says what is wrong.
    public init(_ text: String) throws(SluiceError) {
        guard let first = try Self.resolve(text).first else {
            throw SluiceError(.address, "'\(text)' has no address")
        }
        self = first
    }

    /// Returns all addresses that the text stands for. Looking up a host name blocks the calling thread, see
    /// `lookUp`; a numeric address needs no lookup.
    ///
    /// - Throws: `.address`, with a message that says what is wrong.
    public static func resolve(_ text: String) throws(SluiceError) -> [SocketAddress] {
        switch try parse(text) {
        case .address(let address): [address]
        case .name(let host, let port): try lookUp(host, port: port)
        }
    }

    /// Returns the address that the text stands for without a lookup; nil if it contains a host name.
    ///
    /// - Throws: `.address`, with a message that says what is wrong.
    package static func numeric(_ text: String) throws(SluiceError) -> SocketAddress? {
        switch try parse(text) {
        case .address(let address): address
        case .name: nil
        }
    }

    /// Returns the host name or IP address of the text; "localhost" for a path.
    ///
    /// - Throws: `.address`, with a message that says what is wrong.
    package static func host(of text: String) throws(SluiceError) -> String {
        switch try parse(text) {
        case .address(let address): address.host
        case .name(let host, _): host
        }
    }

    /// What a text says without a lookup.
    private enum Parsed {
        case address(SocketAddress)
        case name(String, port: UInt16)
    }

    private static func parse(_ text: String) throws(SluiceError) -> Parsed {
        let text = withoutScheme(text)
        if text.hasPrefix(unixPrefix) {
            return .address(.unix(path: try checkedPath(text.dropFirst(unixPrefix.count))))
        }
        let (host, port) = try split(text)
        if let address = numeric(host, port: port) { return .address(address) }
        return .name(host, port: port)
    }

    /// Removes `tcp://` or `sluice://`, and a slash at the end that belongs to it.
    package static func withoutScheme(_ text: String) -> String {
        removing("tcp://", from: text) ?? removing("sluice://", from: text) ?? text
    }

    /// Removes a scheme, and a slash at the end that belongs to it. Nil if the text does not begin with the scheme.
    package static func removing(_ scheme: String, from text: String) -> String? {
        guard text.lowercased().hasPrefix(scheme) else { return nil }
        let rest = text.dropFirst(scheme.count)
        return String(rest.hasSuffix("/") ? rest.dropLast() : rest)
    }

    private static func checkedPath(_ path: Substring) throws(SluiceError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw SluiceError(.address, "'\(unixPrefix)' needs a path, as in unix:/run/sluice.sock")
        }
        guard path.utf8.count <= longestPath else {
            throw SluiceError(.address, "the path of a socket has at most \(longestPath) bytes: '\(path)'")
        }
        return String(path)
    }

    /// Splits the text at its last colon, and removes the brackets of an IPv6 address.
    private static func split(_ text: String) throws(SluiceError) -> (host: String, port: UInt16) {
        guard let colon = text.lastIndex(of: ":") else {
            throw SluiceError(.address, "'\(text)' has no port; an address is HOST:PORT or unix:PATH")
        }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else {
            throw SluiceError(.address, "the port must be from 0 to 65535, and is '\(digits)' in '\(text)'")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw SluiceError(.address, "an IPv6 address needs brackets, as in [::1]:\(port): '\(text)'")
        }
        guard !host.isEmpty, !host.utf8.contains(0) else {
            throw SluiceError(.address, "'\(text)' has no host; for every address write 0.0.0.0 or [::]")
        }
        return (String(host), port)
    }

    private static func numeric(_ host: String, port: UInt16) -> SocketAddress? {
        var v4 = in_addr()
        if inet_pton(AF_INET, host, &v4) == 1 { return .ipv4(UInt32(bigEndian: v4.s_addr), port: port) }
        var v6 = UInt128()
        if inet_pton(AF_INET6, host, &v6) == 1 { return .ipv6(UInt128(bigEndian: v6), port: port) }
        return nil
    }

    private static func lookUp(_ host: String, port: UInt16) throws(SluiceError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0, let list else {
            throw SluiceError(.address, "'\(host)' is not known: \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(list) }
        return sequence(first: list, next: { $0.pointee.ai_next }).compactMap { entry in
            guard let address = entry.pointee.ai_addr else { return nil }
            return SocketAddress(address, length: entry.pointee.ai_addrlen)?.with(port: port)
        }
    }

    /// The address with another port. A path stays as it is.
    package func with(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address, port: port)
        case .ipv6(let address, _, let scope): .ipv6(address, port: port, scope: scope)
        case .unix: self
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The address in the form that `init(_:)` parses.
    public var description: String {
        switch self {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, let port, let scope): "[\(host)\(scope == 0 ? "" : "%\(scope)")]:\(port)"
        case .unix(let path): Self.unixPrefix + path
        }
    }

    /// The address without its port and interface, such as "127.0.0.1" or "::1"; "localhost" for a path.
    package var host: String {
        switch self {
        case .ipv4(let address, _):
            var bytes = address.bigEndian
            return Self.text(AF_INET, &bytes)
        case .ipv6(let address, _, _):
            var bytes = address.bigEndian
            return Self.text(AF_INET6, &bytes)
        case .unix: return "localhost"
        }
    }

    private static func text(_ family: Int32, _ bytes: UnsafeRawPointer) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            inet_ntop(family, bytes, buffer.baseAddress, socklen_t(buffer.count)).map { String(cString: $0) } ?? ""
        }
    }
}
