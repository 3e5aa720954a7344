import CLibev
import Glibc
import SluiceRuntime

/// One connection to a server. A subclass decides what to send and how to read what arrives.
///
/// Used only on its loop's thread.
class LoadConnection {
    final let loop: EventLoop
    final private let watchers: UnsafeMutablePointer<ev_io>
    final private var descriptor: Int32 = -1
    final private var isConnected = false
    /// Nil without TLS, and before the server has sent its first line if `ServerAddress.speaksFirst`.
    final private var tls: TLSSession?
    /// The TLS that begins after the server's first line.
    final private var laterTLS: TLSSession?

    // Every event touches these, on one thread.
    /// What is written at the end of the turn; call `queueOutput` after appending to it.
    @exclusivity(unchecked) final var output = ByteQueue()
    /// What was read of an incomplete answer.
    @exclusivity(unchecked) final private var input = ByteQueue()
    @exclusivity(unchecked) final private var isQueued = false

    /// How much to read at least while an answer is incomplete.
    private static let readBytes = 64 * 1024

    init(on loop: EventLoop) {
        self.loop = loop
        watchers = .allocate(capacity: 2)
        watchers.initialize(repeating: ev_io(), count: 2)
    }

    deinit {
        close()
        watchers.deallocate()
    }

    final var isOpen: Bool { descriptor >= 0 }

    // MARK: For subclasses

    /// Called when a run starts: connects, by default.
    func enter(_ address: ServerAddress) throws(LoadFailure) { try open(address) }

    /// Reads the bytes that have arrived, and returns how many it used. The next call begins with the rest.
    func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int { bytes.count }

    /// Called after the connection was closed because the server ended it.
    func connectionEnded(_ reason: String) throws(LoadFailure) {
        throw LoadFailure("the server closed a connection: \(reason)")
    }

    /// Called when the server cannot be reached.
    func connectFailed(_ number: Int32) throws(LoadFailure) {
        throw LoadFailure(system: number, "cannot connect")
    }

    // MARK: Opening and closing

    /// Starts connecting. Output is written once connected.
    final func open(_ address: ServerAddress) throws(LoadFailure) {
        let session = try address.makeSession()
        (tls, laterTLS) = address.speaksFirst ? (nil, session) : (session, nil)
        descriptor = try address.startConnecting()
        isConnected = false
        let context = Unmanaged.passUnretained(self).toOpaque()
        clibev_io_init(
            watchers, { _, watcher, _ in LoadConnection.withConnection(of: watcher) { $0.readable() } }, descriptor,
            Int32(EV_READ))
        clibev_io_init(
            watchers + 1, { _, watcher, _ in LoadConnection.withConnection(of: watcher) { $0.writable() } }, descriptor,
            Int32(EV_WRITE)
        )
        watchers[0].data = context
        watchers[1].data = context
        ev_io_start(loop.loop, watchers + 1)
    }

    final func close() {
        guard descriptor >= 0 else { return }
        ev_io_stop(loop.loop, watchers)
        ev_io_stop(loop.loop, watchers + 1)
        if isQueued { loop.forget(self) }
        isQueued = false
        Glibc.close(descriptor)
        descriptor = -1
        (tls, laterTLS) = (nil, nil)
        output.removeFirst(output.count)
        input.removeFirst(input.count)
    }

    /// Closes the connection with a reset, as a failing machine does.
    final func abort() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    // MARK: Writing

    /// Writes the output at the end of this turn.
    @inline(__always)
    final func queueOutput() {
        guard !isQueued else { return }
        isQueued = true
        loop.queue(self)
    }

    final func flush() {
        isQueued = false
        guard isConnected, laterTLS == nil else { return }
        if let tls { return flush(tls) }
        guard !output.isEmpty else { return }
        let bytes = output.bytes
        let written = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if written >= 0 {
            output.removeFirst(written)
        } else if errno != EAGAIN, errno != EINTR {
            return end(String(cString: strerror(errno)))
        }
        if !output.isEmpty { ev_io_start(loop.loop, watchers + 1) }
    }

    private func writable() {
        ev_io_stop(loop.loop, watchers + 1)
        if !isConnected {
            var number: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
            guard number == 0 else { return failConnecting(number) }
            isConnected = true
            ev_io_start(loop.loop, watchers)
        }
        if let tls, !tls.isEstablished { return continueHandshake(tls) }
        flush()
    }

    // MARK: TLS

    private func continueHandshake(_ tls: TLSSession) {
        switch tls.continueHandshake(over: descriptor) {
        case .bytes:
            flush()
            if isOpen, tls.hasBufferedInput { readable() }
        case .wouldBlock: if tls.unsentBytes > 0 { ev_io_start(loop.loop, watchers + 1) }
        case .endOfStream, .failed:
            let reason = tls.failure ?? "the server closed the connection"
            loop.fail(LoadFailure("the TLS handshake failed: \(reason)"))
        }
    }

    private func flush(_ tls: TLSSession) {
        guard tls.isEstablished else { return }
        guard tls.flush(to: descriptor) else { return end("the connection was broken") }
        loop: while !output.isEmpty {
            switch tls.tryWrite(descriptor, output.bytes) {
            case .bytes(let count): output.removeFirst(count)
            case .wouldBlock: break loop
            case .failed(let number): return end(tls.failure ?? String(cString: strerror(number)))
            }
        }
        if !output.isEmpty || tls.unsentBytes > 0 { ev_io_start(loop.loop, watchers + 1) }
    }

    /// Begins the handshake after the server's first line, which is dealt with already.
    private func beginLaterTLS() {
        guard let session = laterTLS else { return }
        (tls, laterTLS) = (session, nil)
        continueHandshake(session)
    }

    // MARK: Reading

    private func readable() {
        if let tls, !tls.isEstablished { return continueHandshake(tls) }
        do throws(LoadFailure) {
            repeat { try readOnce() } while isOpen && tls?.hasBufferedInput == true
        } catch {
            loop.fail(error)
        }
    }

    private func readOnce() throws(LoadFailure) {
        if input.isEmpty {
            guard let count = readCount(into: loop.scratch) else { return }
            let used = try receive(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
            if used < count, isOpen { input.append(UnsafeRawBufferPointer(rebasing: loop.scratch[used..<count])) }
        } else {
            let room = input.room(Self.readBytes)
            guard let count = readCount(into: room) else { return }
            input.advance(count)
            let used = try receive(input.bytes)
            if isOpen { input.removeFirst(used) }
        }
        if laterTLS != nil, input.isEmpty { beginLaterTLS() }
    }

    /// Returns how many bytes a read returned; nil for none, and ends the connection at its end.
    @inline(__always)
    private func readCount(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        if let tls { return readCount(tls, into: buffer) }
        let result = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        loop.readClock()
        if result > 0 { return result }
        if result == 0 {
            end("end of stream")
        } else if errno != EAGAIN, errno != EINTR {
            end(String(cString: strerror(errno)))
        }
        return nil
    }

    private func readCount(_ tls: TLSSession, into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        let attempt = tls.tryRead(descriptor, into: buffer)
        loop.readClock()
        switch attempt {
        case .bytes(let count): return count
        case .endOfStream: end("end of stream")
        case .wouldBlock: break
        case .failed(let number): end(tls.failure ?? String(cString: strerror(number)))
        }
        return nil
    }

    private func end(_ reason: String) {
        close()
        do throws(LoadFailure) { try connectionEnded(reason) } catch { loop.fail(error) }
    }

    private func failConnecting(_ number: Int32) {
        close()
        do throws(LoadFailure) { try connectFailed(number) } catch { loop.fail(error) }
    }

    @inline(__always)
    private static func withConnection(of watcher: UnsafeMutablePointer<ev_io>?, _ body: (LoadConnection) -> Void) {
        guard let context = watcher?.pointee.data else { return }
        Unmanaged<LoadConnection>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
    }
}
