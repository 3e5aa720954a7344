/// A lock that one task at a time holds, across `await`s too.
///
/// Tasks that wait are served in the order in which they came. A task that locks a mutex which it holds waits for
/// itself, which the detection of deadlocks reports. Values that are only used between two `await`s need
/// `Synchronization.Mutex` instead. After gevent's and asyncio's `Lock`.
///
/// ```swift
/// let ledger = TaskMutex(name: "ledger")
/// try await ledger.withLock { try await transfer(100) }
/// ```
public final class TaskMutex: Sendable {
    let permit: Channel<Void>

    /// Creates a mutex that nobody holds.
    ///
    /// - Parameter name: shown in reports.
    public init(name: String = "") {
        permit = Channel(.buffered(capacity: 1), name: name, role: .mutex)
        permit.trySendSignal()
    }

    /// The mutex's name in reports.
    public var name: String { permit.name }
    /// Whether a task holds the mutex.
    public var isLocked: Bool { permit.bufferedCount == 0 }
    /// The number of tasks that wait for the mutex.
    public var waitingCount: Int { permit.parkedCount }

    /// Locks the mutex. Waits while another task holds it.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short, without the mutex.
    public func lock(timeout: Duration? = nil) async throws(SluiceError) {
        try await permit.receiveSignal(timeout: timeout)
    }

    /// Locks the mutex if that needs no waiting.
    ///
    /// - Returns: whether the caller holds the mutex now.
    public func tryLock() -> Bool { permit.tryReceiveSignal() }

    /// Unlocks the mutex, which the caller holds. The task that has waited longest holds it then.
    public func unlock() {
        let isUnlocked = permit.trySendSignal()
        precondition(isUnlocked, "\(permit.waitDescription) is not locked: call unlock once for each lock")
    }

    /// Runs `body` while the mutex is locked.
    ///
    /// - Parameter timeout: the longest time to wait for the mutex; nil waits without a limit.
    /// - Throws: what `body` throws; `.timedOut` or `.cancelled` when the wait was cut short, and `body` did not run.
    public func withLock<Result>(timeout: Duration? = nil, _ body: () async throws -> Result) async throws -> Result {
        try await lock(timeout: timeout)
        defer { unlock() }
        return try await body()
    }
}
