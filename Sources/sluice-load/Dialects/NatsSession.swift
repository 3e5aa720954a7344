import Glibc

/// NATS: lines, and `MSG` with a body.
struct NatsSession {
    private static let information = Array("INFO ".utf8)
    private static let ping = Array("PING\r\n".utf8)
    static let pong = Array("PONG\r\n".utf8)
    static let connect = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"swift\",\"version\":\"1\"}\r\n"
    static let lineEnd = Array("\r\n".utf8)

    private(set) var isGreeted = false

    /// Says who is there, subscribes, and asks for a sign that this was done.
    func greet(subscribing subscription: String, _ output: inout ByteQueue) {
        output.append(Array("\(Self.connect)\(subscription)PING\r\n".utf8))
    }

    /// Takes what is no message: the server's information, its pings, and its sign that the greeting was understood.
    mutating func answer(
        _ bytes: UnsafeRawBufferPointer, _ output: inout ByteQueue
    ) throws(LoadFailure) -> (length: Int, isReady: Bool)? {
        if bytes.mayHold(Self.ping, at: 0) {
            guard bytes.count >= Self.ping.count else { return nil }
            output.append(Self.pong)
            return (Self.ping.count, false)
        }
        if !isGreeted, bytes.mayHold(Self.pong, at: 0) {
            guard bytes.count >= Self.pong.count else { return nil }
            isGreeted = true
            return (Self.pong.count, true)
        }
        guard try bytes.holds(Self.information, at: 0) != nil, let base = bytes.baseAddress,
            let end = memchr(base, 0x0A, bytes.count)
        else { return nil }
        return (end - UnsafeMutableRawPointer(mutating: base) + 1, false)
    }
}
