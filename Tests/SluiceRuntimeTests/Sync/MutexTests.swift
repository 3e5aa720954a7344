import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__lock.py` and Go's `rwmutex_test.go`.
@Suite(.bounded) struct MutexTests {
    @Test("One task at a time holds a mutex, in the order in which they came")
    func mutualExclusion() throws {
        let reactor = try Reactor()
        try reactor.run {
            let mutex = TaskMutex()
            let steps = Recorder<String>()
            try await withNursery { nursery in
                for number in 0..<3 {
                    nursery.spawn {
                        try await mutex.withLock {
                            steps.record("in \(number)")
                            try await sleep(for: .zero)
                            steps.record("out \(number)")
                        }
                    }
                }
            }
            #expect(steps.values == ["in 0", "out 0", "in 1", "out 1", "in 2", "out 2"])
            #expect(!mutex.isLocked)
        }
    }

    @Test("An unlocked mutex goes to the task that waits, and not to one that tries")
    func handOver() throws {
        let reactor = try Reactor()
        try reactor.run {
            let mutex = TaskMutex()
            #expect(mutex.tryLock())
            let waiter = reactor.spawn { try await mutex.lock() }
            try await parked(waiter)
            mutex.unlock()
            #expect(!mutex.tryLock())
            try await waiter.join()
            #expect(mutex.isLocked)
        }
    }

    @Test("A cancelled or late task does not get the mutex")
    func cutShort() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let mutex = TaskMutex()
            try await mutex.lock()
            let late = reactor.spawn { try await mutex.withLock(timeout: .seconds(1)) { Issue.record("runs") } }
            let cancelled = reactor.spawn { try await mutex.withLock { Issue.record("runs") } }
            try await parked([late, cancelled])
            cancelled.cancel()
            clock.advance(by: .seconds(1))
            #expect(await failure { try await late.join() }?.code == .timedOut)
            #expect(await failure { try await cancelled.join() }?.code == .cancelled)
            mutex.unlock()
            #expect(!mutex.isLocked)
        }
    }

    @Test("Readers share a read-write lock, and a writer has it alone")
    func readersAndWriters() throws {
        let reactor = try Reactor()
        try reactor.run {
            let lock = ReadWriteLock()
            let steps = Recorder<String>()
            let release = Event()
            let readers = (0..<3).map { number in
                reactor.spawn {
                    try await lock.withReadLock {
                        steps.record("reader")
                        try await release.wait()
                    }
                }
            }
            try await until("all read") { lock.readerCount == 3 }
            let writer = reactor.spawn {
                try await lock.withWriteLock {
                    steps.record("writer")
                    #expect(lock.readerCount == 0)
                    await Task.yield()
                }
            }
            try await parked(writer)
            let late = reactor.spawn { try await lock.withReadLock { steps.record("late reader") } }
            try await parked(late)
            #expect(!lock.tryLockForReading(), "a reader does not overtake a writer that waits")
            release.set()
            for task in readers + [writer, late] { try await task.join() }
            #expect(steps.values == ["reader", "reader", "reader", "writer", "late reader"])
            #expect(lock.waitingCount == 0)
        }
    }

    @Test("Readers behind a writer that gives up do not wait any longer")
    func aWriterGivesUp() throws {
        let reactor = try Reactor()
        try reactor.run {
            let lock = ReadWriteLock()
            try await lock.lockForReading()
            let writer = reactor.spawn { try await lock.lockForWriting() }
            try await parked(writer)
            let reader = reactor.spawn { try await lock.lockForReading() }
            try await parked(reader)
            writer.cancel()
            try await reader.join()
            #expect(await failure { try await writer.join() }?.code == .cancelled)
            #expect(lock.readerCount == 2)
            lock.unlock()
            lock.unlock()
            #expect(lock.tryLockForWriting())
            #expect(lock.isLockedForWriting)
        }
    }

    @Test("Counters under a read-write lock are right across threads")
    func threads() async throws {
        let lock = ReadWriteLock()
        let log = Recorder<Int>()
        try await withStartedReactor { first in
            try await withStartedReactor { second in
                let work: @Sendable () async throws -> Void = {
                    for _ in 0..<100 {
                        try await lock.withReadLock { _ = log.values.count }
                        try await lock.withWriteLock { log.record(log.values.count) }
                    }
                }
                let tasks = [first.spawn("", work), second.spawn("", work)]
                try await work()
                for task in tasks { try await task.join() }
            }
        }
        #expect(log.values == Array(0..<300))
    }
}
