import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct TaskDumpTests {
    @Test("The report of a task says what it waits for and how long it has waited")
    func reports() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let jobs = Channel<Int>(name: "jobs")
            reactor.spawn("early") { _ = try await jobs.receive() }
            reactor.spawn("elsewhere") { try? await waitElsewhere() }
            await Task.yield()
            clock.advance(by: .seconds(7))
            try await turn(of: reactor)
            reactor.spawn("late") { try await sleep(for: .seconds(3600)) }
            await Task.yield()
            clock.advance(by: .seconds(3))
            try await turn(of: reactor)
            #expect(
                try await reactor.taskReports().map(\.description) == [
                    "'main': runs, or awaits something else",
                    "'early': receive from channel 'jobs', for 10 s",
                    "'elsewhere': runs, or awaits something else",
                    "'late': sleep on the clock, for 3 s",
                ])
        }
    }

    @Test("The dump names what every kind of wait is for")
    func everyWait() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (semaphore, mutex) = (Semaphore(permits: 0, name: "s"), TaskMutex(name: "m"))
            let lock = ReadWriteLock(name: "rw")
            try await mutex.lock()
            try await lock.lockForWriting()
            let (event, bucket, group) = (Event(name: "e"), Bucket(name: "bu"), WaitGroup(name: "wg"))
            group.add()
            let barrier = Barrier(parties: 3, name: "ba")
            let condition = Condition(TaskMutex(), name: "co")
            let queue = WorkQueue<Int>(name: "q")
            let full = WorkQueue<Int>(capacity: 1, name: "f")
            try await full.put(1)
            let pool = try TaskPool(limit: 1, name: "p")
            let place = try await pool.spawn("place") { try await event.wait() }
            let channel = Channel<Int>(name: "ch")
            let bodies: [@Sendable () async throws -> Void] = [
                { try await semaphore.acquire() }, { try await mutex.lock() }, { try await lock.lockForReading() },
                { try await event.wait() }, { try await bucket.wait() }, { try await group.wait() },
                { try await barrier.arriveAndWait() },
                { try await condition.mutex.withLock { try await condition.wait() } },
                { _ = try await queue.take() }, { try await full.put(2) }, { try await pool.spawn {} },
                { try await place.join() }, { _ = try await channel.receiveExtended { $0 } },
                {
                    try await select {
                        barrier.arriving {}
                        bucket.waiting {}
                    }
                },
            ]
            let tasks = bodies.map { reactor.spawn("t", $0) }
            try await parked(tasks)
            let waits = try await reactor.taskReports().filter { $0.name == "t" }.map { $0.wait ?? "" }
            #expect(
                waits == [
                    "acquire a permit of semaphore 's'", "lock mutex 'm'", "lock read-write lock 'rw' for reading",
                    "wait for event 'e'", "wait in bucket 'bu'", "wait for wait group 'wg'", "wait at barrier 'ba'",
                    "wait for condition 'co'", "take from queue 'q'", "put into full queue 'f'",
                    "start a task of task pool 'p'", "join task 'place'", "receive from channel 'ch'",
                    "select among wait at barrier 'ba', wait in bucket 'bu'",
                ])
            for task in tasks + [place] { task.cancel() }
        }
    }

    @Test("A dump over a socket has the tasks of another thread's reactor, with the functions that wait")
    func overASocket() async throws {
        let path = temporarySocketPath("dump")
        try await withStartedReactor("workers") { reactor in
            let jobs = Channel<Int>(name: "jobs")
            reactor.spawn("worker") { try await waitForJob(on: jobs) }
            try await untilParked(1, on: jobs)
            let dump = try TaskDump(of: [reactor])
            try await dump.serve(at: path)
            let text = try await onReactor {
                let stream = try await Stream.connect(to: .unix(path: path))
                return String(decoding: try await stream.readAll(), as: UTF8.self)
            }
            let lines = text.split(separator: "\n")
            #expect(lines.first == "workers: 1 task")
            #expect(lines.dropFirst().first?.hasPrefix("  'worker': receive from channel 'jobs', for ") == true)
            #expect(lines.contains { $0.contains("waitForJob") && $0.contains("+0x") }, "\(text)")
            dump.stop()
        }
    }

    @Test("A dump says which task blocks a loop, and that a loop does not run")
    func blocked() async throws {
        let idle = try Reactor(name: "idle")
        try await withStartedReactor("busy") { reactor in
            let gate = Lock(true)
            let begun = Event()
            reactor.spawn("hog") {
                begun.set()
                while gate.withLock({ $0 }) {}
            }
            try await begun.wait()
            let dump = try TaskDump(of: [reactor, idle])
            let text = await dump.text()
            gate.withLock { $0 = false }
            #expect(text == "busy: the loop is blocked by task 'hog'\nidle: no thread runs the loop\n")
        }
    }

    @Test("Epochs go on when their numbers are used up")
    func epochs() {
        var epochs = WaitEpochs()
        var fullness: [Bool] = []
        for second in 1...UInt64(UInt16.max) { fullness.append(epochs.note(second * 1_000_000_000)) }
        #expect(!fullness.contains(true))
        let (last, early) = (epochs.current, epochs.beginning(of: 1000))
        #expect(last == .max)
        let isFull = epochs.note(100_000_000_000_000)
        #expect(isFull)
        let (current, same, newest) = (epochs.current, epochs.beginning(of: 500), epochs.beginning(of: 32768))
        #expect(current == 32768)
        #expect(same == early)
        #expect(newest == 100_000_000_000_000)
    }

    private func onReactor<Success: Sendable>(
        _ body: @escaping @Sendable () async throws -> Success
    ) async throws -> Success {
        try await withStartedReactor("client") { try await $0.spawn("client", body).value }
    }
}

@inline(never)
private func waitForJob(on jobs: Channel<Int>) async throws {
    _ = try await jobs.receive()
    blackHole(jobs)
}

@inline(never)
private func blackHole(_ object: AnyObject) {}
