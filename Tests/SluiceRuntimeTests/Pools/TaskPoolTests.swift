import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__pool.py` and the tests of Go's `errgroup`.
@Suite(.bounded) struct TaskPoolTests {
    @Test("A full pool makes the starter wait, and runs as many tasks as its limit")
    func backpressure() throws {
        let reactor = try Reactor()
        try reactor.run {
            let pool = try TaskPool(limit: 2, name: "p")
            let (started, gate) = (Recorder<Int>(), Semaphore(permits: 0))
            let starter = reactor.spawn("starter") {
                for number in 0..<4 {
                    started.record(number)
                    try await pool.spawn { try await gate.acquire() }
                }
            }
            try await parked(starter)
            #expect(started.values == [0, 1, 2])
            #expect(starter.report == "'starter': start a task of task pool 'p'")
            #expect(pool.runningCount == 2)
            #expect(pool.freeCount == 0)
            #expect(pool.trySpawn {} == nil)
            gate.release(4)
            try await starter.join()
            try await pool.join()
            #expect(pool.runningCount == 0)
            #expect(pool.freeCount == 2)
            #expect(try await pool.trySpawn { 7 }?.join() == 7)
        }
    }

    @Test("A pool maps items in their order, with at most as many tasks as its limit")
    func map() throws {
        try Reactor().run {
            let pool = try TaskPool(limit: 3)
            let most = Recorder<Int>()
            let squares = try await pool.map(1...20) { number in
                most.record(pool.runningCount)
                for _ in 0..<number % 3 { await Task.yield() }
                return number * number
            }
            #expect(squares == (1...20).map { $0 * $0 })
            #expect(most.values.allSatisfy { $0 <= 3 })
        }
    }

    @Test("The first error of a map cancels the other tasks and is thrown")
    func mapFails() throws {
        try Reactor().run {
            let pool = try TaskPool(limit: 3)
            await #expect(throws: TestFailure(name: "2")) {
                _ = try await pool.map(1...3) { number in
                    if number == 2 { throw TestFailure(name: "2") }
                    if number == 1 { return }
                    _ = try await Channel<Int>().receive()
                }
            }
            try await pool.join()
        }
    }

    @Test("A failed task frees its place")
    func aFailedTask() throws {
        try Reactor().run {
            let pool = try TaskPool(limit: 1)
            let failed = try await pool.spawn { throw TestFailure(name: "x") }
            try await pool.spawn {}
            await #expect(throws: TestFailure.self) { try await failed.join() }
            try await pool.join()
            #expect(pool.freeCount == 1)
        }
    }

    @Test("Cancelling a pool ends its tasks, and a cancelled starter starts nothing")
    func cancellation() throws {
        let reactor = try Reactor()
        try reactor.run {
            let pool = try TaskPool(limit: 2)
            let tasks = Recorder<GreenTask<Int?>>()
            for _ in 0..<2 { tasks.record(try await pool.spawn { try await Channel<Int>().receive() }) }
            let starter = reactor.spawn { _ = try await pool.spawn { Issue.record("runs") } }
            try await parked(starter)
            starter.cancel()
            #expect(await failure { try await starter.join() }?.code == .cancelled)
            pool.cancelAll()
            try await pool.join()
            for task in tasks.values { #expect(await failure { _ = try await task.join() }?.code == .cancelled) }
        }
    }

    @Test("A pool in a nursery limits its tasks, and the first error ends them all")
    func inANursery() throws {
        try Reactor().run {
            let started = Recorder<Int>()
            await #expect(throws: TestFailure(name: "3")) {
                try await withNursery { nursery in
                    let pool = try TaskPool(limit: 2, in: nursery)
                    for number in 0... {
                        try await pool.spawn {
                            started.record(number)
                            #expect(pool.runningCount <= 2)
                            await Task.yield()
                            if number == 3 { throw TestFailure(name: "3") }
                        }
                    }
                }
            }
            #expect(started.values.count <= 6)
        }
    }

    @Test("A pool needs a limit and a reactor")
    func misuse() async throws {
        #expect(await failure { _ = try TaskPool(limit: 1) }?.code == .misuse)
        let reactor = try Reactor()
        #expect(await failure { _ = try TaskPool(limit: 0, on: reactor) }?.code == .misuse)
    }
}
