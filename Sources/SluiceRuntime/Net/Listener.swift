import CLibev
import Glibc
import Synchronization

/// A socket that accepts connections, on a TCP port or at a path of the file system.
///
/// A listener belongs to one reactor and is used by its tasks, of which one at a time may wait in `accept`. It is
/// closed when nothing refers to it any more. When no descriptors are left, connections are refused and do not wait:
/// see `refusedConnections`.
public final class Listener: @unchecked Sendable {
    // Sendable: everything that changes belongs to the reactor's thread, on which each operation checks that it is.

    /// The options of a listener.
    public struct Options: Sendable, Hashable {
        /// Whether several listeners, usually of different reactors, share one TCP port. The kernel distributes the
        /// connections among them.
        public var sharesPort = false
        /// The most connections that wait to be accepted. The kernel may have a lower limit.
        public var backlog: Int32 = 4096
        /// The seconds, from 1 to 65 534, after which the kernel breaks off a TCP connection whose peer does not
        /// answer, because its host has lost power or network, or does not take what was written to it. Nil leaves this
        /// to the kernel's defaults, by which a lost peer is never noticed while there is nothing to send.
        public var silenceSeconds: Int?
        /// The bytes of unread input that the kernel keeps for an accepted TCP connection. The kernel reserves as much
        /// again for its bookkeeping. Nil leaves the size to the kernel, which allows a busy connection up to 32 MB.
        public var receiveBufferBytes: Int?
        /// The bytes of unread output that the kernel keeps for an accepted TCP connection. The kernel reserves as much
        /// again for its bookkeeping. Nil leaves the size to the kernel, which allows up to 4 MB.
        public var sendBufferBytes: Int?
        /// The bytes of output that the kernel takes beyond the peer's receive window, for each accepted TCP
        /// connection. The kernel takes no more, even if `sendBufferBytes` permits it. Nil sets no such limit.
        public var unsentBytes: Int?
        /// The mode of a Unix-domain socket's file, which decides which users may connect.
        public var permissions: UInt32 = 0o600
        /// The group of a Unix-domain socket's file, by its number. Nil leaves it to the system.
        public var group: UInt32?

        /// Creates the default options.
        public init() {}
    }

    /// The time for accepting connections before another turn of the loop, so that a burst of them does not starve
    /// others, in nanoseconds, and the number of connections after which the clock is read. With a number of
    /// connections for each turn, others waited in the kernel's queue for 125 ms while one client made connections and
    /// kept the loop busy.
    private static let timeOfAccepts: UInt64 = 1_500_000
    private static let acceptsBetweenLooks = 32
    /// The pause when connections cannot even be refused. Doubled each time, up to `longestPause`.
    private static let shortestPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(1)

    /// The reactor whose tasks may use the listener.
    public let reactor: Reactor
    /// The listener's address. If port 0 was requested, it has the port that the kernel chose.
    public let localAddress: SocketAddress
    private let watch: DescriptorWatch
    /// Nil once the listener is closed: then the path, and even the inode, may be another listener's.
    private let file: Lock<UnixSocketFile?>
    private let refusals = Atomic<Int>(0)
    private var reserve = ReserveDescriptor()
    private var acceptsUntilLook = Listener.acceptsBetweenLooks
    /// When the accepting of this turn began, by the clock of the reactor.
    private var acceptsBegan: UInt64 = 0
    private var pause = Listener.shortestPause
    /// Set by `close`.
    let closing = Event(name: "the end of a listener")
    /// See `Options`. Nil on a Unix-domain socket, whose buffers do not grow.
    private let receiveBufferBytes: Int?
    private let tls: Lock<TLSServerContext?>

    /// Starts listening on `address`. For port 0, the kernel chooses a free port. May be called from any thread.
    ///
    /// A listener on an IPv6 address accepts IPv6 connections only; to accept both, create two listeners.
    ///
    /// - Parameters:
    ///   - reactor: the reactor whose tasks accept; nil for that of the calling task.
    ///   - tls: the certificate, and the authorities of the clients; nil for a listener without TLS.
    /// - Throws: `.system` when the address is in use (`EADDRINUSE`), is not this machine's, or is not permitted;
    ///   `.misuse` off the reactors if `reactor` is nil.
    public static func bind(
        to address: SocketAddress, on reactor: Reactor? = nil, tls: TLSServerContext? = nil,
        options: Options = Options()
    ) throws(SluiceError) -> Listener {
        guard let reactor = reactor ?? Reactor.current else {
            throw SluiceError(.misuse, "a listener on \(address) needs a reactor")
        }
        let descriptor = try Socket.open(for: address)
        let file = try bind(descriptor.number, to: address, options)
        guard listen(descriptor.number, options.backlog) == 0 else {
            let error = SluiceError(system: errno, "cannot listen on \(address)")
            file?.remove()
            throw error
        }
        let bound = file == nil ? Socket.localAddress(of: descriptor.number) : nil
        return Listener(descriptor, at: bound ?? address, file: file, tls, options, on: reactor)
    }

    /// Takes over a socket on which another program, such as a service manager, has begun to listen. May be called from
    /// any thread. The file of a Unix-domain socket is left to that program.
    ///
    /// - Throws: `.misuse` for a descriptor on which nothing listens; see `address(ofListening:)`.
    package static func adopt(
        _ descriptor: consuming Descriptor, on reactor: Reactor, tls: TLSServerContext? = nil,
        options: Options = Options()
    ) throws(SluiceError) -> Listener {
        let address = try address(ofListening: descriptor.number)
        try Socket.becomeNonBlocking(descriptor.number)
        if address.port != nil {
            try set(options, of: descriptor.number, at: address)
        } else {
            Socket.refuseDescriptors(on: descriptor.number)
        }
        return Listener(descriptor, at: address, file: nil, tls, options, on: reactor)
    }

    /// Returns the address on which a descriptor listens.
    ///
    /// - Throws: `.misuse` with a message such as "is not a socket".
    package static func address(ofListening number: Int32) throws(SluiceError) -> SocketAddress {
        if let problem = Socket.problem(ofListening: number) { throw SluiceError(.misuse, problem) }
        guard let address = Socket.localAddress(of: number) else {
            throw SluiceError(.misuse, "is a socket of a family other than IPv4, IPv6 and Unix")
        }
        if address == .unix(path: "") {
            throw SluiceError(.misuse, "listens on an abstract name, which has no permissions; let it listen on a path")
        }
        return address
    }

    private static func bind(
        _ number: Int32, to address: SocketAddress, _ options: Options
    ) throws(SluiceError) -> UnixSocketFile? {
        switch address {
        case .unix(let path):
            return try UnixSocketFile.bind(number, to: path, permissions: options.permissions, group: options.group)
        case .ipv6:
            try Socket.turnOn(IPV6_V6ONLY, of: Int32(IPPROTO_IPV6), on: number)
        case .ipv4:
            break
        }
        // Without this, a port stays in use for minutes after the previous listener's connections.
        try Socket.turnOn(SO_REUSEADDR, of: SOL_SOCKET, on: number)
        if options.sharesPort { try Socket.turnOn(SO_REUSEPORT, of: SOL_SOCKET, on: number) }
        try set(options, of: number, at: address)
        guard address.withSystemAddress({ Glibc.bind(number, $0, $1) }) == 0 else {
            throw SluiceError(system: errno, "cannot listen on \(address)")
        }
        return nil
    }

    /// Sets what, on Linux, accepted connections inherit.
    private static func set(
        _ options: Options, of number: Int32, at address: SocketAddress
    ) throws(SluiceError) {
        try Socket.sendAtOnce(number, to: address)
        if let bytes = options.sendBufferBytes {
            try Socket.set(SO_SNDBUF, of: SOL_SOCKET, to: Int32(clamping: bytes), on: number)
        }
        if let bytes = options.unsentBytes {
            try Socket.set(TCP_NOTSENT_LOWAT, of: Int32(IPPROTO_TCP), to: Int32(clamping: bytes), on: number)
        }
        if let seconds = options.silenceSeconds { try Socket.limitSilence(of: number, toSeconds: seconds) }
    }

    private init(
        _ descriptor: consuming Descriptor, at address: SocketAddress, file: UnixSocketFile?,
        _ tls: TLSServerContext?, _ options: Options, on reactor: Reactor
    ) {
        self.reactor = reactor
        self.tls = Lock(tls)
        receiveBufferBytes = address.port == nil ? nil : options.receiveBufferBytes
        self.file = Lock(file)
        localAddress = address
        watch = DescriptorWatch(descriptor, on: reactor, as: .listener(on: address))
    }

    deinit {
        removeFile()
        watch.abandon()
    }

    /// The number of connections refused because no descriptors were left. May be read on any thread.
    public var refusedConnections: Int { refusals.load(ordering: .relaxed) }

    // MARK: Accepting

    /// Accepts the next connection; waits until there is one.
    ///
    /// With TLS, the handshake is a part of the stream's first read or write; see `Stream.finishHandshake`.
    ///
    /// Connections that fail before they are accepted are skipped. When no descriptors are left, connections are
    /// refused; if that is impossible too, the listener pauses for up to a second.
    ///
    /// - Throws: `.cancelled`; `.closed` after `close`; `.misuse` off the reactor's thread or while another task
    ///   accepts; `.system` for an error that waiting does not resolve.
    public func accept() async throws(SluiceError) -> Stream {
        try await acceptSocket().takeStream(on: reactor)
    }

    /// Whether connections are encrypted.
    package var usesTLS: Bool { tls.withLock { $0 != nil } }

    /// Uses other certificates for the connections that are accepted from now on. May be called from any thread.
    ///
    /// - Precondition: the listener was bound with `tls:`.
    public func replaceTLS(with context: TLSServerContext) {
        tls.withLock { tls in
            precondition(tls != nil, "the listener was bound without TLS")
            tls = context
        }
    }

    /// The same as `accept`, without creating a stream.
    package func acceptSocket() async throws(SluiceError) -> AcceptedSocket {
        try watch.checkUse()
        guard !watch.hasReader else {
            throw SluiceError(.misuse, "another task is waiting for \(watch.waitDescription)")
        }
        while true {
            if acceptsUntilLook == 0 {
                acceptsUntilLook = Self.acceptsBetweenLooks
                if reactor.nowNanoseconds &- acceptsBegan > Self.timeOfAccepts { try await waitForConnection() }
            }
            acceptsUntilLook -= 1
            let (number, peer) = acceptNow()
            if number >= 0 {
                pause = Self.shortestPause
                let descriptor = Descriptor(owning: number)
                // Another thread may have taken the reserve's descriptor while it was lent. If this connection has the last
                // one, it is refused, so that the reserve gets it. Otherwise, later connections would wait unanswered.
                if !reserve.refill(), case .noDescriptor = Obstacle(errno) {
                    descriptor.close()
                    reserve.refill()
                    refusals.add(1, ordering: .relaxed)
                    continue
                }
                if let receiveBufferBytes { try Socket.limitReceiveBuffer(of: number, toBytes: receiveBufferBytes) }
                let address = peer?.unmapped ?? .unix(path: "")
                // A connection that waited before the listener was adopted does not inherit this.
                if address.port == nil { Socket.refuseDescriptors(on: number) }
                return AcceptedSocket(descriptor: descriptor, peer: address, tls: tls.withLock { $0 })
            }
            switch Obstacle(errno) {
            case .noConnection: try await waitForConnection()
            case .lostConnection: continue
            case .noDescriptor:
                switch refuseConnection() {
                case .refused: continue
                case .noConnection: try await waitForConnection()
                case .impossible: try await pauseAccepting()
                }
            case .noMemory: try await pauseAccepting()
            case .brokenListener(let error):
                throw watch.number < 0 ? watch.closedError : SluiceError(system: error, "cannot accept connections")
            }
        }
    }

    private func acceptNow() -> (result: Int32, address: SocketAddress?) {
        SocketAddress.filled { accept4(watch.number, $0, $1, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)) }
    }

    private func waitForConnection() async throws(SluiceError) {
        try await watch.waitReadable(timeout: nil)
        acceptsUntilLook = Self.acceptsBetweenLooks
        acceptsBegan = reactor.nowNanoseconds
    }

    private enum Refusal {
        case refused
        /// No connection waits. The kernel fails for lack of a descriptor before it finds that out.
        case noConnection
        /// The reserve could not be opened again.
        case impossible
    }

    /// Accepts a connection on the reserve descriptor and closes it.
    private func refuseConnection() -> Refusal {
        guard reserve.refill() else { return .impossible }
        let refusal: Refusal = reserve.lend {
            let (number, _) = acceptNow()
            guard number >= 0 else { return errno == EAGAIN ? .noConnection : .impossible }
            Descriptor(owning: number).close()
            return .refused
        }
        if refusal == .refused { refusals.add(1, ordering: .relaxed) }
        return refusal
    }

    /// Pauses, and leaves the connections in the kernel's queue.
    private func pauseAccepting() async throws(SluiceError) {
        try await sleep(for: pause)
        pause = min(pause * 2, Self.longestPause)
        try await waitForConnection()
    }

    /// Stops listening. A task that waits in `accept` throws `.closed`, the file of a Unix-domain socket is removed,
    /// and connections that wait to be accepted are reset. May be called from any thread, any number of times.
    public func close() {
        closing.set()
        removeFile()
        watch.closeFromAnywhere()
    }

    private func removeFile() {
        file.withLock { $0.take() }?.remove()
    }
}

/// A connected, non-blocking socket, and the address of its peer.
package struct AcceptedSocket: ~Copyable {
    let descriptor: Descriptor
    package let peer: SocketAddress
    /// The listener's TLS; nil without TLS.
    package let tls: TLSServerContext?

    /// The user of the process that has connected over a Unix-domain socket. Nil for other sockets.
    package var peerUser: UInt32? {
        guard case .unix = peer else { return nil }
        return Socket.peerUser(of: descriptor.number)
    }

    /// Takes the socket of a connection without TLS, or before its handshake.
    package consuming func takeSocket() -> DetachedSocket { DetachedSocket(descriptor: descriptor, tls: nil) }

    /// Creates a stream for the tasks of `reactor`.
    package consuming func takeStream(on reactor: Reactor) throws(SluiceError) -> Stream {
        let peer = peer
        let session = try tls?.makeSession()
        return Stream(descriptor, to: peer, on: reactor, tls: session)
    }
}

/// Why no connection was accepted.
private enum Obstacle {
    case noConnection
    /// The connection failed while it waited; the next one may not.
    case lostConnection
    case noDescriptor
    case noMemory
    case brokenListener(Int32)

    init(_ error: Int32) {
        switch error {
        case EAGAIN: self = .noConnection
        case EMFILE, ENFILE: self = .noDescriptor
        case ENOMEM, ENOBUFS: self = .noMemory
        // Linux reports the new connection's network errors here.
        case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET, ENOPROTOOPT,
            EOPNOTSUPP, ETIMEDOUT:
            self = .lostConnection
        default: self = .brokenListener(error)
        }
    }
}
