import Glibc

/// Sends messages over a plain socket, as fast as a minimal client can.
///
/// A closed loop on the calling thread, with one read and one write a turn: each answer starts another send.
struct RawSender {
    enum SocketError: Error {
        case system(String, errno: Int32)
        case unexpectedReply
    }

    private let socket: Int32
    private let request: [UInt8]
    private static let reply = Array("#0 OK\n".utf8)

    init(port: UInt16, channel: String, body: String) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var noDelay: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw SocketError.system("connect", errno: errno) }
        self.socket = socket
        request = Array("#0 SEND len=\(body.utf8.count) \(channel)\n\(body)\n".utf8)
    }

    /// Keeps `inFlight` sends in flight for `seconds`, and returns how many were answered.
    func run(inFlight: Int, seconds: Double) throws -> Int {
        let deadline = secondsNow() + seconds
        var answered = 0
        var toSend = inFlight
        var partial = 0
        var buffer = [UInt8](repeating: 0, count: inFlight * Self.reply.count)
        var pending = 0
        while true {
            if toSend > 0, secondsNow() < deadline {
                let batch = Array(repeatElement(request, count: toSend).joined())
                guard send(socket, batch, batch.count, Int32(MSG_NOSIGNAL)) == batch.count else {
                    throw SocketError.system("send", errno: errno)
                }
                pending += toSend
            } else if pending == 0 {
                return answered
            }
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { throw SocketError.system("recv", errno: errno) }
            for index in 0..<count {
                let expected = Self.reply[(partial + index) % Self.reply.count]
                guard buffer[index] == expected else { throw SocketError.unexpectedReply }
            }
            toSend = (partial + count) / Self.reply.count
            partial = (partial + count) % Self.reply.count
            answered += toSend
            pending -= toSend
        }
    }
}

func secondsNow() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
