import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct TaskFailureTests {
    /// Runs `body` and returns the failures that were reported until its reactor was gone.
    private func failures(_ body: @escaping @Sendable (Reactor) async throws -> Void) throws -> [String] {
        let failures = Recorder<String>()
        do {
            let reactor = try Reactor(name: "reactor")
            reactor.handleFailures { failures.record($0.description) }
            try reactor.run { try await body(reactor) }
        }
        return failures.values
    }

    @Test("The error of a task that nobody joins is reported once, with the task's name")
    func nobodyJoins() throws {
        let failures = try failures { reactor in
            reactor.spawn("worker") { throw TestFailure(name: "disk") }
            reactor.spawn { throw TestFailure(name: "net") }
            await Task.yield()
        }
        #expect(
            failures == [
                "task 'worker' of reactor has failed, and nobody has joined it: TestFailure(name: \"disk\")",
                "an unnamed task of reactor has failed, and nobody has joined it: TestFailure(name: \"net\")",
            ])
    }

    @Test("An error is not reported while a task can still be joined")
    func aLateJoin() throws {
        let failures = try failures { reactor in
            let late = reactor.spawn("late") { throw TestFailure(name: "late") }
            for _ in 0..<3 { await Task.yield() }
            await #expect(throws: TestFailure.self) { try await late.join() }
            let seen = reactor.spawn("seen") { throw TestFailure(name: "seen") }
            try await until("it has ended") { seen.hasEnded }
            #expect(throws: TestFailure.self) { try seen.outcome?.get() }
        }
        #expect(failures == [])
    }

    @Test("A join whose time runs out has not learned of the error")
    func aJoinThatTimesOut() throws {
        let failures = try failures { reactor in
            let channel = Channel<Int>()
            do {
                let task = reactor.spawn("slow") {
                    _ = try await channel.receive()
                    throw TestFailure(name: "slow")
                }
                #expect(await failure { try await task.join(timeout: .milliseconds(1)) }?.code == .timedOut)
            }
            try await channel.send(1)
            await Task.yield()
        }
        #expect(failures.count == 1)
    }

    @Test("Cancelled tasks, and the tasks of a nursery, are not reported")
    func exceptions() throws {
        let failures = try failures { reactor in
            let waiting = reactor.spawn { _ = try await Channel<Int>().receive() }
            let sleeping = reactor.spawn { try await waitElsewhere() }
            await Task.yield()
            waiting.cancel()
            sleeping.cancel()
            await #expect(throws: TestFailure.self) {
                try await withNursery { nursery in nursery.spawn("child") { throw TestFailure(name: "child") } }
            }
        }
        #expect(failures == [])
    }
}
