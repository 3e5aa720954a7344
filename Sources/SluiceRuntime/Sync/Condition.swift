/// A place where tasks that hold a mutex wait for a change of what the mutex guards. After gevent's and Python's
/// `Condition`, and Go's `sync.Cond`.
///
/// ```swift
/// try await mutex.withLock {
///     try await changed.wait(until: { !stock.isEmpty })
///     stock.removeLast()
/// }
/// ```
public final class Condition: Sendable {
    /// The mutex that a task holds while it calls `wait`.
    public let mutex: TaskMutex
    private let signals: Channel<Void>

    /// Creates a condition.
    ///
    /// - Parameters:
    ///   - mutex: what guards the values that the tasks wait for.
    ///   - name: shown in reports.
    public init(_ mutex: TaskMutex, name: String = "") {
        self.mutex = mutex
        signals = Channel(.rendezvous, name: name, role: .condition)
    }

    /// The condition's name in reports.
    public var name: String { signals.name }
    /// The number of tasks that wait.
    public var waitingCount: Int { signals.parkedCount }

    /// Unlocks the mutex, waits for a signal, and locks the mutex again, even when the wait was cut short. No signal is
    /// missed between the unlocking and the waiting.
    ///
    /// - Parameter timeout: the longest time to wait for the signal; nil waits without a limit. Locking the mutex again
    ///   may take longer.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short. The caller holds the mutex in any case.
    public func wait(timeout: Duration? = nil) async throws(SluiceError) {
        precondition(mutex.isLocked, "lock the mutex of \(signals.waitDescription) before you wait for it")
        var isUnlocked = false
        let verdict: ReceiveVerdict<Void> = await suspendTask(on: signals, .receive, timeout: timeout) { continuation in
            let ticket = signals.startReceiving(continuation)
            mutex.unlock()
            isUnlocked = true
            return ticket
        }
        if isUnlocked { await mutex.permit.receiveSignalRegardless() }
        if case .withdrawn(let reason) = verdict { throw reason.error }
    }

    /// Waits for signals until `isTrue` returns true. Calls it with the mutex locked, the first time at once.
    ///
    /// - Parameter timeout: the longest time to wait for each signal; nil waits without a limit.
    /// - Throws: as `wait(timeout:)`; what `isTrue` throws.
    public func wait(until isTrue: () throws -> Bool, timeout: Duration? = nil) async throws {
        while try !isTrue() { try await wait(timeout: timeout) }
    }

    /// Wakes the task that has waited longest, if one waits. Usually called with the mutex locked.
    ///
    /// - Returns: whether a task was woken.
    @discardableResult
    public func signal() -> Bool { signals.trySendSignal() }

    /// Wakes every task that waits.
    public func broadcast() {
        for _ in 0..<signals.parkedCount where !signals.trySendSignal() { return }
    }
}
