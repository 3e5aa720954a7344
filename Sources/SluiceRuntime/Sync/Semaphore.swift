/// A number of permits, which tasks acquire and release.
///
/// Tasks that wait are served in the order in which they came. The tasks may be on any reactor, or on none. After
/// gevent's `Semaphore`; a channel that keeps permits is the same.
///
/// ```swift
/// let connections = Semaphore(permits: 4, name: "connections")
/// try await connections.withPermit { try await fetch(page) }
/// ```
public final class Semaphore: Sendable {
    private let permits: Channel<Void>

    /// Creates a semaphore.
    ///
    /// - Parameters:
    ///   - count: the number of permits, at least 0.
    ///   - name: shown in reports.
    public convenience init(permits count: Int, name: String = "") {
        self.init(permits: count, name: name, role: .semaphore)
    }

    init(permits count: Int, name: String, role: ChannelRole) {
        precondition(count >= 0, "a semaphore cannot have \(count) permits: pass at least 0")
        permits = Channel(.unbounded, name: name, role: role)
        release(count)
    }

    /// The semaphore's name in reports.
    public var name: String { permits.name }
    /// The number of permits that nobody has.
    public var availablePermits: Int { permits.bufferedCount }
    /// The number of tasks that wait for a permit, selects included.
    public var waitingCount: Int { permits.parkedCount }

    /// Acquires a permit. Waits while there is none.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short, without a permit.
    public func acquire(timeout: Duration? = nil) async throws(SluiceError) {
        try await permits.receiveSignal(timeout: timeout)
    }

    /// Acquires a permit if that needs no waiting.
    ///
    /// - Returns: whether the caller has a permit now.
    public func tryAcquire() -> Bool { permits.tryReceiveSignal() }

    /// Returns permits, each to the task that has waited longest for one. May be called by any task, on any thread.
    public func release(_ count: Int = 1) {
        for _ in 0..<count { permits.trySendSignal() }
    }

    /// Runs `body` with a permit, and releases the permit when `body` has ended.
    ///
    /// - Parameter timeout: the longest time to wait for the permit; nil waits without a limit.
    /// - Throws: what `body` throws; `.timedOut` or `.cancelled` when the wait was cut short, and `body` did not run.
    public func withPermit<Result>(
        timeout: Duration? = nil, _ body: () async throws -> Result
    ) async throws -> Result {
        try await acquire(timeout: timeout)
        defer { release() }
        return try await body()
    }

    /// Creates a select arm that acquires a permit.
    public func acquiring<Output>(_ action: @escaping () async throws -> Output) -> SelectArm<Output> {
        permits.receiving { _ in try await action() }
    }
}
