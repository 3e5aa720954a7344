import CEpoll
import Glibc

/// Why a load run ended early.
enum LoadError: Error {
    case system(call: String, errno: Int32)
    case closedByServer
    case wrongReply(String)
    case shortWrite
    case silentServer(seconds: Int32)
}

/// A closed loop of pipelined pings over a number of connections, on the calling thread.
final class Load {
    private let poller: Int32
    private let batch: [UInt8]
    private let expected: [UInt8]
    private let pipelined: Int
    private var sockets: [Int32] = []
    /// How many bytes of its expected replies a connection has had, by its place in `sockets`.
    private var progress: [Int] = []
    private var buffer: [UInt8]

    private static let patienceSeconds: Int32 = 10

    init(port: UInt16, dialect: Dialect, connections: Int, pipelined: Int) throws {
        poller = try Self.check("epoll_create1") { epoll_create1(0) }
        batch = Array(String(repeating: dialect.request, count: pipelined).utf8)
        expected = Array(String(repeating: dialect.reply, count: pipelined).utf8)
        buffer = Array(repeating: 0, count: expected.count + 1)
        self.pipelined = pipelined
        for place in 0..<connections {
            let socket = try Self.connected(port: port)
            sockets.append(socket)
            progress.append(0)
            var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: UInt64(place)))
            _ = try Self.check("epoll_ctl") { epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event) }
        }
    }

    deinit {
        for socket in sockets { close(socket) }
        close(poller)
    }

    /// Runs batches for `seconds`, then lets every connection finish its last one; returns the number of replies, each
    /// of which was compared.
    func run(seconds: Double) throws -> Int {
        for socket in sockets { try writeBatch(socket) }
        var running = sockets.count
        var batches = 0
        var events = Array(repeating: epoll_event(), count: sockets.count)
        let deadline = secondsNow(CLOCK_MONOTONIC) + seconds
        while running > 0 {
            let ready = try Self.check("epoll_wait") {
                epoll_wait(poller, &events, Int32(events.count), Self.patienceSeconds * 1000)
            }
            if ready == 0 { throw LoadError.silentServer(seconds: Self.patienceSeconds) }
            let isOver = secondsNow(CLOCK_MONOTONIC) >= deadline
            for index in 0..<Int(ready) {
                let place = Int(events[index].data.u64)
                guard try readReplies(place) else { continue }
                batches += 1
                if isOver {
                    running -= 1
                } else {
                    try writeBatch(sockets[place])
                }
            }
        }
        return batches * pipelined
    }

    private func writeBatch(_ socket: Int32) throws {
        let written = try Self.check("send") { Int32(send(socket, batch, batch.count, Int32(MSG_NOSIGNAL))) }
        // A batch is small and the last one was answered, so the kernel has room for all of it.
        if Int(written) != batch.count { throw LoadError.shortWrite }
    }

    /// Reads what is there, and returns whether the batch's replies are now complete. One byte too many is an error.
    private func readReplies(_ place: Int) throws -> Bool {
        let socket = sockets[place]
        let count = try Int(Self.check("recv") { Int32(recv(socket, &buffer, buffer.count, 0)) })
        if count == 0 { throw LoadError.closedByServer }
        let had = progress[place]
        guard had + count <= expected.count, expected[had..<had + count] == buffer[..<count] else {
            throw LoadError.wrongReply(String(decoding: buffer[..<count], as: UTF8.self))
        }
        let isComplete = had + count == expected.count
        progress[place] = isComplete ? 0 : had + count
        return isComplete
    }

    private static func connected(port: UInt16) throws -> Int32 {
        let descriptor = try check("socket") { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
        var noDelay: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        _ = try check("connect") {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        return descriptor
    }

    /// The result of a system call, retried when a signal interrupted it.
    private static func check(_ call: String, _ body: () -> Int32) throws -> Int32 {
        while true {
            let result = body()
            if result >= 0 { return result }
            if errno != EINTR { throw LoadError.system(call: call, errno: errno) }
        }
    }
}
