import Foundation
import SluiceRuntime
import Synchronization
import Testing

/// A server that answers each line that it is sent as a closure says.
final class LyingServer: Sendable {
    let port: UInt16
    private let listener: Int32

    /// - Parameter answer: what it says to a line; called on a thread of the connection, and may wait for other ones.
    init(_ answer: @escaping @Sendable (String) -> String) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutableBytes(of: &address) { raw in
            raw.withMemoryRebound(to: sockaddr.self) { address in
                bind(listener, address.baseAddress, size) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, address.baseAddress, &size) == 0
            }
        }
        try #require(isListening)
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 { return }
                Thread.detachNewThread { Self.converse(connection, answer) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func converse(_ connection: Int32, _ answer: (String) -> String) {
        defer { close(connection) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var pending: [UInt8] = []
        while true {
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { return }
            pending += buffer[..<count]
            while let end = pending.firstIndex(of: 0x0A) {
                let reply = Array(answer(String(decoding: pending[..<end], as: UTF8.self)).utf8)
                pending.removeFirst(end + 1)
                guard send(connection, reply, reply.count, Int32(MSG_NOSIGNAL)) == reply.count else { return }
            }
        }
    }
}

/// Messages on their way through a server that lies, in the order in which they were sent.
final class Spool: Sendable {
    private let bodies = Lock<[String]>([])
    private let count = DispatchSemaphore(value: 0)

    func put(_ body: String) {
        bodies.withLock { $0.append(body) }
        count.signal()
    }

    /// Waits for the next one.
    func take() -> String {
        guard count.wait(timeout: .now() + 30) == .success else { return "" }
        return bodies.withLock { $0.removeFirst() }
    }
}
