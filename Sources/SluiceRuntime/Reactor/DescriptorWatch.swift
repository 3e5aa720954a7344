import CLibev

/// A descriptor that a reactor watches, and the tasks that wait until it can be read from or written to.
///
/// The watch owns the descriptor, so that libev forgets the descriptor before its number can be used again. Except
/// where noted, it belongs to the reactor's thread. Its owner keeps the reactor alive and calls `close` or `abandon` at
/// the end.
///
/// libev tells the kernel about changes of interest only when it polls, and only about those that remain. Therefore
/// these rules are cheap, and a connection that is read from again and again needs no `epoll_ctl` at all:
/// - Interest in reading stays on after an event, for the next wait. It is turned off when an event finds no waiting
///   task, because a descriptor stays readable after its peer has hung up and would keep the loop busy.
/// - Interest in writing is turned off by each event, because a descriptor is writable nearly always.
final class DescriptorWatch: WaitSource, @unchecked Sendable {
    // Sendable: `withdraw`, `closeFromAnywhere` and `abandon` may be called from any thread; everything else belongs to
    // the reactor's thread.

    /// Not retained: the owner keeps the reactor alive, and a watch in its mailbox must not.
    private unowned(unsafe) let reactor: Reactor
    private var descriptor: Descriptor?
    /// The descriptor's number; -1, which every system call refuses, once the descriptor is closed.
    @exclusivity(unchecked) private(set) var number: Int32
    /// What the descriptor is, in reports and errors.
    let role: DescriptorRole

    // Every event touches these, on one thread.
    @exclusivity(unchecked) private var reader = SoleWaiter<ReadinessVerdict>()
    @exclusivity(unchecked) private var writer = SoleWaiter<ReadinessVerdict>()
    /// Two, in one allocation: libev requires that they do not move.
    private let watchers: UnsafeMutablePointer<ev_io>

    /// Whether libev was ever told about the descriptor. If so, only the reactor's thread may close it.
    @exclusivity(unchecked) private var wasRegistered = false

    private var readWatcher: UnsafeMutablePointer<ev_io> { watchers }
    private var writeWatcher: UnsafeMutablePointer<ev_io> { watchers + 1 }

    /// Takes over a non-blocking descriptor. May be called on any thread.
    init(_ descriptor: consuming Descriptor, on reactor: Reactor, as role: DescriptorRole) {
        self.reactor = reactor
        self.role = role
        number = descriptor.number
        self.descriptor = consume descriptor
        watchers = .allocate(capacity: 2)
        super.init()
        let context = Unmanaged.passUnretained(self).toOpaque()
        clibev_io_init(readWatcher, { DescriptorWatch.of($1)?.readable($2) }, number, Int32(EV_READ))
        clibev_io_init(writeWatcher, { DescriptorWatch.of($1)?.writable($2) }, number, Int32(EV_WRITE))
        readWatcher.pointee.data = context
        writeWatcher.pointee.data = context
    }

    deinit {
        precondition(!isRegistered, "\(role) was released while libev watches it")
        watchers.deallocate()
    }

    // MARK: Waiting

    /// Whether a task waits to read.
    var hasReader: Bool { reader.isWaiting }
    /// Whether a task waits to write.
    var hasWriter: Bool { writer.isWaiting }

    /// Suspends the task until a read would not block: bytes, the end of the input, or an error are there.
    ///
    /// - Throws: `.timedOut`, `.cancelled`; `.closed` when the descriptor is closed on this side; `.misuse` when
    ///   another task waits to read, or off the reactor's thread; `.system` when the kernel refuses to watch the
    ///   descriptor.
    func waitReadable(timeout: Duration? = nil) async throws(SluiceError) {
        let verdict: ReadinessVerdict = await suspendTask(
            on: self, .read, timeout: timeout, register: awaitReadable)
        if verdict != .ready { throw error(verdict) }
    }

    /// Suspends the task until a write would not block: the kernel has room, or an error is there.
    ///
    /// - Throws: as `waitReadable`.
    func waitWritable(timeout: Duration?) async throws(SluiceError) {
        let verdict: ReadinessVerdict = await suspendTask(
            on: self, .write, timeout: timeout, register: awaitWritable)
        if verdict != .ready { throw error(verdict) }
    }

    private func awaitReadable(_ continuation: UnsafeContinuation<ReadinessVerdict, Never>) -> WaitTicket? {
        guard mayWait(reader, continuation) else { return nil }
        wasRegistered = true
        ev_io_start(reactor.loop, readWatcher)
        return reader.park(continuation)
    }

    private func awaitWritable(_ continuation: UnsafeContinuation<ReadinessVerdict, Never>) -> WaitTicket? {
        guard mayWait(writer, continuation) else { return nil }
        wasRegistered = true
        ev_io_start(reactor.loop, writeWatcher)
        return writer.park(continuation)
    }

    /// Whether a task may wait now. If not, resumes it with the reason.
    private func mayWait(
        _ place: SoleWaiter<ReadinessVerdict>, _ continuation: UnsafeContinuation<ReadinessVerdict, Never>
    ) -> Bool {
        let refusal: ReadinessVerdict
        if !reactor.isCurrent {
            refusal = .elsewhere
        } else if descriptor == nil {
            refusal = .closed
        } else if place.isWaiting {
            refusal = .occupied
        } else {
            return true
        }
        continuation.resume(returning: refusal)
        return false
    }

    override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        reactor.perform { [self] in
            if side == .write {
                writer.withdraw(ticket, because: reason)
            } else {
                reader.withdraw(ticket, because: reason)
            }
        }
    }

    override var waitDescription: String { role.description }

    private func error(_ verdict: ReadinessVerdict) -> SluiceError {
        switch verdict {
        case .withdrawn(let reason): reason.error
        case .ready, .closed: closedError
        case .occupied: SluiceError(.misuse, "another task is waiting for \(role) already")
        case .elsewhere: SluiceError(.misuse, "\(role) belongs to the tasks of \(reactor.name)")
        case .unwatchable: SluiceError(.system, "the kernel refuses to watch \(role)")
        }
    }

    /// What an operation on the closed descriptor throws.
    var closedError: SluiceError { SluiceError(.closed, "\(role) is closed") }

    /// Throws unless the caller is on the reactor's thread and the descriptor open.
    func checkUse() throws(SluiceError) {
        guard reactor.isCurrent else { throw error(.elsewhere) }
        guard descriptor != nil else { throw closedError }
    }

    // MARK: Events

    private static func of(_ watcher: UnsafeMutablePointer<ev_io>?) -> DescriptorWatch? {
        watcher?.pointee.data.map { Unmanaged<DescriptorWatch>.fromOpaque($0).takeUnretainedValue() }
    }

    private func readable(_ events: Int32) {
        if !reader.resume(Self.verdict(events)) { ev_io_stop(reactor.loop, readWatcher) }
    }

    private func writable(_ events: Int32) {
        ev_io_stop(reactor.loop, writeWatcher)
        writer.resume(Self.verdict(events))
    }

    /// libev stops the watchers of a descriptor that the kernel refuses, and reports that as an event.
    private static func verdict(_ events: Int32) -> ReadinessVerdict {
        events & Int32(EV_ERROR) == 0 ? .ready : .unwatchable
    }

    // MARK: Ending

    /// Whether libev watches the descriptor.
    var isRegistered: Bool { readWatcher.pointee.active != 0 || writeWatcher.pointee.active != 0 }

    /// Closes the descriptor and resumes the tasks that wait for it.
    func close() {
        guard descriptor != nil else { return }
        ev_io_stop(reactor.loop, readWatcher)
        ev_io_stop(reactor.loop, writeWatcher)
        number = -1
        descriptor = nil
        reader.resume(.closed)
        writer.resume(.closed)
    }

    /// Returns the descriptor, which the watch gives up. No task may wait for it.
    func release() -> Descriptor? {
        ev_io_stop(reactor.loop, readWatcher)
        ev_io_stop(reactor.loop, writeWatcher)
        number = -1
        return descriptor.take()
    }

    /// Closes the descriptor on the reactor's thread. May be called from any thread.
    func closeFromAnywhere() {
        reactor.perform { [self] in close() }
    }

    /// Closes the descriptor. The owner calls this in its `deinit`. May be called from any thread.
    ///
    /// A descriptor that libev was never told about is closed now, another one in the reactor's next turn, or when the
    /// reactor ends.
    func abandon() {
        if wasRegistered { closeFromAnywhere() } else { close() }
    }
}

/// How a wait for a descriptor ended.
enum ReadinessVerdict: WaitVerdict, Hashable {
    case ready
    /// The descriptor was closed on this side.
    case closed
    /// Another task is waiting already.
    case occupied
    /// The task is not on the reactor's thread.
    case elsewhere
    /// The kernel cannot watch such a descriptor, or lacks the memory.
    case unwatchable
    case withdrawn(WithdrawalReason)
}

/// What a watched descriptor is.
enum DescriptorRole: Sendable, CustomStringConvertible {
    case connection(with: SocketAddress)
    case listener(on: SocketAddress)
    /// Anything else, as it is called in reports.
    case other(String)

    /// The address of a socket; the empty path for anything else.
    var address: SocketAddress {
        switch self {
        case .connection(let address), .listener(let address): address
        case .other: .unix(path: "")
        }
    }

    var description: String {
        switch self {
        case .connection(let peer): "the connection with \(peer)"
        case .listener(let address): "the listener on \(address)"
        case .other(let name): name
        }
    }
}
