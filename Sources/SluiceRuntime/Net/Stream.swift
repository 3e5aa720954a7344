import Glibc

/// A connection: bytes in both directions, in order, over TCP or a Unix-domain socket.
///
/// A stream belongs to the reactor on which it was made, and is used by that reactor's tasks; at a time, one task may
/// read and another one write. Writing waits while the peer does not read; who does not read makes the peer wait: that
/// is all the backpressure there is. A stream that nobody refers to any more is closed.
public final class Stream: @unchecked Sendable {
    // Sendable: everything that changes belongs to the reactor's thread, and each operation asks whether it is there.

    /// How many reads, or writes, may follow each other without a turn of the loop between them, so that a peer who is
    /// always ready does not keep the task from giving way to others.
    private static let operationsPerTurn = 16

    /// The reactor whose tasks may use the stream.
    public let reactor: Reactor
    let watch: DescriptorWatch

    // Every read and write touches these, on one thread.
    /// Whether the last read took all that was there: then the next one waits first, and spares a call that fails.
    @exclusivity(unchecked) private var isDrained = false
    /// The reads and writes since the stream last waited.
    @exclusivity(unchecked) private var operationsSinceWait = 0

    /// Takes over a connected, non-blocking socket. May be called on any thread.
    package init(_ descriptor: consuming Descriptor, to peer: SocketAddress, on reactor: Reactor) {
        self.reactor = reactor
        watch = DescriptorWatch(descriptor, on: reactor, as: .connection(with: peer))
    }

    deinit { watch.abandon() }

    /// Whom the stream connects to; a client of a Unix-domain socket usually has an empty path.
    public var peerAddress: SocketAddress { watch.role.address }

    /// The stream's own end of the connection; nil once it is closed. On the reactor's thread only.
    public var localAddress: SocketAddress? { Socket.localAddress(of: watch.number) }

    /// The descriptor's number, for reports; -1 once the stream is closed. On the reactor's thread only.
    package var descriptorNumber: Int32 { watch.number }

    // MARK: Reading

    /// Reads what is there, at most as much as fits into `buffer`; waits only while nothing is.
    ///
    /// - Parameter timeout: how long to wait at most; nil waits for ever.
    /// - Returns: the number of bytes read; 0 when the peer has finished writing.
    /// - Throws: `.timedOut`, `.cancelled`: then nothing was read, and nothing is lost. `.system` when the connection
    ///   failed, `errno` being `ECONNRESET` when the peer broke it off. `.closed` after `close`. `.misuse` for an empty
    ///   buffer, off the reactor, or while another task reads.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, timeout: Duration? = nil
    ) async throws(SluiceError) -> Int {
        try watch.checkUse()
        guard !buffer.isEmpty else { throw SluiceError(.misuse, "a read needs room for at least one byte") }
        guard !watch.hasReader else { throw SluiceError(.misuse, "another task reads from \(watch.waitDescription)") }
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

    /// Reads what is there, at most `limit` bytes; waits only while nothing is.
    ///
    /// - Returns: the bytes; none when the peer has finished writing.
    /// - Throws: as `read(into:timeout:)`.
    public func read(upTo limit: Int, timeout: Duration? = nil) async throws(SluiceError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
        defer { buffer.deallocate() }
        let count = try await read(into: buffer, timeout: timeout)
        return [UInt8](buffer[..<count])
    }

    /// Reads without waiting. On the reactor's thread only; `buffer` must not be empty.
    package func tryRead(into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        operationsSinceWait += 1
        let attempt = Socket.tryRead(watch.number, into: buffer)
        if case .bytes(let count) = attempt { isDrained = count < buffer.count }
        return attempt
    }

    /// Waits until `tryRead` would not return `.wouldBlock`.
    ///
    /// A reader that calls this before each `tryRead`, rather than when it has to, makes one `read` per turn of the
    /// loop and leaves the others theirs.
    ///
    /// - Throws: as `read(into:timeout:)`.
    package func waitReadable(timeout: Duration? = nil) async throws(SluiceError) {
        try await watch.waitReadable(timeout: timeout)
        isDrained = false
        operationsSinceWait = 0
    }

    // MARK: Writing

    /// Writes all of `bytes`; waits while the peer does not read.
    ///
    /// - Parameter timeout: how long the peer may take nothing at all; nil waits for ever.
    /// - Throws: `.timedOut`, `.cancelled`: then an unknown part was written, as with every failure. `.system` when the
    ///   connection failed, `errno` being `EPIPE` or `ECONNRESET` when the peer is gone. `.closed` after `close`.
    ///   `.misuse` off the reactor, or while another task writes.
    public func write(_ bytes: some Collection<UInt8>, timeout: Duration? = nil) async throws(SluiceError) {
        try watch.checkUse()
        guard !watch.hasWriter else { throw SluiceError(.misuse, "another task writes to \(watch.waitDescription)") }
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
    }

    /// Writes without waiting. On the reactor's thread only; `bytes` must not be empty.
    package func tryWrite(_ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        operationsSinceWait += 1
        return Socket.tryWrite(watch.number, bytes)
    }

    /// Waits until `tryWrite` would not return `.wouldBlock`.
    ///
    /// - Throws: as `write`.
    package func waitWritable(timeout: Duration? = nil) async throws(SluiceError) {
        try await watch.waitWritable(timeout: timeout)
        operationsSinceWait = 0
    }

    /// What to throw for a `.failed` attempt.
    ///
    /// - Parameter verb: what was attempted: "read from", "write to".
    package func failure(_ errno: Int32, _ verb: String) -> SluiceError {
        if watch.number < 0 { return watch.closedError }
        return SluiceError(system: errno, "cannot \(verb) \(watch.waitDescription)")
    }

    // MARK: Ending

    /// Tells the peer that nothing more will be written. Reading goes on.
    ///
    /// - Throws: `.system` when the connection is gone; `.closed`; `.misuse` off the reactor.
    public func shutdownWrite() throws(SluiceError) {
        try watch.checkUse()
        guard shutdown(watch.number, Int32(SHUT_WR)) == 0 else { throw failure(errno, "finish writing to") }
    }

    /// Closes the connection: tasks that wait for it get an error with code `.closed`. May be called from any thread, any
    /// number of times; from a thread other than the reactor's it takes effect soon.
    public func close() {
        watch.closeFromAnywhere()
    }
}
