import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct GreenTaskTests {
    private struct Refusal: Error {}

    @Test("join returns the task's result or throws its error")
    func joiningGivesTheResultOrTheError() throws {
        let reactor = try Reactor()
        try reactor.run {
            let task = reactor.spawn("works") { 7 }
            #expect(task.name == "works")
            #expect(task.outcome == nil, "it has not run yet")
            let results = try await [task.join(), task.value, task.join()]
            #expect(results == [7, 7, 7])
            #expect(try task.outcome?.get() == 7)
            let failing = reactor.spawn { throw Refusal() }
            #expect(failing.name.isEmpty)
            await #expect(throws: Refusal.self) { try await failing.join() }
            await #expect(throws: Refusal.self) { try await failing.value }
        }
    }

    @Test("A join that times out does not disturb the task")
    func aJoinThatTimesOutLeavesTheTaskAlone() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let channel = Channel<Int>()
        try reactor.run {
            let task = reactor.spawn { try await channel.receive() }
            let joiner = reactor.spawn { try await task.join(timeout: .seconds(1)) }
            try await parked([task, joiner])
            clock.advance(by: .seconds(1))
            #expect(await failure { _ = try await joiner.join() }?.code == .timedOut)
            #expect(task.outcome == nil)
            try await channel.send(7)
            #expect(try await task.join(timeout: .seconds(1)) == 7)
        }
    }

    @Test("A task's end resumes every joiner that has not given up")
    func aTasksEndResumesEveryJoinerThatStillWaits() throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        try reactor.run {
            let task = reactor.spawn { try await channel.receive() }
            let joiners = (0..<5).map { _ in reactor.spawn { try await task.join() } }
            try await parked(joiners)
            for joiner in [joiners[0], joiners[2], joiners[4]] { joiner.cancel() }
            try await channel.send(7)
            for (index, joiner) in joiners.enumerated() {
                if index.isMultiple(of: 2) {
                    #expect(await failure { _ = try await joiner.join() }?.code == .cancelled)
                } else {
                    #expect(try await joiner.join() == 7)
                }
            }
        }
    }

    /// The task and the wait end at once, in either order.
    @Test("A joiner that gives up as the task ends is resumed once", arguments: [false, true])
    func aJoinerThatGivesUpAsTheTaskEndsIsResumedOnce(endsFirst: Bool) throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        try reactor.run {
            let task = reactor.spawn { try await channel.receive() }
            let joiner = reactor.spawn { try await task.join() }
            try await parked([task, joiner])
            if endsFirst {
                #expect(try channel.trySend(7))
                // The task ends before the joiner is cancelled, and the joiner runs after both.
                try await until("the task ends") { task.outcome != nil }
                joiner.cancel()
            } else {
                joiner.cancel()
                #expect(try channel.trySend(7))
            }
            let error = await failure { _ = try await joiner.join() }
            #expect(error?.code == (endsFirst ? nil : .cancelled))
            let result = try await task.join()
            #expect(result == 7)
        }
    }

    @Test("Tasks can be started and joined from other threads")
    func tasksAreStartedAndJoinedFromOtherThreads() async throws {
        let sum = try await withStartedReactor("first") { first in
            try await withStartedReactor("second") { second in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 1...100 {
                        group.addTask {
                            let inner = first.spawn { number }
                            let outer = second.spawn { try await inner.join() }
                            return try await outer.join()
                        }
                    }
                    return try await group.reduce(0, +)
                }
            }
        }
        #expect(sum == 5050)
    }

    @Test("Joiners on other threads can time out and be cancelled")
    func joinersOfOtherThreadsMayGiveUpToo() async throws {
        try await withStartedReactor { reactor in
            let channel = Channel<Int>()
            let task = reactor.spawn { try await channel.receive() }
            let late = await failure { _ = try await task.join(timeout: .microseconds(1)) }
            let joiner = Task { try await task.join() }
            joiner.cancel()
            let cancelled = await failure { _ = try await joiner.value }
            #expect(late?.code == .timedOut)
            #expect(cancelled?.code == .cancelled)
            try await channel.send(7)
            #expect(try await task.join() == 7)
        }
    }

    @Test("Tasks run in the order in which they were spawned", arguments: TaskStart.allCases)
    func tasksRunInTheOrderOfTheirStart(start: TaskStart) async throws {
        let reactor = try Reactor()
        let order = Recorder<Int>()
        try await start.perform {
            try reactor.run {
                let tasks = (0..<1000).map { number in reactor.spawn { order.record(number) } }
                for task in tasks { try await task.join() }
            }
        }
        #expect(order.values == Array(0..<1000))
    }

    @Test("A task is not cancelled because an earlier one was", arguments: TaskStart.allCases)
    func cancellationEndsWithItsTask(start: TaskStart) async throws {
        let reactor = try Reactor()
        let areCancelled = try await start.perform {
            try reactor.run {
                var areCancelled: [Bool] = []
                for _ in 0..<3 {
                    let cancelled = reactor.spawn { _ = try? await Channel<Int>().receive() }
                    try await parked(cancelled)
                    cancelled.cancel()
                    try await cancelled.join()
                    areCancelled.append(try await reactor.spawn { Task.isCancelled }.join())
                }
                return areCancelled
            }
        }
        #expect(areCancelled == [false, false, false])
    }

    @Test("The reactor forgets a task that has ended")
    func anEndedTaskIsForgotten() throws {
        let reactor = try Reactor()
        try reactor.run {
            weak var record: TaskRecord?
            do {
                let task = reactor.spawn { await Task.yield() }
                record = task
                try await task.join()
            }
            try await until("the record is released") { record == nil }
            #expect(reactor.tasks.count == 1)
        }
        #expect(reactor.tasks.count == 0)
    }

    @Test("A task that nothing refers to lives until its end")
    func aTaskIsKeptAliveUntilItsEndThoughNobodyHoldsIt() throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        try reactor.run {
            reactor.spawn { try await channel.send(1) }
            try await untilParked(1, on: channel)
            let received = try await channel.receive()
            #expect(received == 1)
        }
    }

    /// Monitors and dumps name the task by it. It holds after a wait for something outside the reactor too.
    @Test("A task's code knows the task's name")
    func theCodeOfATaskKnowsItsName() async throws {
        let names = Recorder<String?>()
        @Sendable func note() { names.record(TaskRecord.currentName) }
        try await withStartedReactor { reactor in
            let outer = reactor.spawn("outer") {
                note()
                let inner = reactor.spawn("inner") {
                    note()
                    await Task.yield()
                    note()
                    await Task.detached {}.value
                    note()
                    await MainActor.run {}
                    note()
                    try await sleep(for: .zero)
                    note()
                }
                try await inner.join()
                note()
            }
            try await outer.join()
        }
        #expect(names.values == ["outer", "inner", "inner", "inner", "inner", "inner", "outer"])
    }

    @Test("Swift tasks that a green task starts do not have its name")
    func otherTasksOnTheReactorAreNotTakenForTheirStarter() async throws {
        let names = Recorder<String?>()
        @Sendable func note() { names.record(TaskRecord.currentName) }
        try await withStartedReactor { reactor in
            let task = reactor.spawn("green") {
                await withTaskGroup { group in group.addTask { note() } }
                await Task(executorPreference: reactor) { note() }.value
                await Task.detached { note() }.value
            }
            try await task.join()
        }
        note()
        #expect(names.values == [nil, nil, nil, nil])
    }
}
