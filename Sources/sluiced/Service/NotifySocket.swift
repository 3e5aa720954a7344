import Glibc
import SluiceRuntime

/// The socket at which the service manager wants to be told the state of the daemon, by the protocol of `sd_notify`: each
/// datagram has lines such as `READY=1`.
///
/// The address is the path of a Unix-domain socket, or its name in the abstract namespace after `@`.
final class NotifySocket: Sendable {
    /// How long a datagram may wait for room in the socket of the service manager.
    private static let patienceSeconds = 1

    private let descriptor: Descriptor
    private let address: String

    /// Connects to the socket that `NOTIFY_SOCKET` names. Nil if the variable is not set.
    ///
    /// Connect before the sandbox applies, which may deny later connections.
    ///
    /// - Throws: ``SettingsError`` if the address is not one, or nothing receives there.
    init?(_ environment: [String: String]) throws(SettingsError) {
        guard let address = environment["NOTIFY_SOCKET"], !address.isEmpty else { return nil }
        let bytes = Array(address.utf8)
        guard bytes.count > 1, ["/", "@"].contains(address.first) else {
            throw Self.mistake(
                "\(address.debugDescription) is neither a path nor an abstract name; write /PATH or @NAME")
        }
        guard bytes.count <= SocketAddress.longestPath else {
            throw Self.mistake(
                "the address has \(bytes.count) bytes; it must have at most \(SocketAddress.longestPath)")
        }
        self.address = address
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Self.failure("make a socket for", address, errno, .systemError) }
        descriptor = Descriptor(owning: number)
        guard connect() else { throw Self.failure("connect to", address, errno, .unavailable) }
        var limit = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    private static func mistake(_ problem: String) -> SettingsError {
        SettingsError("NOTIFY_SOCKET: \(problem)", status: .configuration)
    }

    private static func failure(
        _ action: String, _ address: String, _ cause: Int32, _ status: ExitStatus
    ) -> SettingsError {
        SettingsError(
            "NOTIFY_SOCKET: cannot \(action) \(address.debugDescription): \(String(cString: strerror(cause)))",
            status: status)
    }

    private func connect() -> Bool {
        var socket = sockaddr_un()
        socket.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(address.utf8)
        // An abstract name begins with a zero byte, and has no zero byte at its end.
        let isAbstract = address.hasPrefix("@")
        if isAbstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &socket.sun_path) { $0.copyBytes(from: bytes) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let length = socklen_t(offset + bytes.count + (isAbstract ? 0 : 1))
        return withUnsafePointer(to: &socket) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor.number, $0, length) == 0
            }
        }
    }

    /// Sends one datagram; waits at most a second for room. May be called from any thread.
    ///
    /// - Returns: what is wrong; nil if the service manager has the datagram.
    func send(_ lines: String) -> String? {
        if trySend(lines) { return nil }
        // The service manager may have made its socket anew.
        if [ECONNREFUSED, ENOTCONN, ECONNRESET].contains(errno), connect(), trySend(lines) { return nil }
        return String(cString: strerror(errno))
    }

    private func trySend(_ lines: String) -> Bool {
        var lines = lines
        return lines.withUTF8 { bytes in
            while true {
                let count = Glibc.send(descriptor.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                if count >= 0 { return true }
                if errno != EINTR { return false }
            }
        }
    }
}
