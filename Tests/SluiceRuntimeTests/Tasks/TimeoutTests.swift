import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct TimeoutTests {
    @Test("A body that ends in time returns its result")
    func aBodyInTimeReturnsItsResult() throws {
        let clock = ManualReactorClock()
        try Reactor(clock: clock).run {
            let result = try await withTimeout(.seconds(1)) { 42 }
            #expect(result == 42)
            clock.advance(by: .seconds(2))
            // Its timer is gone and does not end a later wait.
            try await sleep(for: .zero)
        }
    }

    @Test("A wait ends when the time runs out")
    func aWaitIsCutShortWhenTheTimeRunsOut() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let inside = Recorder<SluiceError.Code?>()
        try reactor.run {
            let channel = Channel<Int>()
            let task = reactor.spawn {
                try await withTimeout(.seconds(2)) {
                    do {
                        _ = try await channel.receive()
                    } catch let error as SluiceError {
                        inside.record(error.code)
                        throw error
                    }
                }
            }
            try await parked(task)
            clock.advance(by: .seconds(2))
            #expect(await failure { try await task.join() }?.code == .timedOut)
            #expect(inside.values == [.cancelled])
            #expect(channel.parkedCount == 0)
            #expect(try channel.trySend(1) == false)
        }
    }

    @Test("The timeout covers several waits")
    func theTimeCountsOverSeveralWaits() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let steps = Recorder<Int>()
        try reactor.run {
            let task = reactor.spawn {
                try await withTimeout(.seconds(5)) {
                    for step in 1... {
                        try await sleep(for: .seconds(2))
                        steps.record(step)
                    }
                }
            }
            for step in 0..<3 {
                try await until("the body takes step \(step)") { steps.values.count >= step }
                try await parked(task)
                clock.advance(by: .seconds(2))
            }
            #expect(await failure { try await task.join() }?.code == .timedOut)
        }
        #expect(steps.values == [1, 2])
    }

    @Test("A message received at the moment of the timeout is not lost")
    func whatWasReceivedAtTheMomentOfTheTimeoutIsNotLost() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let channel = Channel<Int>()
            let task = reactor.spawn { try await withTimeout(.seconds(1)) { try await channel.receive() } }
            try await parked(task)
            #expect(try channel.trySend(7))
            clock.advance(by: .seconds(1))
            #expect(try await task.join() == 7)
        }
    }

    @Test("An error of the body is thrown unchanged")
    func anErrorOfTheBodyIsThrownAsItIs() throws {
        let clock = ManualReactorClock()
        try Reactor(clock: clock).run {
            _ = await #expect(throws: TestFailure(name: "own")) {
                try await withTimeout(.seconds(1)) {
                    clock.advance(by: .seconds(1))
                    do { try await sleep(for: .seconds(5)) } catch { throw TestFailure(name: "own") }
                }
            }
        }
    }

    @Test("An outer timeout ends the inner one and is the one thrown")
    func theOuterTimeoutEndsTheInnerOneAndIsTheOneThrown() throws {
        let clock = ManualReactorClock()
        try Reactor(clock: clock).run {
            let afterwards = Recorder<String>()
            let error = await failure {
                try await withTimeout(.seconds(1)) {
                    try await withTimeout(.seconds(5)) {
                        clock.advance(by: .seconds(1))
                        try await sleep(for: .seconds(100))
                    }
                    afterwards.record("not reached")
                }
            }
            #expect(error?.code == .timedOut)
            #expect(error?.message.contains("1.0 s") == true)
            #expect(afterwards.values.isEmpty)
        }
    }

    @Test("When both timeouts have passed, the outer one is thrown")
    func whenBothTimesAreOverTheOuterOneIsThrown() throws {
        let clock = ManualReactorClock()
        try Reactor(clock: clock).run {
            let error = await failure {
                try await withTimeout(.seconds(1)) {
                    do {
                        try await withTimeout(.seconds(1)) {
                            clock.advance(by: .seconds(1))
                            try await sleep(for: .seconds(100))
                        }
                    } catch let error as SluiceError {
                        #expect(error.code == .cancelled, "it is the outer scope that has to end")
                        throw error
                    }
                }
            }
            #expect(error?.code == .timedOut)
        }
    }

    @Test("Cancelling the task is not a timeout")
    func cancellingTheTaskIsNoTimeout() throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        try reactor.run {
            let task = reactor.spawn { try await withTimeout(.seconds(1)) { try await sleep(for: .seconds(5)) } }
            try await parked(task)
            task.cancel()
            #expect(await failure { try await task.join() }?.code == .cancelled)
        }
    }

    @Test("A task can wait again after its timeout")
    func aTaskWaitsAgainAfterItsTimeout() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let channel = Channel<Int>()
            _ = await failure {
                try await withTimeout(.seconds(1)) {
                    clock.advance(by: .seconds(1))
                    try await sleep(for: .seconds(5))
                }
            }
            reactor.spawn { try await channel.send(1) }
            let message = try await channel.receive()
            #expect(message == 1)
        }
    }

    @Test("A timeout ends awaits of other libraries, and leaves the task usable")
    func itEndsForeignAwaits() throws {
        let reactor = try Reactor()
        try reactor.run {
            let elsewhere = Elsewhere()
            async let other: Void = elsewhere.wait()
            let error = await failure { try await withTimeout(.milliseconds(1)) { try await waitElsewhere() } }
            #expect(error?.code == .timedOut)
            #expect(!Task.isCancelled)
            #expect(TaskRecord.currentName == "main")
            // Neither is a child task that was started before.
            elsewhere.end()
            try await other
            try await sleep(for: .zero)
        }
    }

    @Test("A body that waits elsewhere is named and cancelled as its task")
    func theBodyBelongsToTheTask() throws {
        let reactor = try Reactor()
        try reactor.run {
            let names = Recorder<String?>()
            let task = reactor.spawn("worker") {
                try await withTimeout(.seconds(3600)) {
                    try await withTimeout(.seconds(3600)) {
                        await Task.yield()
                        names.record(TaskRecord.currentName)
                        try await waitElsewhere()
                    }
                }
                names.record("not reached")
            }
            try await until("the body runs") { !names.values.isEmpty }
            task.cancel()
            let error = await #expect(throws: (any Error).self) { try await task.join() }
            #expect(error.map(CancelScope.isCancellation) == true)
            #expect(names.values == ["worker"])
        }
    }

    @Test("A timeout works in child tasks", arguments: [false, true])
    func inChildTasks(_ waitsElsewhere: Bool) throws {
        let reactor = try Reactor()
        try reactor.run {
            let body: @Sendable () async throws -> Void = {
                try await withTimeout(.milliseconds(1)) {
                    if waitsElsewhere {
                        try await waitElsewhere()
                    } else {
                        _ = try await Channel<Int>().receive()
                    }
                }
            }
            async let single = failure(of: body)?.code
            let codes = await withTaskGroup(of: SluiceError.Code?.self) { group in
                for _ in 0..<3 { group.addTask { await failure(of: body)?.code } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes == [.timedOut, .timedOut, .timedOut])
            #expect(await single == .timedOut)
            #expect(reactor.tasks.count == 1)
        }
    }

    @Test("Cancelling a child task ends its timeouts")
    func cancelledChildTask() throws {
        try Reactor().run {
            let code = await withTaskGroup(of: SluiceError.Code?.self) { group in
                group.addTask {
                    await failure {
                        try await withTimeout(.seconds(3600)) { _ = try await Channel<Int>().receive() }
                    }?.code
                }
                await Task.yield()
                group.cancelAll()
                return await group.next()
            }
            #expect(code == .cancelled)
        }
    }

    @Test("A timeout needs a task on a reactor")
    func itNeedsATaskOnAReactor() async {
        #expect(await failure { try await withTimeout(.seconds(1)) { _ = Issue.record("runs") } }?.code == .misuse)
    }
}
