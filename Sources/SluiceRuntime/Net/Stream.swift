import Glibc

/// A connection over TCP or a Unix-domain socket: bytes in order, in both directions. The pipes of a `Subprocess` and
/// `standardInput` are streams too, in one direction.
///
/// A stream belongs to the reactor on which it was created, and is used by that reactor's tasks. One task may read
/// while another one writes. A slow reader applies backpressure: when the kernel's buffers are full, the writing side
/// waits. A stream is closed when nothing refers to it any more.
public final class Stream: @unchecked Sendable {
    // Sendable: everything that changes belongs to the reactor's thread, on which each operation checks that it is.

    /// The most reads and writes before another turn of the loop, so that a task with a peer that is always ready does
    /// not starve others.
    private static let operationsPerTurn = 16

    /// The reactor whose tasks may use the stream.
    public let reactor: Reactor
    let watch: DescriptorWatch
    /// The TLS of the connection; nil without TLS.
    let tls: TLSSession?
    private let medium: StreamMedium

    // Every read and write touches these, on one thread.
    /// Whether the last read took everything that was there, so that the next one should wait before it tries.
    @exclusivity(unchecked) private var isDrained = false
    /// The number of reads and writes since the stream last waited.
    @exclusivity(unchecked) private var operationsSinceWait = 0

    /// Takes over a connected, non-blocking socket. May be called on any thread.
    package convenience init(_ descriptor: consuming Descriptor, to peer: SocketAddress, on reactor: Reactor) {
        self.init(descriptor, to: peer, on: reactor, tls: nil)
    }

    init(_ descriptor: consuming Descriptor, to peer: SocketAddress, on reactor: Reactor, tls: TLSSession?) {
        self.reactor = reactor
        self.tls = tls
        medium = .socket
        watch = DescriptorWatch(descriptor, on: reactor, as: .connection(with: peer))
    }

    /// Takes over an end of a pipe, or another descriptor that is read or written. May be called on any thread.
    ///
    /// - Parameter name: what the descriptor is, in reports and errors.
    init(_ descriptor: consuming Descriptor, _ medium: StreamMedium, called name: String, on reactor: Reactor) {
        self.reactor = reactor
        self.medium = medium
        tls = nil
        isDrained = medium == .sharedFile
        watch = DescriptorWatch(descriptor, on: reactor, as: .other(name))
    }

    deinit { watch.abandon() }

    /// The peer's address. The client of a Unix-domain socket usually has an empty path, and so have pipes.
    public var peerAddress: SocketAddress { watch.role.address }

    /// The address of this end of the connection; nil once the stream is closed. On the reactor's thread only.
    public var localAddress: SocketAddress? { Socket.localAddress(of: watch.number) }

    /// The descriptor's number, for reports; -1 once the stream is closed. On the reactor's thread only.
    package var descriptorNumber: Int32 { watch.number }

    // MARK: Reading

    /// Reads the bytes that have arrived, as many as fit into `buffer`. Waits only if none has arrived.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: the number of bytes read; 0 when the peer has finished writing.
    /// - Throws: `.timedOut` or `.cancelled`, when nothing was read or lost; `.system` when the connection has failed,
    ///   with `ECONNRESET` as `errno` when the peer broke it off; `.tls` when the peer breaks the rules of TLS; `.closed`
    ///   after `close`; `.misuse` for an empty buffer, off the reactor's thread, or while another task reads.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, timeout: Duration? = nil
    ) async throws(SluiceError) -> Int {
        try watch.checkUse()
        guard !buffer.isEmpty else { throw SluiceError(.misuse, "the buffer of a read must have at least 1 byte") }
        guard !watch.hasReader else {
            throw SluiceError(.misuse, "another task is reading from \(watch.waitDescription)")
        }
        try await finishHandshake(timeout: timeout)
        if isDrained || operationsSinceWait >= Self.operationsPerTurn { try await waitReadable(timeout: timeout) }
        while true {
            switch tryRead(into: buffer) {
            case .bytes(let count): return count
            case .endOfStream: return 0
            case .wouldBlock: try await waitReadable(timeout: timeout)
            case .failed(let errno): throw failure(errno, "read from")
            }
        }
    }

    /// Reads at most `limit` bytes, and waits only if none has arrived.
    ///
    /// - Returns: the bytes; an empty array when the peer has finished writing.
    /// - Throws: as `read(into:timeout:)`.
    public func read(upTo limit: Int, timeout: Duration? = nil) async throws(SluiceError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
        defer { buffer.deallocate() }
        let count = try await read(into: buffer, timeout: timeout)
        return [UInt8](buffer[..<count])
    }

    /// Reads without waiting. `buffer` must not be empty. On the reactor's thread only.
    package func tryRead(into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        operationsSinceWait += 1
        let attempt = tls?.tryRead(watch.number, into: buffer) ?? medium.tryRead(watch.number, into: buffer)
        if case .bytes(let count) = attempt { isDrained = count < buffer.count || medium == .sharedFile }
        return attempt
    }

    /// Waits until `tryRead` would not return `.wouldBlock`.
    ///
    /// A reader that calls this before every `tryRead`, and not only when it must, reads once in each turn of the loop
    /// and does not starve others.
    ///
    /// - Throws: as `read(into:timeout:)`.
    package func waitReadable(timeout: Duration? = nil) async throws(SluiceError) {
        // The kernel does not know of bytes that TLS has taken already.
        if let tls, tls.hasBufferedInput {
            try await sleep(for: .zero)
        } else if let tls, tls.isClogged {
            try await watch.waitWritable(timeout: timeout)
            try sendRest()
        } else {
            try await watch.waitReadable(timeout: timeout)
        }
        isDrained = false
        operationsSinceWait = 0
    }

    // MARK: Writing

    /// Writes all of `bytes`. Waits while the kernel's buffer is full, because the peer does not read fast enough.
    ///
    /// - Parameter timeout: the longest time for the peer to take nothing; nil waits without a limit.
    /// - Throws: `.timedOut`, `.cancelled`; `.system` when the connection has failed, with `EPIPE` or `ECONNRESET` as
    ///   `errno` when the peer has closed it; `.closed` after `close`; `.misuse` off the reactor's thread, or while
    ///   another task writes. After an error, an unknown part of the bytes was written.
    public func write(_ bytes: some Collection<UInt8>, timeout: Duration? = nil) async throws(SluiceError) {
        try watch.checkUse()
        guard !watch.hasWriter else {
            throw SluiceError(.misuse, "another task is writing to \(watch.waitDescription)")
        }
        try await finishHandshake(timeout: timeout)
        var written = 0
        while written < bytes.count {
            if operationsSinceWait >= Self.operationsPerTurn { try await waitWritable(timeout: timeout) }
            let attempt = bytes.withContiguousStorageIfAvailable { bytes in
                tryWrite(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[written...]))
            }
            switch attempt {
            case .bytes(let count): written += count
            case .wouldBlock: try await waitWritable(timeout: timeout)
            case .failed(let errno): throw failure(errno, "write to")
            case nil: return try await write(ContiguousArray(bytes), timeout: timeout)
            }
        }
        try await sendAllRest(timeout: timeout)
    }

    /// Writes without waiting. `bytes` must not be empty. On the reactor's thread only.
    package func tryWrite(_ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        operationsSinceWait += 1
        return tls?.tryWrite(watch.number, bytes) ?? medium.tryWrite(watch.number, bytes)
    }

    /// Waits until `tryWrite` would not return `.wouldBlock`.
    ///
    /// - Throws: as `write`.
    package func waitWritable(timeout: Duration? = nil) async throws(SluiceError) {
        try await watch.waitWritable(timeout: timeout)
        operationsSinceWait = 0
    }

    /// Returns the error to throw for a `.failed` attempt.
    ///
    /// - Parameter verb: what was attempted, such as "read from".
    package func failure(_ errno: Int32, _ verb: String) -> SluiceError {
        if watch.number < 0 { return watch.closedError }
        if let reason = tls?.failure { return SluiceError(.tls, "cannot \(verb) \(watch.waitDescription): \(reason)") }
        return SluiceError(system: errno, "cannot \(verb) \(watch.waitDescription)")
    }

    /// Makes the kernel break off a TCP connection whose peer is silent, or takes nothing, for this many seconds; see
    /// `Socket.limitSilence`. On the reactor's thread only.
    package func limitSilence(toSeconds seconds: Int) throws(SluiceError) {
        guard peerAddress.port != nil else { return }
        try Socket.limitSilence(of: watch.number, toSeconds: seconds)
    }

    // MARK: Ending

    /// Ends the output: the peer reads to the end. Reading is still possible. With TLS, this sends `close_notify`, and
    /// returns before the kernel has taken all. A pipe is closed.
    ///
    /// - Throws: `.system` when the connection has failed; `.closed` after `close`; `.misuse` off the reactor's thread.
    public func shutdownWrite() throws(SluiceError) {
        try watch.checkUse()
        if let tls { return finishWriting(tls) }
        guard medium == .socket else { return watch.close() }
        guard shutdown(watch.number, Int32(SHUT_WR)) == 0 else { throw failure(errno, "finish writing to") }
    }

    /// Closes the connection. Tasks that wait for it throw `.closed`. May be called from any thread, any number of
    /// times; on another thread than the reactor's, it takes effect in the reactor's next turn.
    public func close() {
        watch.closeFromAnywhere()
    }
}

extension Stream {
    /// Connects to a listener. Call from a task of the reactor that the stream is to belong to.
    ///
    /// - Parameter timeout: the longest time to wait for the peer; nil for the kernel's limit, about 2 minutes.
    /// - Throws: `.system` when nothing listens at the address (`ECONNREFUSED`) or the peer cannot be reached;
    ///   `.timedOut`, `.cancelled`; `.misuse` off the reactors.
    public static func connect(
        to address: SocketAddress, timeout: Duration? = nil
    ) async throws(SluiceError) -> Stream {
        try await connect(to: address, tls: nil, timeout: timeout)
    }

    static func connect(
        to address: SocketAddress, tls: TLSSession?, timeout: Duration?
    ) async throws(SluiceError) -> Stream {
        guard let reactor = Reactor.current else {
            throw SluiceError(.misuse, "only a task on a reactor can connect to \(address)")
        }
        let descriptor = try Socket.open(for: address)
        try Socket.sendAtOnce(descriptor.number, to: address)
        let status = address.withSystemAddress { Glibc.connect(descriptor.number, $0, $1) }
        let error = status == 0 ? 0 : errno
        let stream = Stream(descriptor, to: address, on: reactor, tls: tls)
        switch error {
        case 0: return stream
        // The kernel continues a connection attempt that a signal interrupts.
        case EINPROGRESS, EINTR: try await stream.waitUntilConnected(timeout: timeout)
        default: throw refusal(error, by: address)
        }
        return stream
    }

    private func waitUntilConnected(timeout: Duration?) async throws(SluiceError) {
        try await waitWritable(timeout: timeout)
        let error = Socket.pendingError(of: watch.number)
        if error != 0 { throw Self.refusal(error, by: peerAddress) }
    }

    static func refusal(_ errno: Int32, by address: SocketAddress) -> SluiceError {
        SluiceError(system: errno, "cannot connect to \(address)")
    }
}
