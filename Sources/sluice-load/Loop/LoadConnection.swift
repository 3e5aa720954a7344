import CLibev
import Glibc

/// One connection to a server. A subclass decides what to send and how to read what arrives.
///
/// Used only on its loop's thread.
class LoadConnection {
    final let loop: EventLoop
    final private let watchers: UnsafeMutablePointer<ev_io>
    final private var descriptor: Int32 = -1
    final private var isConnected = false

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
        guard isConnected, !output.isEmpty else { return }
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
        flush()
    }

    // MARK: Reading

    private func readable() {
        do throws(LoadFailure) {
            if input.isEmpty {
                guard let count = readCount(recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)) else {
                    return
                }
                let used = try receive(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
                if used < count, isOpen { input.append(UnsafeRawBufferPointer(rebasing: loop.scratch[used..<count])) }
            } else {
                let room = input.room(Self.readBytes)
                guard let count = readCount(recv(descriptor, room.baseAddress, room.count, 0)) else { return }
                input.advance(count)
                let used = try receive(input.bytes)
                if isOpen { input.removeFirst(used) }
            }
        } catch {
            loop.fail(error)
        }
    }

    /// Returns how many bytes a read returned; nil for none, and ends the connection at its end.
    @inline(__always)
    private func readCount(_ result: Int) -> Int? {
        loop.readClock()
        if result > 0 { return result }
        if result == 0 {
            end("end of stream")
        } else if errno != EAGAIN, errno != EINTR {
            end(String(cString: strerror(errno)))
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
