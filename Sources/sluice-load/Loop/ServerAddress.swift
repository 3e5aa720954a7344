import Glibc
import SluiceRuntime
import SluiceWire

/// A server's address, looked up once: `127.0.0.1:7333`, `[::1]:7333`, `localhost:7333` or `unix:/path`.
struct ServerAddress: Sendable, CustomStringConvertible {
    let description: String
    /// The TLS of connections to the server; nil without TLS.
    let tls: TLSClientContext?
    /// Whether the server sends a line in clear text before the handshake, as NATS does.
    private(set) var speaksFirst = false
    /// The name or address that the server's certificate must be for.
    private let host: String
    private let bytes: [UInt8]
    private let family: Int32

    init(_ text: String, tls: TLSClientContext? = nil) throws(LoadFailure) {
        let text = SocketAddress.withoutScheme(text)
        description = text
        self.tls = tls
        if text.hasPrefix("unix:") {
            host = "localhost"
            (bytes, family) = (try Self.path(String(text.dropFirst("unix:".count))), AF_UNIX)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            throw LoadFailure("'\(text)' is not an address: pass HOST:PORT or unix:PATH")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host
        (bytes, family) = try Self.lookUp(host, port)
    }

    /// Creates the address of a server of a kind.
    ///
    /// - Parameter tls: the options for its TLS; nil without TLS.
    init(_ text: String, of program: ServerProgram, tls: TLSClientContext.Options?) throws(LoadFailure) {
        var options = tls
        if program == .sluiced { options?.applicationProtocols = [sluiceApplicationProtocol] }
        let context: TLSClientContext?
        do throws(SluiceError) {
            context = try options.map { options throws(SluiceError) in try TLSClientContext(options) }
        } catch {
            throw LoadFailure(error.message)
        }
        try self.init(text, tls: context)
        speaksFirst = program == .nats
    }

    init(port: UInt16) throws(LoadFailure) { try self.init("127.0.0.1:\(port)") }

    var isLocal: Bool { family == AF_UNIX || description.hasPrefix("127.") || description.hasPrefix("localhost:") }

    private static func path(_ path: String) throws(LoadFailure) -> [UInt8] {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        guard !name.isEmpty, name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw LoadFailure(
                "'\(path)' is not a socket path: pass 1 to \(MemoryLayout.size(ofValue: address.sun_path) - 1) bytes")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        return withUnsafeBytes(of: &address) { Array($0) }
    }

    private static func lookUp(_ host: String, _ port: UInt16) throws(LoadFailure) -> ([UInt8], Int32) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &found)
        defer { if let found { freeaddrinfo(found) } }
        guard code == 0, let first = found?.pointee, let address = first.ai_addr else {
            throw LoadFailure("\(host): \(String(cString: gai_strerror(code)))")
        }
        return (Array(UnsafeRawBufferPointer(start: address, count: Int(first.ai_addrlen))), first.ai_family)
    }

    /// Returns the TLS of a new connection; nil without TLS.
    func makeSession() throws(LoadFailure) -> TLSSession? {
        do throws(SluiceError) {
            return try tls?.makeSession(with: host)
        } catch {
            throw LoadFailure(error.message)
        }
    }

    /// Returns a non-blocking socket that has begun to connect.
    func startConnecting() throws(LoadFailure) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw LoadFailure(system: errno, "cannot create a socket") }
        if family != AF_UNIX {
            // The generator batches its writes; a delay by Nagle's algorithm would count as latency of the server.
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        let result = bytes.withUnsafeBytes { raw in
            raw.withMemoryRebound(to: sockaddr.self) { connect(descriptor, $0.baseAddress, socklen_t(raw.count)) }
        }
        guard result == 0 || errno == EINPROGRESS else {
            let number = errno
            close(descriptor)
            throw LoadFailure(system: number, "cannot connect to \(description)")
        }
        return descriptor
    }
}
