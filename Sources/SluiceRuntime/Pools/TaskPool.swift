import Synchronization

/// Green tasks of which at most a given number run at a time. After gevent's `Pool` and Go's `errgroup` with a limit.
///
/// While the pool is full, starting a task waits, so that whatever brings the work is slowed down.
///
/// ```swift
/// let pool = try TaskPool(limit: 8, name: "fetchers")
/// for page in pages { try await pool.spawn { try await fetch(page) } }
/// try await pool.join()
/// ```
///
/// A pool that is made for a nursery starts the nursery's tasks: the first error ends them all, and the nursery awaits
/// them.
public final class TaskPool: Sendable {
    private struct Members {
        var startedCount: UInt64 = 0
        var tasks: [UInt64: TaskRecord] = [:]
        /// Tasks that ended before they were added to `tasks`.
        var endedEarly: Set<UInt64> = []
    }

    /// The pool's name in reports.
    public let name: String
    /// The most tasks that run at a time.
    public let limit: Int
    private let reactor: Reactor
    private let nursery: Nursery?
    private let places: Semaphore
    private let running: WaitGroup
    private let members = Lock(Members())

    /// Creates a pool.
    ///
    /// - Parameters:
    ///   - limit: the most tasks that run at a time, at least 1.
    ///   - name: shown in reports.
    ///   - reactor: the reactor of the tasks; nil for that of the calling task.
    /// - Throws: `.misuse` when `limit` is less than 1, or when `reactor` is nil off the reactors.
    public convenience init(limit: Int, name: String = "", on reactor: Reactor? = nil) throws(SluiceError) {
        guard let reactor = reactor ?? Reactor.current else {
            throw SluiceError(.misuse, "a pool needs a reactor: pass one, or create the pool in a task on a reactor")
        }
        try self.init(limit: limit, name: name, reactor, nil)
    }

    /// Creates a pool of a nursery's tasks.
    ///
    /// - Parameters:
    ///   - limit: the most tasks that run at a time, at least 1.
    ///   - name: shown in reports.
    ///   - nursery: the nursery that awaits the tasks.
    /// - Throws: `.misuse` when `limit` is less than 1.
    public convenience init(limit: Int, name: String = "", in nursery: Nursery) throws(SluiceError) {
        try self.init(limit: limit, name: name, nursery.reactor, nursery)
    }

    private init(limit: Int, name: String, _ reactor: Reactor, _ nursery: Nursery?) throws(SluiceError) {
        guard limit >= 1 else { throw SluiceError(.misuse, "the limit of a pool must be at least 1, and is \(limit)") }
        self.limit = limit
        self.name = name
        self.reactor = reactor
        self.nursery = nursery
        places = Semaphore(permits: limit, name: name, role: .pool)
        running = WaitGroup(name: name)
    }

    /// The number of tasks that have not ended.
    public var runningCount: Int { running.count }
    /// The number of tasks that could be started without waiting.
    public var freeCount: Int { places.availablePermits }

    // MARK: Starting

    /// Starts a task. Waits while the pool is full. Callers that wait are served in the order in which they came.
    ///
    /// - Parameters:
    ///   - name: shown in reports and logs.
    ///   - timeout: the longest time to wait for a place; nil waits without a limit.
    /// - Returns: the task, for `join`, `value` and `cancel`.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short, and `body` does not run.
    @discardableResult
    public func spawn<Success: Sendable>(
        _ name: String = "", timeout: Duration? = nil, _ body: @escaping @Sendable () async throws -> Success
    ) async throws(SluiceError) -> GreenTask<Success> {
        try await places.acquire(timeout: timeout)
        return start(name, body)
    }

    /// Starts a task unless the pool is full.
    ///
    /// - Returns: the task; nil if the pool is full.
    @discardableResult
    public func trySpawn<Success: Sendable>(
        _ name: String = "", _ body: @escaping @Sendable () async throws -> Success
    ) -> GreenTask<Success>? {
        places.tryAcquire() ? start(name, body) : nil
    }

    /// Runs `body` for each item, as many at a time as the pool has places, and returns the results in the order of the
    /// items.
    ///
    /// - Throws: the first error of a task, after the tasks of this call were cancelled; `.cancelled`.
    public func map<Items: Sequence, Output: Sendable>(
        _ items: Items, _ body: @escaping @Sendable (Items.Element) async throws -> Output
    ) async throws -> [Output] where Items.Element: Sendable {
        var tasks: [GreenTask<Output>] = []
        do {
            for item in items { tasks.append(try await spawn { try await body(item) }) }
            var outputs: [Output] = []
            outputs.reserveCapacity(tasks.count)
            for task in tasks { outputs.append(try await task.join()) }
            return outputs
        } catch {
            for task in tasks {
                task.noteFailureSeen()
                task.cancel()
            }
            throw error
        }
    }

    /// Starts a task in a place that was acquired.
    private func start<Success: Sendable>(
        _ name: String, _ body: @escaping @Sendable () async throws -> Success
    ) -> GreenTask<Success> {
        running.add()
        let number = members.withLock { members in
            members.startedCount += 1
            return members.startedCount
        }
        let work: @Sendable () async throws -> Success = { [self] in
            defer { end(number) }
            return try await body()
        }
        let task: GreenTask<Success>
        if let nursery {
            guard nursery.canSpawn else {
                end(number)
                return nursery.spawn(name, body)
            }
            task = nursery.spawn(name, work)
        } else {
            task = reactor.spawn(name, work)
        }
        members.withLock { members in
            if members.endedEarly.remove(number) == nil { members.tasks[number] = task }
        }
        return task
    }

    private func end(_ number: UInt64) {
        members.withLock { members in
            if members.tasks.removeValue(forKey: number) == nil { members.endedEarly.insert(number) }
        }
        places.release()
        running.done()
    }

    // MARK: Ending

    /// Waits until every task has ended. Tasks may be started meanwhile and afterwards.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short.
    public func join(timeout: Duration? = nil) async throws(SluiceError) {
        try await running.wait(timeout: timeout)
    }

    /// Cancels every task that has not ended. May be called from any thread.
    public func cancelAll() {
        let tasks = members.withLock { $0.tasks }
        // In the order in which they were started, so that a program is deterministic.
        for (_, task) in tasks.sorted(by: { $0.key < $1.key }) { task.cancel() }
    }
}
