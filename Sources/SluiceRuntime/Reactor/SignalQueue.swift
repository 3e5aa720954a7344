import CLibev
import DequeModule
import Glibc
import Synchronization

/// The signals that libev hands to one `SignalWatcher`, and the tasks that wait for them.
final class SignalQueue: WaitSource, @unchecked Sendable {
    // Sendable: `withdraw` and `closeFromAnywhere` may be called from any thread; everything else belongs to the
    // reactor's thread.

    /// The most signals kept; further ones are dropped.
    private static let limit = 64
    /// The signals that are watched in this process. libev ends the process when two loops watch the same one.
    private static let watched = Lock<Set<Int32>>([])

    /// Not retained, see `DescriptorWatch`.
    private unowned(unsafe) let reactor: Reactor
    private let numbers: Set<Int32>
    private let watchers: UnsafeMutableBufferPointer<ev_signal>
    private var pending = Deque<Int32>()
    private var waiters = WaitQueue<UnsafeContinuation<SignalVerdict, Never>>()
    private var isOpen = true

    /// - Throws: `.misuse` when a signal is watched already or cannot be watched.
    init(_ numbers: [Int32], on reactor: Reactor) throws(SluiceError) {
        self.numbers = try Self.claim(numbers)
        self.reactor = reactor
        watchers = .allocate(capacity: self.numbers.count)
        super.init()
        let context = Unmanaged.passUnretained(self).toOpaque()
        for (index, number) in self.numbers.enumerated() {
            let watcher = watchers.baseAddress.map { $0 + index }
            clibev_signal_init(watcher, { _, watcher, _ in SignalQueue.arrived(watcher) }, number)
            watcher?.pointee.data = context
            ev_signal_start(reactor.loop, watcher)
        }
        unblock()
    }

    /// Unblocks the signals in the calling thread. A process inherits the signals that its parent has blocked, and
    /// libev does not unblock them.
    private func unblock() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in numbers { sigaddset(&signals, number) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    deinit {
        precondition(!isOpen, "\(waitDescription) were released while libev watches them")
        watchers.deallocate()
    }

    private static func claim(_ numbers: [Int32]) throws(SluiceError) -> Set<Int32> {
        let wanted = Set(numbers)
        for number in numbers where number < 1 || number > 64 || number == SIGKILL || number == SIGSTOP {
            throw SluiceError(.misuse, "signal \(number) cannot be watched")
        }
        let taken = watched.withLock { watched in
            let taken = watched.intersection(wanted)
            if taken.isEmpty { watched.formUnion(wanted) }
            return taken
        }
        guard taken.isEmpty else {
            throw SluiceError(.misuse, "\(describe(taken)) are watched by another SignalWatcher")
        }
        return wanted
    }

    private static func describe(_ numbers: Set<Int32>) -> String {
        "the signals " + numbers.sorted().map { "\($0) (\(String(cString: strsignal($0))))" }.joined(separator: ", ")
    }

    // MARK: Waiting

    /// Takes the oldest signal that arrived while no task waited.
    func takePending() -> Int32? { pending.popFirst() }

    func register(_ continuation: UnsafeContinuation<SignalVerdict, Never>) -> WaitTicket? {
        if isOpen { return waiters.append(continuation) }
        continuation.resume(returning: .closed)
        return nil
    }

    override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        reactor.perform { [self] in waiters.remove(ticket)?.resume(returning: .withdrawn(reason)) }
    }

    override var waitDescription: String { Self.describe(numbers) }

    // MARK: Events

    private static func arrived(_ watcher: UnsafeMutablePointer<ev_signal>?) {
        guard let watcher, let queue = watcher.pointee.data else { return }
        Unmanaged<SignalQueue>.fromOpaque(queue).takeUnretainedValue().arrived(watcher.pointee.signum)
    }

    private func arrived(_ number: Int32) {
        if let waiter = waiters.popFirst() {
            waiter.resume(returning: .arrived(number))
        } else if pending.count < Self.limit {
            pending.append(number)
        }
    }

    // MARK: Ending

    /// Stops watching the signals, on the reactor's thread. May be called from any thread.
    func closeFromAnywhere() {
        reactor.perform { [self] in close() }
    }

    private func close() {
        guard isOpen else { return }
        isOpen = false
        for index in watchers.indices { ev_signal_stop(reactor.loop, watchers.baseAddress.map { $0 + index }) }
        Self.watched.withLock { $0.subtract(numbers) }
        while let waiter = waiters.popFirst() { waiter.resume(returning: .closed) }
    }
}

/// How a wait for a signal ended.
enum SignalVerdict: WaitVerdict {
    case arrived(Int32)
    case closed
    case withdrawn(WithdrawalReason)
}
