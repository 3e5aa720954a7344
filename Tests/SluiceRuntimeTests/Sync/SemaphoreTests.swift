import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__semaphore.py`.
@Suite(.bounded) struct SemaphoreTests {
    @Test("As many tasks run at a time as there are permits")
    func permits() throws {
        let reactor = try Reactor()
        let most = try reactor.run {
            let semaphore = Semaphore(permits: 2)
            let running = Recorder<Int>()
            let most = Recorder<Int>()
            try await withNursery { nursery in
                for number in 0..<6 {
                    nursery.spawn {
                        try await semaphore.withPermit {
                            running.record(number)
                            most.record(2 - semaphore.availablePermits)
                            await Task.yield()
                        }
                    }
                }
            }
            #expect(running.values == Array(0..<6))
            #expect(semaphore.availablePermits == 2)
            return most.values.max()
        }
        #expect(most == 2)
    }

    @Test("Tasks get their permits in the order in which they came, and none overtakes")
    func fairness() throws {
        let reactor = try Reactor()
        try reactor.run {
            let semaphore = Semaphore(permits: 0)
            let served = Recorder<Int>()
            let tasks = (0..<4).map { number in
                reactor.spawn {
                    try await semaphore.acquire()
                    served.record(number)
                }
            }
            try await parked(tasks)
            semaphore.release()
            #expect(!semaphore.tryAcquire(), "the permit belongs to the first task")
            semaphore.release(3)
            for task in tasks { try await task.join() }
            #expect(served.values == [0, 1, 2, 3])
            #expect(semaphore.availablePermits == 0)
        }
    }

    @Test("A wait that is cut short takes no permit")
    func cutShort() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let semaphore = Semaphore(permits: 0)
            let late = reactor.spawn { try await semaphore.acquire(timeout: .seconds(1)) }
            let cancelled = reactor.spawn { try await semaphore.acquire() }
            try await parked([late, cancelled])
            clock.advance(by: .seconds(1))
            cancelled.cancel()
            #expect(await failure { try await late.join() }?.code == .timedOut)
            #expect(await failure { try await cancelled.join() }?.code == .cancelled)
            semaphore.release()
            #expect(semaphore.availablePermits == 1)
            #expect(semaphore.waitingCount == 0)
            #expect(
                await failure { try await semaphore.withPermit { throw SluiceError(.closed, "own") } }?.code == .closed)
            #expect(semaphore.tryAcquire(), "an error releases the permit")
        }
    }

    @Test("A select acquires a permit only with the arm that it takes")
    func select() throws {
        try Reactor().run {
            let (first, second) = (Semaphore(permits: 0), Semaphore(permits: 1))
            let taken = try await SluiceRuntime.select {
                first.acquiring { 1 }
                second.acquiring { 2 }
                otherwise { 3 }
            }
            #expect(taken == 2)
            #expect(second.availablePermits == 0)
            let none = try await SluiceRuntime.select {
                first.acquiring { 1 }
                second.acquiring { 2 }
                otherwise { 3 }
            }
            #expect(none == 3)
        }
    }

    @Test("Tasks of several reactors and threads share a semaphore")
    func threads() async throws {
        let semaphore = Semaphore(permits: 1)
        let log = Recorder<Int>()
        try await withStartedReactor { first in
            try await withStartedReactor { second in
                let work: @Sendable () async throws -> Void = {
                    for _ in 0..<200 { try await semaphore.withPermit { log.record(log.values.count) } }
                }
                let tasks = [first.spawn(body: work), second.spawn(body: work)]
                try await work()
                for task in tasks { try await task.join() }
            }
        }
        #expect(log.values == Array(0..<600), "nobody came between the reading and the recording")
    }

    @Test("A deadlock report names semaphores, mutexes, events, groups, barriers, conditions and queues")
    func deadlock() throws {
        let reactor = try Reactor()
        let deadlock = #expect(throws: Deadlock.self) {
            try reactor.run {
                reactor.spawn("a") { try await Semaphore(permits: 0, name: "s").acquire() }
                reactor.spawn("b") {
                    let mutex = TaskMutex(name: "m")
                    try await mutex.lock()
                    try await mutex.lock()
                }
                reactor.spawn("c") { try await Event(name: "e").wait() }
                reactor.spawn("d") {
                    let group = WaitGroup(name: "g")
                    group.add()
                    try await group.wait()
                }
                reactor.spawn("e") { try await Barrier(parties: 2, name: "b").arriveAndWait() }
                reactor.spawn("f") {
                    let mutex = TaskMutex()
                    try await mutex.withLock { try await Condition(mutex, name: "c").wait() }
                }
                reactor.spawn("g") {
                    let lock = ReadWriteLock(name: "r")
                    try await lock.lockForReading()
                    try await lock.lockForWriting()
                }
                try await Event().wait()
            }
        }
        #expect(
            deadlock?.tasks == [
                "'main': wait for an unnamed event",
                "'a': acquire a permit of semaphore 's'",
                "'b': lock mutex 'm'",
                "'c': wait for event 'e'",
                "'d': wait for wait group 'g'",
                "'e': wait at barrier 'b'",
                "'f': wait for condition 'c'",
                "'g': lock read-write lock 'r' for writing",
            ])
    }
}

extension Reactor {
    fileprivate func spawn(body: @escaping @Sendable () async throws -> Void) -> GreenTask<Void> { spawn("", body) }
}
