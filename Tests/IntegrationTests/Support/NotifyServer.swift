import Foundation
import Testing

/// A service manager as far as a daemon can tell it something: a socket for the datagrams of `sd_notify`.
final class NotifyServer {
    private static let timeoutMilliseconds: Int32 = 30_000

    private let descriptor: Int32
    /// The value of `NOTIFY_SOCKET`.
    let address: String

    /// - Parameter address: the path of the socket, or its abstract name after `@`.
    init(at address: String) throws {
        self.address = address
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(address.utf8)
        if address.hasPrefix("@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count + (address.hasPrefix("@") ? 0 : 1))
        let status = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(status == 0, "cannot bind \(address): error \(errno)")
    }

    deinit {
        close(descriptor)
        unlink(address)
    }

    /// Waits for the next datagram, and returns its lines.
    func next() throws -> [String] {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&watched, 1, Self.timeoutMilliseconds) == 1, "the service manager was told nothing")
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        try #require(count > 0)
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Waits for a datagram with a line, and returns its lines. Signs of life may come before it.
    func next(with line: String) throws -> [String] {
        while true {
            let lines = try next()
            if lines.contains(line) { return lines }
            try #require(lines.last == "WATCHDOG=1" || lines.count == 1 && lines[0].hasPrefix("STATUS="), "\(lines)")
        }
    }
}
