import TestSupport
import Testing

@testable import SluiceRuntime

/// A turn of the loop runs a bounded number of jobs, so that busy tasks starve neither the kernel nor the clock.
@Suite(.bounded) struct ReactorTurnTests {
    /// Two tasks that are always ready, with a count of their runs.
    private final class BusyPair: Sendable {
        let runs = Recorder<Void>()
        let tasks: [TaskRecord]

        init(on reactor: Reactor) {
            tasks = (0..<2).map { [runs] _ in
                reactor.spawn("busy") {
                    while !Task.isCancelled {
                        runs.record(())
                        await Task.yield()
                    }
                }
            }
        }

        var count: Int { runs.values.count }
    }

    /// The number of jobs that the pair runs until `event` returns.
    private func jobs(until event: @escaping @Sendable (Reactor, ManualReactorClock) async throws -> Void) throws -> Int
    {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        return try reactor.run {
            let pair = BusyPair(on: reactor)
            try await until("the busy tasks run") { pair.count >= 3 }
            let before = pair.count
            try await event(reactor, clock)
            return pair.count - before
        }
    }

    @Test("Bytes arrive while tasks are busy")
    func bytesArriveWhileTasksAreBusy() throws {
        let jobs = try jobs { reactor, _ in try await turn(of: reactor) }
        #expect(jobs <= 2 * Reactor.jobsPerTurn)
    }

    @Test("Timers fire while tasks are busy")
    func timersFireWhileTasksAreBusy() throws {
        let jobs = try jobs { reactor, clock in
            let sleeper = reactor.spawn { try await sleep(for: .seconds(1)) }
            try await parked(sleeper)
            clock.advance(by: .seconds(1))
            try await sleeper.join()
        }
        #expect(jobs <= 2 * Reactor.jobsPerTurn)
    }

    @Test("Work posted by other threads runs while tasks are busy")
    func workOfOtherThreadsIsDoneWhileTasksAreBusy() throws {
        let jobs = try jobs { reactor, _ in
            let channel = Channel<Int>()
            onOwnThread { reactor.post { _ = try? channel.trySend(1) } }
            _ = try await channel.receive()
        }
        #expect(jobs > 0)
    }

    @Test("A listener hears of a turn's end once, after the turn's jobs")
    func aListenerHearsOfATurnsEndOnce() throws {
        final class Listener: EndOfTurn, Sendable {
            let ends = Recorder<Int>()
            let jobs = Recorder<Int>()
            func turnEnds() { ends.record(jobs.values.count) }
        }
        let reactor = try Reactor()
        let listener = Listener()
        try reactor.run {
            let tasks = (0..<3).map { number in
                reactor.spawn {
                    if number == 0 { reactor.atEndOfTurn(listener) }
                    listener.jobs.record(number)
                }
            }
            for task in tasks { try await task.join() }
            try await turn(of: reactor)
            try await turn(of: reactor)
        }
        #expect(listener.ends.values == [3], "once, after the jobs of the turn")
    }
}
