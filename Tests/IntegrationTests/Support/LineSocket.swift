import Foundation
import Testing

/// A client's blocking connection to the daemon, which sends bytes and receives lines.
final class LineSocket {
    /// How long to wait for a line before the test fails; lines normally come within a second.
    private static let timeoutMilliseconds: Int32 = 30_000

    private let descriptor: Int32
    /// The received bytes that no line was returned for yet.
    private var pending: [UInt8] = []
    private var isOpen = true

    /// Connects to a port of the daemon.
    convenience init(port: String) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = try #require(UInt16(port)).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try self.init(AF_INET, &address)
        // Each write is sent in a packet of its own.
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Connects to a Unix-domain socket of the daemon.
    convenience init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try self.init(AF_UNIX, &address)
    }

    private init<Address>(_ family: Int32, _ address: inout Address) throws {
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        try #require(status == 0, "cannot connect to the daemon: error \(errno)")
        var timeout = timeval(tv_sec: Int(Self.timeoutMilliseconds) / 1000, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    /// The client's address, as the daemon's reports show it.
    var address: String {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return "127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    }

    // MARK: Sending

    /// Sends all bytes.
    ///
    /// - Parameter pieceBytes: the most bytes to send at a time.
    func send(_ bytes: [UInt8], inPiecesOf pieceBytes: Int = .max) throws {
        let flags = Int32(MSG_NOSIGNAL)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(pieceBytes)
            let count = piece.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
            try #require(count > 0, "the connection accepts no more bytes")
            rest = rest.dropFirst(count)
        }
    }

    /// Lets the kernel keep few bytes that the test has not read, so that the other side soon cannot write.
    func keepFewUnreadBytes() {
        var size: Int32 = 4096
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Sends the bytes again and again, until that fails. Returns the error number.
    func sendUntilRefused(_ bytes: [UInt8]) -> Int32 {
        while true {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 { return errno }
        }
    }

    func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    // MARK: Receiving

    /// Sends a line, and returns the next received one, or nil at the end.
    func answer(to line: String) throws -> String? {
        try send(Array("\(line)\n".utf8))
        return try self.line()
    }

    /// Returns the next line without its LF, or nil at the end.
    func line() throws -> String? {
        while true {
            if let end = pending.firstIndex(of: 0x0A) {
                defer { pending.removeFirst(end + 1) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            guard try fill() else {
                try #require(pending.isEmpty, "the last line is incomplete")
                return nil
            }
        }
    }

    /// Returns that many bytes.
    func bytes(_ count: Int) throws -> [UInt8] {
        while pending.count < count { try #require(try fill(), "the connection ends too early") }
        defer { pending.removeFirst(count) }
        return Array(pending.prefix(count))
    }

    /// Waits for bytes; returns false at the end.
    private func fill() throws -> Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&watched, 1, Self.timeoutMilliseconds) == 1, "no line within 30 seconds")
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        try #require(count >= 0, "the connection was reset")
        pending += bytes.prefix(count)
        return count > 0
    }
}
