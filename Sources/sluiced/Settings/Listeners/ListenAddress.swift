import Glibc
import SluiceRuntime

/// An address to listen on, written `HOST:PORT`, `[IPV6]:PORT`, `unix:PATH` or `fd:NAME`; `tcp://` or `sluice://` may stand
/// before a host.
enum ListenAddress: Hashable, Sendable {
    /// A host name or IP address (IPv6 without its brackets), and a port; port 0 lets the system choose one.
    case tcp(host: String, port: UInt16)

    /// The path of a Unix-domain socket.
    case unix(path: String)

    /// The sockets to which the service manager gives a name.
    case inherited(name: String)

    /// Parses the written form.
    ///
    /// - Throws: ``SettingsError`` that quotes the text and says what is wrong with it.
    init(parsing text: String) throws(SettingsError) {
        let plain = SocketAddress.withoutScheme(text)
        do throws(Malformed) {
            guard !ServerLocation(plain).usesTLS else {
                throw Malformed(
                    reason:
                        "\(ServerLocation.tlsScheme) is for clients; give the listener the key tls in the configuration file"
                )
            }
            if plain.hasPrefix("unix:") {
                self = .unix(path: try Self.path(plain.dropFirst("unix:".count)))
            } else if plain.hasPrefix("fd:") {
                self = .inherited(name: try Self.name(plain.dropFirst("fd:".count)))
            } else {
                self = try Self.tcp(plain)
            }
        } catch {
            throw SettingsError("\(text.debugDescription) is not an address: \(error.reason)", status: .usage)
        }
    }

    /// Whether only programs on this machine can connect.
    ///
    /// A name other than `localhost` counts as reachable from outside, because it can resolve to another address later.
    /// Inherited sockets have addresses of their own: see ``ListenerSetting/isExposed``.
    var isLocal: Bool {
        switch self {
        case .unix, .inherited:
            true
        case .tcp(let host, _):
            host.lowercased() == "localhost" || Self.isIPv4Loopback(host) || Self.isIPv6Loopback(host)
        }
    }
}

extension ListenAddress: CustomStringConvertible {
    /// The written form, which parses to the same address.
    var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        case .inherited(let name): "fd:\(name)"
        }
    }
}

// MARK: - Grammar

extension ListenAddress {
    /// The reason why a text is not an address.
    private struct Malformed: Error {
        let reason: String
    }

    private static func tcp(_ text: String) throws(Malformed) -> ListenAddress {
        guard let colon = text.lastIndex(of: ":") else {
            throw Malformed(reason: "it has no port; write HOST:PORT, unix:PATH or fd:NAME")
        }
        let port = try port(text[text.index(after: colon)...])
        return .tcp(host: try host(text[..<colon]), port: port)
    }

    private static func port(_ text: Substring) throws(Malformed) -> UInt16 {
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let port = UInt16(text) else {
            throw Malformed(reason: "the port must be from 0 to 65535")
        }
        return port
    }

    private static func host(_ text: Substring) throws(Malformed) -> String {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let address = String(text.dropFirst().dropLast())
            guard ipv6Bytes(address) != nil else {
                throw Malformed(reason: "the text in brackets is not an IPv6 address")
            }
            return address
        }
        guard !text.contains(":") else {
            throw Malformed(reason: "put an IPv6 address in brackets, as in [::1]:7333")
        }
        let host = String(text)
        guard !host.isEmpty else { throw Malformed(reason: "it has no host; write HOST:PORT") }
        if host.allSatisfy({ $0.isNumber || $0 == "." }) {
            guard ipv4Bytes(host) != nil else { throw Malformed(reason: "the host is not an IPv4 address") }
        } else if !isName(host) {
            throw Malformed(reason: "the host is neither a name nor an IP address")
        }
        return host
    }

    private static func path(_ text: Substring) throws(Malformed) -> String {
        let capacity = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
        guard !text.isEmpty else { throw Malformed(reason: "it has no path; write unix:PATH") }
        guard text.utf8.count <= capacity else {
            throw Malformed(
                reason: "the path has \(text.utf8.count) bytes; a socket's path must have at most \(capacity)")
        }
        // The ready line contains the path: with a line break in it, the path could imitate another ready line.
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw Malformed(reason: "the path must not contain control characters")
        }
        return String(text)
    }

    private static func name(_ text: Substring) throws(Malformed) -> String {
        // systemd permits all other characters that can be printed.
        guard !text.isEmpty, text.utf8.count <= 255, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x3A })
        else {
            throw Malformed(
                reason:
                    "fd: needs the name of an inherited socket, as in fd:sluice; a name has 1 to 255 printable characters except blanks and colons"
            )
        }
        return String(text)
    }

    static func isName(_ host: String) -> Bool {
        host.utf8.count <= 253 && !host.hasPrefix("-") && !host.hasPrefix(".")
            && host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
    }
}

// MARK: - IP addresses

extension ListenAddress {
    /// Whether a host is an IP address and not a name.
    static func isIPAddress(_ host: String) -> Bool { ipv4Bytes(host) != nil || ipv6Bytes(host) != nil }

    private static func isIPv4Loopback(_ host: String) -> Bool {
        ipv4Bytes(host)?.first == 127
    }

    /// Whether the host is ::1 or an IPv4-mapped address of 127.0.0.0/8.
    private static func isIPv6Loopback(_ host: String) -> Bool {
        guard let bytes = ipv6Bytes(host) else { return false }
        let loopback = [UInt8](repeating: 0, count: 15) + [1]
        let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127]
        return bytes == loopback || bytes.starts(with: mappedPrefix)
    }

    private static func ipv4Bytes(_ text: String) -> [UInt8]? {
        var address = in_addr()
        guard inet_pton(AF_INET, text, &address) == 1 else { return nil }
        return withUnsafeBytes(of: address) { Array($0) }
    }

    private static func ipv6Bytes(_ text: String) -> [UInt8]? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        return withUnsafeBytes(of: address) { Array($0) }
    }
}
