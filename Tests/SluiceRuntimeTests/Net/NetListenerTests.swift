import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct NetListenerTests {
    @Test("Bytes are echoed over IPv4, IPv6 and Unix sockets", arguments: ["127.0.0.1:0", "[::1]:0", "unix:"])
    func echoesOverEveryFamily(where text: String) throws {
        let address = text == "unix:" ? .unix(path: temporarySocketPath("echo")) : try SocketAddress(text)
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: address)
            #expect(listener.localAddress.port != 0)
            let server = reactor.spawn("server") {
                let stream = try await listener.accept()
                while true {
                    let bytes = try await stream.read(upTo: 1000)
                    if bytes.isEmpty { return stream.peerAddress }
                    try await stream.write(bytes)
                }
            }
            let client = try await Stream.connect(to: listener.localAddress)
            for round in 1...100 {
                try await client.write("message \(round)".utf8)
                #expect(try await client.read(upTo: 1000) == Array("message \(round)".utf8))
            }
            try client.shutdownWrite()
            #expect(try await client.read(upTo: 1) == [])
            #expect(client.peerAddress == listener.localAddress)
            if address.port != nil { #expect(try await server.join() == client.localAddress) }
        }
    }

    @Test("Connections send without delay and are not inherited by other programs")
    func connectionsSendAtOnceAndStayWithThisProcess() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"))
            let client = try await Stream.connect(to: listener.localAddress)
            let server = try await listener.accept()
            for stream in [client, server] {
                #expect(option(TCP_NODELAY, of: Int32(IPPROTO_TCP), on: stream.descriptorNumber) == 1)
                #expect(fcntl(stream.descriptorNumber, F_GETFD) & FD_CLOEXEC == FD_CLOEXEC)
                #expect(fcntl(stream.descriptorNumber, F_GETFL) & O_NONBLOCK == O_NONBLOCK)
            }
        }
    }

    @Test(
        "A connection breaks off after the configured silence",
        arguments: [(1, 1, 1), (120, 60, 15), (1_000_000, 32_767, 8191)])
    func connectionsAreBrokenOffAfterASilence(seconds: Int, idle: Int32, interval: Int32) throws {
        let reactor = try Reactor()
        try reactor.run {
            var options = Listener.Options()
            options.silenceSeconds = seconds
            let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"), options: options)
            let client = try await Stream.connect(to: listener.localAddress)
            let accepted = try await listener.accept()
            let server = accepted.descriptorNumber
            let tcp = Int32(IPPROTO_TCP)
            #expect(option(SO_KEEPALIVE, of: SOL_SOCKET, on: server) == 1)
            #expect(option(TCP_KEEPIDLE, of: tcp, on: server) == idle)
            #expect(option(TCP_KEEPINTVL, of: tcp, on: server) == interval)
            #expect(option(TCP_USER_TIMEOUT, of: tcp, on: server) == Int32(min(seconds, 65_534)) * 1000)
            #expect(option(SO_KEEPALIVE, of: SOL_SOCKET, on: client.descriptorNumber) == 0)
        }
    }

    @Test("Limiting the kernel's buffers does not change the unit of the window")
    func buffersAreLimited() throws {
        let reactor = try Reactor()
        try reactor.run {
            let free = try await acceptConnection(Listener.Options())
            var options = Listener.Options()
            (options.receiveBufferBytes, options.sendBufferBytes) = (100_000, 60_000)
            let limited = try await acceptConnection(options)
            // The kernel doubles the number, for its bookkeeping.
            #expect(option(SO_RCVBUF, of: SOL_SOCKET, on: limited.server.descriptorNumber) == 200_000)
            #expect(option(SO_SNDBUF, of: SOL_SOCKET, on: limited.server.descriptorNumber) == 120_000)
            #expect(windowScales(of: limited.server) == windowScales(of: free.server))
        }
    }

    private func acceptConnection(_ options: Listener.Options) async throws -> (client: Stream, server: Stream) {
        let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"), options: options)
        let client = try await Stream.connect(to: listener.localAddress)
        return (client, try await listener.accept())
    }

    /// The scales of both windows, in the two halves of a byte.
    private func windowScales(of stream: Stream) -> UInt8 {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        getsockopt(stream.descriptorNumber, Int32(IPPROTO_TCP), TCP_INFO, &info, &length)
        // The bit fields of `tcp_info` are invisible to Swift. This byte has both scales.
        return withUnsafeBytes(of: info) { $0[6] }
    }

    private func option(_ option: Int32, of level: Int32, on number: Int32) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(number, level, option, &value, &length)
        return value
    }

    @Test("Many simultaneous connections are all accepted")
    func manyConnectionsAtOnceAreAllAccepted() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"))
            let server = reactor.spawn {
                var streams: [Stream] = []
                while streams.count < 200 { streams.append(try await listener.accept()) }
                return streams
            }
            var clients: [Stream] = []
            for _ in 0..<200 { clients.append(try await Stream.connect(to: listener.localAddress)) }
            let streams = try await server.join()
            #expect(Set(streams.map(\.peerAddress)) == Set(clients.compactMap(\.localAddress)))
        }
    }

    // MARK: Failures

    @Test("A connection reset is an error, not an end of stream")
    func aConnectionThatThePeerBreaksOffIsNoEndOfStream() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"))
            let client = try await Stream.connect(to: listener.localAddress)
            let server = try await listener.accept()
            try await client.write("never read".utf8)
            let reader = reactor.spawn { try await client.read(upTo: 100) }
            try await server.waitReadable()
            // TCP answers unread bytes with a reset.
            server.close()
            let error = await failure { _ = try await reader.join() }
            #expect(error?.code == .system)
            #expect(error?.errno == ECONNRESET)
        }
    }

    @Test("Connecting to a port without a listener is refused", arguments: ["127.0.0.1:0", "[::1]:0"])
    func connectingWhereNobodyListensIsRefused(where text: String) throws {
        let reactor = try Reactor()
        try reactor.run {
            var listener: Listener? = try Listener.bind(to: try SocketAddress(text))
            let address = try #require(listener?.localAddress)
            listener = nil
            let error = await failure { _ = try await Stream.connect(to: address) }
            #expect(error?.errno == ECONNREFUSED)
        }
    }

    @Test("Connecting times out")
    func connectingTimesOut() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            // The kernel does not answer connections beyond a full backlog.
            var options = Listener.Options()
            options.backlog = 0
            let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"), options: options)
            let first = try await Stream.connect(to: listener.localAddress)
            let second = reactor.spawn {
                try await Stream.connect(to: listener.localAddress, timeout: .seconds(3))
            }
            try await parked(second)
            clock.advance(by: .seconds(3))
            #expect(await failure { _ = try await second.join() }?.code == .timedOut)
            first.close()
        }
    }

    @Test("A port in use is refused unless it is shared")
    func aTakenPortIsRefusedUnlessItIsShared() throws {
        let reactor = try Reactor()
        let first = try Listener.bind(to: try SocketAddress("127.0.0.1:0"), on: reactor)
        let error = try #require(throws: SluiceError.self) { try Listener.bind(to: first.localAddress, on: reactor) }
        #expect(error.errno == EADDRINUSE)

        var shared = Listener.Options()
        shared.sharesPort = true
        let second = try Listener.bind(to: try SocketAddress("127.0.0.1:0"), on: reactor, options: shared)
        let third = try Listener.bind(to: second.localAddress, on: reactor, options: shared)
        #expect(third.localAddress == second.localAddress)
    }

    @Test("IPv4 and IPv6 listen on the same port")
    func bothFamiliesListenOnOnePort() throws {
        let reactor = try Reactor()
        // The kernel chooses a port that is free for IPv6. A connection of another program may have it for IPv4.
        let isShared = try (0..<100).contains { _ in
            let six = try Listener.bind(to: try SocketAddress("[::]:0"), on: reactor)
            let address = SocketAddress.ipv4(0, port: try #require(six.localAddress.port))
            return (try? Listener.bind(to: address, on: reactor))?.localAddress.port == address.port
        }
        #expect(isShared)
    }

    @Test("Closing a listener ends the wait for a connection")
    func closingEndsTheWaitForAConnection() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"))
            let acceptor = reactor.spawn { try await listener.accept() }
            try await parked(acceptor)
            #expect(await failure { _ = try await listener.accept() }?.code == .misuse)
            listener.close()
            #expect(await failure { _ = try await acceptor.join() }?.code == .closed)
            #expect(await failure { _ = try await listener.accept() }?.code == .closed)
        }
    }

    @Test("A listener needs a reactor")
    func aListenerNeedsAReactor() throws {
        let error = try #require(throws: SluiceError.self) { try Listener.bind(to: try SocketAddress("127.0.0.1:0")) }
        #expect(error.code == .misuse)
    }

    // MARK: Unix-domain sockets

    /// Whether this kernel can keep peers from passing descriptors: Linux 6.16 and later can.
    private static let canRefuseDescriptors: Bool = {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(number) }
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(number, SOL_SOCKET, Socket.passesDescriptors, &value, &length) == 0
    }()

    @Test(
        "Neither side of a Unix socket can be passed a descriptor, whose closing could take long",
        .enabled(if: canRefuseDescriptors), arguments: [false, true])
    func passedDescriptors(isAdopted: Bool) throws {
        let path = temporarySocketPath("descriptors")
        let reactor = try Reactor()
        try reactor.run {
            defer { unlink(path) }
            let address = SocketAddress.unix(path: path)
            let listener =
                isAdopted
                ? try Listener.adopt(listeningDescriptor(at: address), on: reactor) : try Listener.bind(to: address)
            let near = try await Stream.connect(to: address)
            let far = try await listener.accept()
            for number in [near.descriptorNumber, far.descriptorNumber] {
                #expect(passDescriptor(over: number) == EPERM)
            }
            try await near.write("bytes".utf8)
            #expect(try await far.read(upTo: 100) == Array("bytes".utf8))
        }
    }

    /// Listens as another program would.
    private func listeningDescriptor(at address: SocketAddress) throws -> Descriptor {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(address.withSystemAddress { bind(number, $0, $1) } == 0 && listen(number, 8) == 0)
        return Descriptor(owning: number)
    }

    /// Sends a byte and a descriptor. Returns the number of the error, 0 without one.
    private func passDescriptor(over number: Int32) -> Int32 {
        var byte: UInt8 = 0
        // A `cmsghdr`, which has the length, the level and the kind, and a descriptor.
        var control: (length: Int, level: Int32, kind: Int32, descriptor: Int32, padding: Int32) =
            (MemoryLayout<cmsghdr>.size + 4, SOL_SOCKET, Int32(SCM_RIGHTS), STDERR_FILENO, 0)
        return withUnsafeMutableBytes(of: &control) { control in
            withUnsafeMutableBytes(of: &byte) { byte in
                var piece = iovec(iov_base: byte.baseAddress, iov_len: 1)
                return withUnsafeMutablePointer(to: &piece) { piece in
                    var message = msghdr()
                    message.msg_iov = piece
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    return sendmsg(number, &message, Int32(MSG_NOSIGNAL)) < 0 ? errno : 0
                }
            }
        }
    }

    @Test("A Unix socket's file has its mode and is removed with the listener")
    func theFileOfASocketHasItsModeAndGoesWithTheListener() throws {
        let path = temporarySocketPath("mode")
        let reactor = try Reactor()
        var listener: Listener? = try Listener.bind(to: .unix(path: path), on: reactor)
        #expect(mode(of: path) == 0o600)
        #expect(listener?.localAddress == .unix(path: path))
        listener = nil
        #expect(mode(of: path) == nil)

        var options = Listener.Options()
        options.permissions = 0o666
        listener = try Listener.bind(to: .unix(path: path), on: reactor, options: options)
        #expect(mode(of: path) == 0o666)
        listener?.close()
        #expect(mode(of: path) == nil)
    }

    @Test("A stale socket file is replaced and a live one is not")
    func aStaleSocketFileIsReplacedAndALiveOneIsNot() throws {
        let path = temporarySocketPath("stale")
        let reactor = try Reactor()
        let dead = try Socket.open(for: .unix(path: path))
        _ = SocketAddress.unix(path: path).withSystemAddress { bind(dead.number, $0, $1) }
        dead.close()
        let listener = try Listener.bind(to: .unix(path: path), on: reactor)
        let error = try #require(throws: SluiceError.self) { try Listener.bind(to: .unix(path: path), on: reactor) }
        #expect(error.errno == EADDRINUSE)
        #expect(mode(of: path) == 0o600, "the refused listener leaves the file of the other")
        listener.close()
    }

    @Test("A file that is not a socket is not replaced")
    func anotherKindOfFileIsLeftAlone() throws {
        let path = temporarySocketPath("file")
        _ = Descriptor(owning: open(path, O_CREAT | O_WRONLY, 0o640))
        defer { unlink(path) }
        let error = try #require(throws: SluiceError.self) {
            try Listener.bind(to: .unix(path: path), on: try Reactor())
        }
        #expect(error.errno == EADDRINUSE)
        #expect(mode(of: path) == 0o640)
    }

    @Test("A listener does not remove a file that has replaced its own")
    func aListenerLeavesTheFileThatReplacedItsOwn() throws {
        let path = temporarySocketPath("replaced")
        let reactor = try Reactor()
        let first = try Listener.bind(to: .unix(path: path), on: reactor)
        unlink(path)
        let second = try Listener.bind(to: .unix(path: path), on: reactor)
        first.close()
        #expect(mode(of: path) == 0o600)
        second.close()
        #expect(mode(of: path) == nil)
    }

    @Test("A closed listener does not remove its successor's file")
    func aClosedListenerLeavesTheFileOfItsSuccessor() throws {
        let path = temporarySocketPath("successor")
        let reactor = try Reactor()
        try reactor.run {
            var first: Listener? = try Listener.bind(to: .unix(path: path))
            first?.close()
            // File systems reuse an inode at once.
            let second = try Listener.bind(to: .unix(path: path))
            first?.close()
            first = nil
            #expect(mode(of: path) == 0o600)
            second.close()
        }
    }

    private func mode(of path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }
}
