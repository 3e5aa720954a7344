import DequeModule
import Glibc
import Synchronization

/// Runs `work` on a thread of a pool, while the calling task waits and the reactor runs other tasks. For work that
/// blocks or computes for long. After gevent's thread pool.
///
/// ```swift
/// let rows = try await offload { try database.query("select …") }
/// ```
///
/// When the caller is cancelled before a thread has begun, `work` does not run. When it is cancelled afterwards, the
/// caller continues at once, and the result of `work`, which cannot be ended, is dropped.
///
/// - Parameters:
///   - pool: the threads.
///   - timeout: the longest time to wait for the result; nil waits without a limit.
/// - Returns: what `work` returns.
/// - Throws: what `work` throws; `.timedOut` or `.cancelled` when the wait was cut short; `.system` when no thread can
///   be created.
public func offload<Result: Sendable>(
    to pool: BlockingPool = .shared, timeout: Duration? = nil, _ work: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await pool.run(timeout: timeout, work)
}

/// Threads for work that blocks. A pool starts its threads when they are needed, never more than its limit; further work
/// waits for one. Threads that have nothing to do for some seconds end.
public final class BlockingPool: Sendable {
    /// The pool of `offload`, with 16 threads.
    public static let shared = BlockingPool(limit: 16, name: "offload")

    /// The name of the threads.
    public let name: String
    /// The most threads.
    public let limit: Int
    private let threads: PoolThreads

    /// Creates a pool without a thread.
    ///
    /// - Parameters:
    ///   - limit: the most threads, at least 1.
    ///   - name: the name of the threads.
    public init(limit: Int, name: String = "offload") {
        precondition(limit >= 1, "the limit of a pool must be at least 1, and is \(limit)")
        self.limit = limit
        self.name = name
        threads = PoolThreads(limit: limit, name: name)
    }

    /// The number of threads that exist now.
    public var threadCount: Int { threads.count }

    fileprivate func run<Result: Sendable>(
        timeout: Duration?, _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        let call = OffloadedCall(work, on: threads)
        let verdict: OffloadVerdict<Result> = await suspendTask(
            on: call, .offload, timeout: timeout, register: call.begin)
        switch verdict {
        case .ended(let result): return try result.get()
        case .withdrawn(let reason): throw reason.error
        }
    }
}

/// How a wait for offloaded work ended.
private enum OffloadVerdict<Success: Sendable>: WaitVerdict {
    case ended(Result<Success, any Error>)
    case withdrawn(WithdrawalReason)
}

/// One call of `offload`.
private final class OffloadedCall<Success: Sendable>: WaitSource, @unchecked Sendable {
    // Sendable: `waiter` is a lock, and everything else is constant.

    private let work: @Sendable () throws -> Success
    private let threads: PoolThreads
    /// The reactor of the caller, on whose thread it is resumed, so that the detection of deadlocks goes on.
    private let reactor = Reactor.current
    /// The caller, while it waits.
    private let waiter = Lock<UnsafeContinuation<OffloadVerdict<Success>, Never>?>(nil)

    init(_ work: @escaping @Sendable () throws -> Success, on threads: PoolThreads) {
        self.work = work
        self.threads = threads
    }

    func begin(_ continuation: UnsafeContinuation<OffloadVerdict<Success>, Never>) -> WaitTicket? {
        waiter.withLock { $0 = continuation }
        do throws(SluiceError) {
            try threads.enqueue { [self] in
                guard waiter.withLock({ $0 != nil }) else { return }
                let result = Result { try work() }
                guard let reactor else { return resume(.ended(result)) }
                reactor.post { [self] in resume(.ended(result)) }
            }
            return .ofNoQueue
        } catch {
            resume(.ended(.failure(error)))
            return nil
        }
    }

    private func resume(_ verdict: OffloadVerdict<Success>) {
        waiter.withLock { $0.take() }?.resume(returning: verdict)
    }

    override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        resume(.withdrawn(reason))
    }

    override var waitDescription: String { "work on a thread of pool '\(threads.name)'" }
}

/// The threads of a pool, and the work that waits for them.
private final class PoolThreads: @unchecked Sendable {
    // Sendable: everything that changes is guarded by `mutex`.

    let name: String
    private let limit: Int
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let workCame: UnsafeMutablePointer<pthread_cond_t>
    private var queue: Deque<@Sendable () -> Void> = []
    private var threadCount = 0
    private var idleCount = 0

    /// How long a thread waits for work before it ends.
    private static let idleSeconds = 5

    init(limit: Int, name: String) {
        self.limit = limit
        self.name = name
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        workCame = .allocate(capacity: 1)
        pthread_cond_init(workCame, nil)
    }

    deinit {
        // Each thread retains this object, so that none is left.
        pthread_cond_destroy(workCame)
        workCame.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    var count: Int { locked { threadCount } }

    /// - Throws: `.system` when there is no thread, and none can be created.
    func enqueue(_ work: @escaping @Sendable () -> Void) throws(SluiceError) {
        let needsThread = locked {
            queue.append(work)
            if idleCount >= queue.count {
                pthread_cond_signal(workCame)
                return false
            }
            guard threadCount < limit else { return false }
            threadCount += 1
            return true
        }
        guard needsThread else { return }
        do throws(SluiceError) {
            try ReactorThread.launchDetached(name) { [self] in runThread() }
        } catch {
            let hasOthers = locked {
                threadCount -= 1
                if threadCount == 0 { _ = queue.popLast() }
                return threadCount > 0
            }
            if !hasOthers { throw error }
        }
    }

    private func runThread() {
        while let work = next() { work() }
    }

    /// The next work for the calling thread; nil when it has waited long enough and must end.
    private func next() -> (@Sendable () -> Void)? {
        locked {
            var deadline = timespec()
            clock_gettime(CLOCK_REALTIME, &deadline)
            deadline.tv_sec += Self.idleSeconds
            while queue.isEmpty {
                idleCount += 1
                let status = pthread_cond_timedwait(workCame, mutex, &deadline)
                idleCount -= 1
                if status == ETIMEDOUT, queue.isEmpty {
                    threadCount -= 1
                    return nil
                }
            }
            return queue.popFirst()
        }
    }
}
