import Glibc

/// A UDP socket, which sends and receives datagrams: messages that may be lost, doubled or reordered on their way.
///
/// ```swift
/// let socket = try DatagramSocket.bind(to: SocketAddress("127.0.0.1:0"))
/// while true {
///     let datagram = try await socket.receive()
///     try await socket.send(datagram.bytes, to: datagram.sender)
/// }
/// ```
///
/// A socket belongs to a reactor, and is used by that reactor's tasks. One task may receive while another one sends. It is
/// closed when nothing refers to it any more.
public final class DatagramSocket: @unchecked Sendable {
    // Sendable: everything that changes belongs to the reactor's thread, on which each operation checks that it is.

    /// The most bytes of a datagram.
    public static let largestDatagram = 65_507

    /// The reactor whose tasks may use the socket.
    public let reactor: Reactor
    /// The address that the socket is bound to, with the port that the kernel has chosen.
    public let localAddress: SocketAddress
    private let watch: DescriptorWatch
    /// Where received datagrams are put. On the reactor's thread only.
    @exclusivity(unchecked) private var buffer: [UInt8] = []

    private init(_ descriptor: consuming Descriptor, at address: SocketAddress, on reactor: Reactor) {
        self.reactor = reactor
        localAddress = address
        watch = DescriptorWatch(descriptor, on: reactor, as: .other("the datagram socket on \(address)"))
    }

    deinit { watch.abandon() }

    /// Creates a socket. May be called on any thread.
    ///
    /// - Parameters:
    ///   - address: an IPv4 or IPv6 address; with port 0, the kernel chooses a port. A socket on `[::]` receives IPv6 only.
    ///   - reactor: the reactor whose tasks use the socket; nil for that of the calling task.
    /// - Throws: `.system` when the address is in use or is not this machine's; `.misuse` for a path, and off the reactors
    ///   if `reactor` is nil.
    public static func bind(to address: SocketAddress, on reactor: Reactor? = nil) throws(SluiceError) -> DatagramSocket
    {
        let reactor = try Reactor.given(reactor, for: "datagrams on \(address)")
        guard address.port != nil else {
            throw SluiceError(.misuse, "cannot receive datagrams on \(address): pass an IP address and a port")
        }
        let descriptor = try Socket.open(for: address, SOCK_DGRAM)
        let number = descriptor.number
        if case .ipv6 = address { try Socket.turnOn(IPV6_V6ONLY, of: Int32(IPPROTO_IPV6), on: number) }
        guard address.withSystemAddress({ Glibc.bind(number, $0, $1) }) == 0 else {
            throw SluiceError(system: errno, "cannot receive datagrams on \(address)")
        }
        return DatagramSocket(descriptor, at: Socket.localAddress(of: number) ?? address, on: reactor)
    }

    /// A datagram that was received.
    public struct Datagram: Sendable, Hashable {
        /// The content.
        public let bytes: [UInt8]
        /// Where it came from, if nobody has forged that.
        public let sender: SocketAddress
        /// Whether the datagram was longer than the limit of `receive`, and its end is lost.
        public let isTruncated: Bool
    }

    /// Receives the next datagram. Waits while there is none. The kernel drops datagrams that nobody receives in time.
    ///
    /// - Parameters:
    ///   - limit: the most bytes to receive, at least 1. The rest of a longer datagram is lost.
    ///   - timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled`, when nothing was received; `.system` when the kernel reports an error;
    ///   `.closed` after `close`; `.misuse` off the reactor's thread, or while another task receives.
    public func receive(
        upTo limit: Int = largestDatagram, timeout: Duration? = nil
    ) async throws(SluiceError) -> Datagram {
        precondition(limit >= 1, "the limit must be at least 1, and is \(limit)")
        try watch.checkUse()
        guard !watch.hasReader else {
            throw SluiceError(.misuse, "another task is receiving from \(watch.waitDescription)")
        }
        try await giveWayAtEndOfTurn()
        while true {
            if let datagram = try tryReceive(upTo: limit) { return datagram }
            try await watch.waitReadable(timeout: timeout)
        }
    }

    /// Receives a datagram without waiting; nil if there is none.
    private func tryReceive(upTo limit: Int) throws(SluiceError) -> Datagram? {
        if buffer.count < limit { buffer = [UInt8](repeating: 0, count: limit) }
        let (number, flags) = (watch.number, Int32(MSG_TRUNC))
        // `MSG_TRUNC` makes the kernel return the whole length of the datagram.
        let (result, sender) = buffer.withUnsafeMutableBytes { buffer in
            SocketAddress.filled { address, length in
                let count = Socket.uninterrupted { recvfrom(number, buffer.baseAddress, limit, flags, address, length) }
                return Int32(count)
            }
        }
        guard result >= 0 else {
            guard errno != EAGAIN else { return nil }
            throw failure(errno, "receive from")
        }
        guard let sender else { throw failure(EAFNOSUPPORT, "receive from") }
        return Datagram(
            bytes: Array(buffer.prefix(min(Int(result), limit))), sender: sender, isTruncated: Int(result) > limit)
    }

    /// Sends a datagram. Waits only while the kernel has no room for it. That it arrives, nobody can tell.
    ///
    /// - Parameters:
    ///   - bytes: the content, at most `largestDatagram` bytes.
    ///   - address: where the datagram goes, of the same kind (IPv4 or IPv6) as the socket's own.
    ///   - timeout: the longest time to wait for room; nil waits without a limit.
    /// - Throws: `.timedOut`, `.cancelled`; `.system` when the kernel refuses the datagram, with `EMSGSIZE` as `errno` when
    ///   it is too long; `.closed` after `close`; `.misuse` off the reactor's thread, or while another task waits to send.
    public func send(
        _ bytes: some Collection<UInt8>, to address: SocketAddress, timeout: Duration? = nil
    ) async throws(SluiceError) {
        try watch.checkUse()
        guard !watch.hasWriter else {
            throw SluiceError(.misuse, "another task is sending from \(watch.waitDescription)")
        }
        try await giveWayAtEndOfTurn()
        let bytes = Array(bytes)
        while try !trySend(bytes, to: address) { try await watch.waitWritable(timeout: timeout) }
    }

    /// Sends a datagram without waiting; false if the kernel has no room.
    private func trySend(_ bytes: [UInt8], to address: SocketAddress) throws(SluiceError) -> Bool {
        let number = watch.number
        let count = bytes.withUnsafeBytes { bytes in
            address.withSystemAddress { address, length in
                Socket.uninterrupted { sendto(number, bytes.baseAddress, bytes.count, 0, address, length) }
            }
        }
        if count >= 0 { return true }
        guard errno == EAGAIN else { throw failure(errno, "send to \(address) from") }
        return false
    }

    /// Lets the other tasks run if this turn's work is done, so that a peer that floods the socket does not starve them.
    private func giveWayAtEndOfTurn() async throws(SluiceError) {
        guard Reactor.endsTurn() else { return }
        try await Reactor.giveWay()
        try watch.checkUse()
    }

    private func failure(_ errno: Int32, _ verb: String) -> SluiceError {
        SluiceError(system: errno, "cannot \(verb) \(watch.waitDescription)")
    }

    /// Closes the socket. Tasks that wait for it throw `.closed`. May be called from any thread, any number of times; on
    /// another thread than the reactor's, it takes effect in the reactor's next turn.
    public func close() { watch.closeFromAnywhere() }
}
