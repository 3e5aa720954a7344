import Glibc

// Addresses in the kernel's form.

extension SocketAddress {
    /// The protocol family of a socket for this address.
    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Converts an address that the kernel wrote; nil for a family that Sluice does not use.
    init?(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            let v4 = raw.loadUnaligned(as: sockaddr_in.self)
            self = .ipv4(UInt32(bigEndian: v4.sin_addr.s_addr), port: UInt16(bigEndian: v4.sin_port))
        case AF_INET6:
            let v6 = raw.loadUnaligned(as: sockaddr_in6.self)
            let number = withUnsafeBytes(of: v6.sin6_addr) { $0.loadUnaligned(as: UInt128.self) }
            self = .ipv6(UInt128(bigEndian: number), port: UInt16(bigEndian: v6.sin6_port), scope: v6.sin6_scope_id)
        case AF_UNIX:
            let path = UnsafeRawBufferPointer(start: raw, count: Int(length)).dropFirst(Self.pathOffset)
            self = .unix(path: String(decoding: path.prefix { $0 != 0 }, as: UTF8.self))
        default:
            return nil
        }
    }

    /// Returns an address that the kernel writes.
    ///
    /// - Parameter fill: calls `getsockname`, `getpeername` or `accept4` on a socket.
    /// - Returns: the call's result, and the address if the call succeeded.
    static func filled(
        by fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (result: Int32, address: SocketAddress?) {
        var storage = sockaddr_storage()
        return withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                let result = fill(address, &length)
                return (result, result < 0 ? nil : SocketAddress(address, length: length))
            }
        }
    }

    /// Passes the address to a call such as `bind` or `connect`.
    func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch self {
        case .ipv4(let number, let port):
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            v4.sin_addr.s_addr = number.bigEndian
            return Self.rebound(&v4, length: MemoryLayout<sockaddr_in>.size, body)
        case .ipv6(let number, let port, let scope):
            var v6 = sockaddr_in6()
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            v6.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &v6.sin6_addr) { $0.storeBytes(of: number.bigEndian, as: UInt128.self) }
            return Self.rebound(&v6, length: MemoryLayout<sockaddr_in6>.size, body)
        case .unix(let path):
            var unix = sockaddr_un()
            unix.sun_family = sa_family_t(AF_UNIX)
            let bytes = path.utf8.prefix(Self.longestPath)
            withUnsafeMutableBytes(of: &unix.sun_path) { $0.copyBytes(from: bytes) }
            return Self.rebound(&unix, length: Self.pathOffset + bytes.count + 1, body)
        }
    }

    private static var pathOffset: Int { MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2 }

    private static func rebound<Address, Result>(
        _ address: inout Address, length: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}
