import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct ReactorLifeTests {
    private struct Refusal: Error {}

    @Test("run returns the main task's result or throws its error")
    func runningGivesTheResultOrTheErrorOfTheMainTask() throws {
        let reactor = try Reactor()
        #expect(try reactor.run { 7 } == 7)
        #expect(throws: Refusal.self) { try reactor.run { throw Refusal() } }
        #expect(try reactor.run { 8 } == 8, "it can be run again")
        #expect(!reactor.isRunning)
    }

    @Test("Tasks that are left at the end of run are cancelled and awaited")
    func tasksThatAreLeftAreCancelledAndAwaited() throws {
        let reactor = try Reactor()
        let endings = Recorder<SluiceError.Code?>()
        try reactor.run {
            let tasks = (0..<3).map { _ in
                reactor.spawn {
                    endings.record(await failure { _ = try await Channel<Int>().receive() }?.code)
                    for _ in 0..<10 { await Task.yield() }
                }
            }
            try await parked(tasks)
        }
        #expect(endings.values == [.cancelled, .cancelled, .cancelled])
        #expect(reactor.tasks.count == 0)
    }

    @Test("Tasks that are started while others end are cancelled too")
    func tasksThatAreStartedWhileTheOthersEndAreCancelledToo() throws {
        let reactor = try Reactor()
        let endings = Recorder<SluiceError.Code?>()
        try reactor.run {
            let task = reactor.spawn {
                _ = await failure { _ = try await Channel<Int>().receive() }
                reactor.spawn { endings.record(await failure { _ = try await Channel<Int>().receive() }?.code) }
            }
            try await parked(task)
        }
        #expect(endings.values == [.cancelled])
        #expect(try reactor.run { try await reactor.spawn { 7 }.join() } == 7, "the next run is not ending")
    }

    @Test("A reactor does not run inside another")
    func aReactorDoesNotRunInsideAnother() throws {
        let (reactor, other) = (try Reactor(name: "outer"), try Reactor(name: "inner"))
        try reactor.run {
            for inner in [reactor, other] {
                let error = await failure { try inner.run {} }
                #expect(error?.code == .misuse)
                #expect(error?.message == "\(inner.name) runs already, or this thread runs another reactor")
            }
            #expect(Reactor.current === reactor)
        }
        try other.run {}
    }

    @Test("A started reactor can be neither run nor started again")
    func aStartedReactorIsNeitherRunNorStartedAgain() async throws {
        try await withStartedReactor { reactor in
            #expect(await failure { try reactor.run {} }?.code == .misuse)
            #expect(await failure { try reactor.start() }?.code == .misuse)
            let result = try await reactor.spawn { 7 }.join()
            #expect(result == 7)
        }
    }

    @Test("Stopping a reactor cancels and awaits its tasks")
    func stoppingCancelsTheTasksAndAwaitsThem() async throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        try reactor.start()
        let tasks = (0..<3).map { _ in reactor.spawn { try await channel.receive() } }
        try await untilParked(3, on: channel)
        reactor.stop()
        reactor.stop()
        for task in tasks { #expect(await failure { _ = try await task.join() }?.code == .cancelled) }
        try await reactor.untilStopped()
        #expect(channel.parkedCount == 0)
        #expect(reactor.tasks.count == 0)
    }

    @Test("A stopped reactor can be started again")
    func aStoppedReactorCanBeStartedAgain() async throws {
        let reactor = try Reactor()
        for round in 0..<3 {
            try reactor.start()
            #expect(try await reactor.spawn { round }.join() == round)
            reactor.stop()
            try await reactor.untilStopped()
        }
    }

    @Test("A task spawned before the reactor starts runs once it does")
    func aTaskThatWasStartedBeforeItsReactorRunsWithIt() async throws {
        let reactor = try Reactor()
        let task = reactor.spawn { 7 }
        try reactor.start()
        #expect(try await task.join() == 7)
        reactor.stop()
        try await reactor.untilStopped()
    }

    @Test("A reactor knows its thread")
    func aReactorKnowsItsThread() throws {
        let reactor = try Reactor()
        #expect(!reactor.isCurrent)
        #expect(reactor.isIsolatingCurrentContext() == false)
        #expect(Reactor.current == nil)
        try reactor.run {
            #expect(reactor.isCurrent)
            #expect(reactor.isIsolatingCurrentContext() == true)
            #expect(Reactor.current === reactor)
            reactor.checkIsolated()
            await Task.yield()
            #expect(reactor.isCurrent)
        }
        #expect(Reactor.current == nil)
    }

    @Test("Posted work runs on the reactor in each thread's order")
    func workOfOtherThreadsRunsOnTheReactorInTheOrderOfEachThread() async throws {
        let ran = Recorder<(thread: Int, number: Int, onReactor: Bool)>()
        try await withStartedReactor { reactor in
            await withTaskGroup { group in
                for thread in 0..<4 {
                    group.addTask {
                        for number in 0..<500 {
                            reactor.post { ran.record((thread, number, reactor.isCurrent)) }
                        }
                    }
                }
            }
            // The last to be posted is the last to run.
            try await reactor.spawn {}.join()
            #expect(ran.values.count == 2000)
        }
        #expect(ran.values.allSatisfy { $0.onReactor })
        for thread in 0..<4 {
            let numbers = ran.values.filter { $0.thread == thread }.map(\.number)
            #expect(numbers == Array(0..<500))
        }
    }

    @Test("A plain Swift task may prefer the reactor")
    func aPlainTaskMayPreferTheReactor() async throws {
        let channel = Channel<Int>()
        try await withStartedReactor { reactor in
            let task = Task(executorPreference: reactor) {
                let received = try await channel.receive()
                return (received, reactor.isCurrent)
            }
            try await untilParked(1, on: channel)
            try await channel.send(7)
            let (received, onReactor) = try await task.value
            #expect(received == 7)
            #expect(onReactor)
        }
    }
}
