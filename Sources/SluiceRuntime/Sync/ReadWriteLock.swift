import Synchronization

/// A lock that either any number of readers or one writer holds, across `await`s too.
///
/// Tasks are served in the order in which they came: a reader that comes after a waiting writer waits behind it, so that
/// readers do not starve writers. A task that holds the lock and locks it again may wait for itself, which the detection
/// of deadlocks reports. After Go's `sync.RWMutex`.
public final class ReadWriteLock: WaitSource, @unchecked Sendable {
    // Sendable: everything that changes is in `state`, which is a lock.

    private struct Waiter {
        let continuation: UnsafeContinuation<GateVerdict, Never>
        let isWriter: Bool
    }

    private struct State: ~Copyable {
        var readers = 0
        var isWriting = false
        var waiters = WaitQueue<Waiter>()

        /// Locks without waiting, behind the tasks that wait.
        mutating func tryLock(forWriting: Bool) -> Bool {
            guard waiters.isEmpty, canLock(forWriting: forWriting) else { return false }
            lock(forWriting: forWriting)
            return true
        }

        private func canLock(forWriting: Bool) -> Bool { !isWriting && (!forWriting || readers == 0) }

        private mutating func lock(forWriting: Bool) {
            if forWriting { isWriting = true } else { readers += 1 }
        }

        /// Locks for the first tasks that wait, as far as they can lock now.
        mutating func admit() -> [Waiter] {
            var admitted: [Waiter] = []
            while let first = waiters.first, canLock(forWriting: first.isWriter) {
                _ = waiters.popFirst()
                lock(forWriting: first.isWriter)
                admitted.append(first)
            }
            return admitted
        }
    }

    /// The lock's name in reports.
    public let name: String
    private let state = Lock(State())

    /// Creates a lock that nobody holds.
    ///
    /// - Parameter name: shown in reports.
    public init(name: String = "") {
        self.name = name
        super.init()
    }

    /// The number of readers that hold the lock.
    public var readerCount: Int { state.withLock { $0.readers } }
    /// Whether a writer holds the lock.
    public var isLockedForWriting: Bool { state.withLock { $0.isWriting } }
    /// The number of tasks that wait for the lock.
    public var waitingCount: Int { state.withLock { $0.waiters.count } }

    // MARK: Locking

    /// Locks for reading. Waits while a writer holds the lock, or has waited for longer.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short, without the lock.
    public func lockForReading(timeout: Duration? = nil) async throws(SluiceError) {
        try await lock(forWriting: false, timeout)
    }

    /// Locks for writing. Waits while another task holds the lock, or has waited for longer.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short, without the lock.
    public func lockForWriting(timeout: Duration? = nil) async throws(SluiceError) {
        try await lock(forWriting: true, timeout)
    }

    /// Locks for reading if that needs no waiting.
    ///
    /// - Returns: whether the caller holds the lock now.
    public func tryLockForReading() -> Bool { state.withLock { $0.tryLock(forWriting: false) } }

    /// Locks for writing if that needs no waiting.
    ///
    /// - Returns: whether the caller holds the lock now.
    public func tryLockForWriting() -> Bool { state.withLock { $0.tryLock(forWriting: true) } }

    /// Unlocks what the caller has locked, for reading or for writing.
    public func unlock() {
        resume(
            state.withLock { state in
                precondition(
                    state.isWriting || state.readers > 0,
                    "\(waitDescription) is not locked: call unlock once for each lock")
                if state.isWriting { state.isWriting = false } else { state.readers -= 1 }
                return state.admit()
            })
    }

    /// Runs `body` while the lock is locked for reading.
    ///
    /// - Parameter timeout: the longest time to wait for the lock; nil waits without a limit.
    /// - Throws: what `body` throws; `.timedOut` or `.cancelled` when the wait was cut short, and `body` did not run.
    public func withReadLock<Result>(
        timeout: Duration? = nil, _ body: () async throws -> Result
    ) async throws -> Result {
        try await lockForReading(timeout: timeout)
        defer { unlock() }
        return try await body()
    }

    /// Runs `body` while the lock is locked for writing.
    ///
    /// - Parameter timeout: the longest time to wait for the lock; nil waits without a limit.
    /// - Throws: what `body` throws; `.timedOut` or `.cancelled` when the wait was cut short, and `body` did not run.
    public func withWriteLock<Result>(
        timeout: Duration? = nil, _ body: () async throws -> Result
    ) async throws -> Result {
        try await lockForWriting(timeout: timeout)
        defer { unlock() }
        return try await body()
    }

    private func lock(forWriting: Bool, _ timeout: Duration?) async throws(SluiceError) {
        if Reactor.endsTurn() { try await Reactor.giveWay() }
        if state.withLock({ $0.tryLock(forWriting: forWriting) }) { return }
        let verdict: GateVerdict = await suspendTask(on: self, forWriting ? .send : .receive, timeout: timeout) {
            continuation in
            let ticket: WaitTicket? = state.withLock { state in
                if state.tryLock(forWriting: forWriting) { return nil }
                return state.waiters.append(Waiter(continuation: continuation, isWriter: forWriting))
            }
            if ticket == nil { continuation.resume(returning: .opened) }
            return ticket
        }
        if case .withdrawn(let reason) = verdict { throw reason.error }
    }

    private func resume(_ admitted: [Waiter]) {
        for waiter in admitted { waiter.continuation.resume(returning: .opened) }
    }

    // MARK: Waiting

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        let (withdrawn, admitted) = state.withLock { state in
            let withdrawn = state.waiters.remove(ticket)
            // Those behind a writer may not have to wait any more.
            return (withdrawn, withdrawn == nil ? [] : state.admit())
        }
        withdrawn?.continuation.resume(returning: .withdrawn(reason))
        resume(admitted)
    }

    package override var waitDescription: String {
        name.isEmpty ? "an unnamed read-write lock" : "read-write lock '\(name)'"
    }

    package override func describeWait(_ side: WaitSide) -> String {
        "lock \(waitDescription) for \(side == .send ? "writing" : "reading")"
    }
}
