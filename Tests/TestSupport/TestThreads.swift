import Foundation

/// An executor of a few threads that nobody else uses.
final class TestThreads: TaskExecutor, @unchecked Sendable {
    // Sendable: `condition` guards `jobs` and `isClosed`.

    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    private var isClosed = false

    /// Starts `count` threads, which live until `close`.
    init(count: Int) {
        for _ in 0..<count { Thread.detachNewThread { [self] in work() } }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock {
            jobs.append(job)
            condition.signal()
        }
    }

    /// Ends the threads once they have run what is there to run.
    func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }

    private func work() {
        while let job = nextJob() { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    private func nextJob() -> UnownedJob? {
        condition.withLock {
            while jobs.isEmpty, !isClosed { condition.wait() }
            return jobs.isEmpty ? nil : jobs.removeFirst()
        }
    }
}

/// Threads for the unstructured tasks of tests, which do not inherit the threads of their test: see `Bounded`. In Swift's
/// pool, which has one thread for each core, they waited for more than ten seconds once while other tests ran.
public let taskThreads: any TaskExecutor = TestThreads(count: 4)
