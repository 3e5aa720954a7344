import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__threadpool.py`.
@Suite(.bounded) struct OffloadTests {
    /// A place where a thread waits until a test opens it.
    private final class Latch: @unchecked Sendable {
        // Sendable: semaphores may be used from any thread.
        private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init() { sem_init(semaphore, 0, 0) }

        deinit {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }

        func open() { sem_post(semaphore) }
        func wait() { while sem_wait(semaphore) != 0 {} }
    }

    @Test("Offloaded work runs on another thread, and the reactor runs other tasks meanwhile")
    func otherTasksRun() throws {
        let reactor = try Reactor()
        try reactor.run {
            let latch = Latch()
            let call = reactor.spawn("call") {
                try await offload {
                    latch.wait()
                    return Reactor.current == nil
                }
            }
            try await parked(call)
            #expect(call.report == "'call': wait for work on a thread of pool 'offload'")
            reactor.spawn { latch.open() }
            #expect(try await call.join())
        }
    }

    @Test("The error of offloaded work is thrown")
    func errors() throws {
        try Reactor().run {
            await #expect(throws: TestFailure(name: "disk")) { try await offload { throw TestFailure(name: "disk") } }
        }
    }

    @Test("A pool has no more threads than its limit, and work waits for one")
    func limit() throws {
        let reactor = try Reactor()
        try reactor.run {
            let pool = BlockingPool(limit: 2)
            let (latch, running) = (Latch(), Recorder<Int>())
            let calls = (0..<5).map { number in
                reactor.spawn {
                    try await offload(to: pool) {
                        running.record(number)
                        latch.wait()
                        return number
                    }
                }
            }
            try await until("two run") { running.values.count == 2 }
            #expect(pool.threadCount == 2)
            for _ in calls { latch.open() }
            for (number, call) in calls.enumerated() { #expect(try await call.join() == number) }
            #expect(pool.threadCount == 2)
        }
    }

    @Test("A cancelled call continues at once, and its work does not begin if it has not")
    func cancellation() throws {
        let reactor = try Reactor()
        try reactor.run {
            let pool = BlockingPool(limit: 1)
            let (latch, ran) = (Latch(), Recorder<String>())
            let running = reactor.spawn {
                try await offload(to: pool) {
                    ran.record("running")
                    latch.wait()
                }
            }
            try await until("it runs") { !ran.values.isEmpty }
            let queued = reactor.spawn { try await offload(to: pool) { ran.record("queued") } }
            try await parked(queued)
            queued.cancel()
            running.cancel()
            #expect(await failure { try await queued.join() }?.code == .cancelled)
            #expect(await failure { try await running.join() }?.code == .cancelled)
            latch.open()
            try await offload(to: pool) { ran.record("last") }
            #expect(ran.values == ["running", "last"])
        }
    }

    @Test("A call whose time runs out is not waited for")
    func timeout() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let latch = Latch()
            let call = reactor.spawn { try await offload(timeout: .seconds(1)) { latch.wait() } }
            try await parked(call)
            clock.advance(by: .seconds(1))
            #expect(await failure { try await call.join() }?.code == .timedOut)
            latch.open()
        }
    }

    @Test("A reactor that offloads work looks for deadlocks afterwards")
    func deadlock() throws {
        let reactor = try Reactor()
        #expect(throws: Deadlock.self) {
            try reactor.run {
                try await offload {}
                _ = try await Channel<Int>().receive()
            }
        }
    }

    @Test("Work can be offloaded from child tasks and off the reactors")
    func foreignTasks() async throws {
        #expect(try await offload { 7 } == 7)
        try Reactor().run {
            async let number = offload { 7 }
            let result = try await number
            #expect(result == 7)
        }
    }

    @Test("Names are looked up without blocking the reactor")
    func names() throws {
        try Reactor().run {
            #expect(try await SocketAddress.lookUp("[::1]:80") == [.ipv6(1, port: 80)])
            let addresses = try await SocketAddress.lookUp("localhost:7333")
            #expect(addresses.allSatisfy { $0.isLocal && $0.port == 7333 })
            #expect(!addresses.isEmpty)
            #expect(await failure { _ = try await SocketAddress.lookUp("no port") }?.code == .address)
        }
    }
}
