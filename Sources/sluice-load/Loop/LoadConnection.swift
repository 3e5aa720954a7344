import CLibev
import Glibc

/// One connection with a server. A subclass says what it sends, and what it makes of what comes.
///
/// Belongs to the thread of its loop, like all that it calls.
class LoadConnection {
    final let loop: EventLoop
    final private let watchers: UnsafeMutablePointer<ev_io>
    final private var descriptor: Int32 = -1
    final private var isConnected = false

    // Each event touches these, on one thread.
    /// What is written at the end of the turn; say `speak` after having appended to it.
    @exclusivity(unchecked) final var output = ByteQueue()
    /// What was read of a reply that is not complete.
    @exclusivity(unchecked) final private var input = ByteQueue()
    @exclusivity(unchecked) final private var isQueued = false

    /// A subclass that knows nothing of dialects may hold what it reads as long as it likes: 64 KiB are one read.
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

    /// Comes into a run: connects, and says what it has to say first.
    func enter(_ address: ServerAddress) throws(LoadFailure) { try open(address) }

    /// Takes what it understands of the bytes that have come, and returns how many these are. What is left comes again,
    /// with more behind it.
    func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int { bytes.count }

    /// The server has ended the connection, which is no longer open.
    func lost(_ reason: String) throws(LoadFailure) {
        throw LoadFailure("the server has closed a connection: \(reason)")
    }

    /// The server cannot be reached.
    func unreachable(_ number: Int32) throws(LoadFailure) {
        throw LoadFailure(system: number, "cannot connect")
    }

    // MARK: Opening and closing

    /// Begins to connect; what is said meanwhile is sent as soon as that is done.
    final func open(_ address: ServerAddress) throws(LoadFailure) {
        descriptor = try address.connecting()
        isConnected = false
        let context = Unmanaged.passUnretained(self).toOpaque()
        clibev_io_init(
            watchers, { _, watcher, _ in LoadConnection.of(watcher) { $0.readable() } }, descriptor, Int32(EV_READ))
        clibev_io_init(
            watchers + 1, { _, watcher, _ in LoadConnection.of(watcher) { $0.writable() } }, descriptor, Int32(EV_WRITE)
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

    /// Ends the connection with a reset, as a machine does that fails.
    final func abort() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    // MARK: Writing

    /// Has the output written at the end of this turn.
    @inline(__always)
    final func speak() {
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
            guard number == 0 else { return endUnreached(number) }
            isConnected = true
            ev_io_start(loop.loop, watchers)
        }
        flush()
    }

    // MARK: Reading

    private func readable() {
        do throws(LoadFailure) {
            if input.isEmpty {
                guard let count = taken(recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)) else {
                    return
                }
                let used = try receive(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
                if used < count, isOpen { input.append(UnsafeRawBufferPointer(rebasing: loop.scratch[used..<count])) }
            } else {
                let room = input.room(Self.readBytes)
                guard let count = taken(recv(descriptor, room.baseAddress, room.count, 0)) else { return }
                input.advance(count)
                let used = try receive(input.bytes)
                if isOpen { input.removeFirst(used) }
            }
        } catch {
            loop.fail(error)
        }
    }

    /// How many bytes a read has brought; nil for none.
    @inline(__always)
    private func taken(_ result: Int) -> Int? {
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
        do throws(LoadFailure) { try lost(reason) } catch { loop.fail(error) }
    }

    private func endUnreached(_ number: Int32) {
        close()
        do throws(LoadFailure) { try unreachable(number) } catch { loop.fail(error) }
    }

    @inline(__always)
    private static func of(_ watcher: UnsafeMutablePointer<ev_io>?, _ body: (LoadConnection) -> Void) {
        guard let context = watcher?.pointee.data else { return }
        Unmanaged<LoadConnection>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
    }
}
