import CLibev
import Glibc
import Synchronization

/// A socket that takes connections, on a TCP port or at a path.
///
/// Belongs to one reactor and is used by its tasks, one of which may wait in `accept` at a time. A listener that nobody
/// refers to any more is closed. When descriptors run out, connections are refused rather than left to wait: see
/// `refusedConnections`.
public final class Listener: @unchecked Sendable {
    // Sendable: everything that changes belongs to the reactor's thread, and each operation asks whether it is there.

    /// How a listener is set up.
    public struct Options: Sendable, Hashable {
        /// Whether several listeners, as a rule of several reactors, may share one TCP port; the kernel spreads the
        /// connections over them.
        public var sharesPort = false
        /// How many connections may wait to be accepted; the kernel cuts it to its own limit.
        public var backlog: Int32 = 4096
        /// After how many seconds the kernel breaks a TCP connection off whose peer's host answers nothing any more, having
        /// lost its power or its network, or has no room for what was written to it; from 1 to 65 534. Nil leaves that to
        /// the kernel, which never notices while there is nothing to send.
        public var silenceSeconds: Int?
        /// Who may connect to a Unix-domain socket: the mode of its file.
        public var permissions: UInt32 = 0o600

        /// The defaults.
        public init() {}
    }

    /// How many connections may be accepted without a turn of the loop, so that a storm of them leaves room for others.
    private static let acceptsPerTurn = 64
    /// How long to leave the listener alone when not even a connection can be refused; doubled each time.
    private static let shortestPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(1)

    /// The reactor whose tasks may use the listener.
    public let reactor: Reactor
    /// Where the listener is found: with the port that the kernel chose, where port 0 was asked for.
    public let localAddress: SocketAddress
    private let watch: DescriptorWatch
    /// Until the listener is closed: afterwards the same path, and the same inode, may be another listener's.
    private let file: Lock<UnixSocketFile?>
    private let refusals = Atomic<Int>(0)
    private var reserve = ReserveDescriptor()
    private var acceptsSinceWait = 0
    private var pause = Listener.shortestPause

    /// Starts to listen on `address`; port 0 has the kernel choose a free one. May be called on any thread.
    ///
    /// An IPv6 address takes IPv6 connections only: to serve both, listen twice.
    ///
    /// - Parameter reactor: whose tasks accept; nil stands for the one that runs the calling task.
    /// - Throws: `.system` when the address is taken (`EADDRINUSE`), not this machine's or not allowed; `.misuse` when
    ///   there is no reactor.
    public static func bind(
        to address: SocketAddress, on reactor: Reactor? = nil, options: Options = Options()
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
        return Listener(descriptor, at: bound ?? address, file: file, on: reactor)
    }

    private static func bind(
        _ number: Int32, to address: SocketAddress, _ options: Options
    ) throws(SluiceError) -> UnixSocketFile? {
        switch address {
        case .unix(let path):
            return try UnixSocketFile.bind(number, to: path, permissions: options.permissions)
        case .ipv6:
            try Socket.turnOn(IPV6_V6ONLY, of: Int32(IPPROTO_IPV6), on: number)
        case .ipv4:
            break
        }
        // Without this a port stays taken for minutes after the connections of the last listener.
        try Socket.turnOn(SO_REUSEADDR, of: SOL_SOCKET, on: number)
        if options.sharesPort { try Socket.turnOn(SO_REUSEPORT, of: SOL_SOCKET, on: number) }
        // Linux hands these on to the connections that are accepted.
        try Socket.sendAtOnce(number, to: address)
        if let seconds = options.silenceSeconds { try Socket.limitSilence(of: number, toSeconds: seconds) }
        guard address.withSystemAddress({ Glibc.bind(number, $0, $1) }) == 0 else {
            throw SluiceError(system: errno, "cannot listen on \(address)")
        }
        return nil
    }

    private init(
        _ descriptor: consuming Descriptor, at address: SocketAddress, file: UnixSocketFile?, on reactor: Reactor
    ) {
        self.reactor = reactor
        self.file = Lock(file)
        localAddress = address
        watch = DescriptorWatch(descriptor, on: reactor, as: .listener(on: address))
    }

    deinit {
        removeFile()
        watch.abandon()
    }

    /// How many connections were refused because there was no descriptor for them. May be read on any thread.
    public var refusedConnections: Int { refusals.load(ordering: .relaxed) }

    // MARK: Accepting

    /// Takes the next connection; waits while there is none.
    ///
    /// A connection that fails before it is taken is passed over; when descriptors run out, connections are refused, and
    /// if that is not possible either the listener rests for up to a second.
    ///
    /// - Throws: `.cancelled`; `.closed` after `close`; `.misuse` off the reactor or while another task accepts;
    ///   `.system` for what no waiting can mend.
    public func accept() async throws(SluiceError) -> Stream {
        try await acceptSocket().takeStream(on: reactor)
    }

    /// The same, for who does not want a stream made of it.
    package func acceptSocket() async throws(SluiceError) -> AcceptedSocket {
        try watch.checkUse()
        guard !watch.hasReader else { throw SluiceError(.misuse, "another task waits for \(watch.waitDescription)") }
        while true {
            if acceptsSinceWait >= Self.acceptsPerTurn { try await waitForConnection() }
            acceptsSinceWait += 1
            let (number, peer) = acceptNow()
            if number >= 0 {
                pause = Self.shortestPause
                // Another thread may have been quicker when the reserve was lent.
                reserve.refill()
                return AcceptedSocket(descriptor: Descriptor(owning: number), peer: peer ?? .unix(path: ""))
            }
            switch Obstacle(errno) {
            case .nobody: try await waitForConnection()
            case .lostConnection: continue
            case .noDescriptor:
                switch refuseConnection() {
                case .refused: continue
                case .nobody: try await waitForConnection()
                case .impossible: try await rest()
                }
            case .noMemory: try await rest()
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
        acceptsSinceWait = 0
    }

    private enum Refusal {
        case refused
        /// No connection waits: the kernel looks for a descriptor before it looks for one.
        case nobody
        /// The reserve is gone too.
        case impossible
    }

    /// Accepts a connection on the reserve descriptor and closes it.
    private func refuseConnection() -> Refusal {
        guard reserve.refill() else { return .impossible }
        let refusal: Refusal = reserve.lend {
            let (number, _) = acceptNow()
            guard number >= 0 else { return errno == EAGAIN ? .nobody : .impossible }
            Descriptor(owning: number).close()
            return .refused
        }
        if refusal == .refused { refusals.add(1, ordering: .relaxed) }
        return refusal
    }

    /// Leaves the connections in the kernel's queue for a while, without watching it.
    private func rest() async throws(SluiceError) {
        try await sleep(for: pause)
        pause = min(pause * 2, Self.longestPause)
        try await waitForConnection()
    }

    /// Stops to listen: a task that waits in `accept` gets an error with code `.closed`, the file of a Unix-domain socket
    /// is removed, and connections that wait to be accepted are reset. May be called from any thread, any number of times.
    public func close() {
        removeFile()
        watch.closeFromAnywhere()
    }

    private func removeFile() {
        file.withLock { $0.take() }?.remove()
    }
}

/// A connected, non-blocking socket, and who is at its other end.
package struct AcceptedSocket: ~Copyable {
    let descriptor: Descriptor
    package let peer: SocketAddress

    package consuming func takeDescriptor() -> Descriptor { descriptor }

    /// A stream for the tasks of `reactor`.
    package consuming func takeStream(on reactor: Reactor) -> Stream {
        let peer = peer
        return Stream(descriptor, to: peer, on: reactor)
    }
}

/// Why no connection was accepted.
private enum Obstacle {
    case nobody
    /// The connection failed while it waited: the next one may be well.
    case lostConnection
    case noDescriptor
    case noMemory
    case brokenListener(Int32)

    init(_ error: Int32) {
        switch error {
        case EAGAIN: self = .nobody
        case EMFILE, ENFILE: self = .noDescriptor
        case ENOMEM, ENOBUFS: self = .noMemory
        // Linux hands on what has befallen the new connection in the network.
        case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET, ENOPROTOOPT,
            EOPNOTSUPP, ETIMEDOUT:
            self = .lostConnection
        default: self = .brokenListener(error)
        }
    }
}
