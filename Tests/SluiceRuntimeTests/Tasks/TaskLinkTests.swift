import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__greenlet.py` (`link`) and its `iwait`.
@Suite(.bounded) struct TaskLinkTests {
    @Test("Links are called once with the result or the error, before the joiners continue")
    func links() throws {
        let events = Recorder<String>()
        let reactor = try Reactor()
        try reactor.run {
            let gate = Event()
            let good = reactor.spawn {
                try await gate.wait()
                return 7
            }
            let bad = reactor.spawn {
                try await gate.wait()
                throw TestFailure(name: "bad")
            }
            for number in 1...2 { good.onEnd { events.record("link \(number): \((try? $0.get()) ?? 0)") } }
            bad.onEnd { outcome in
                if case .failure(let error) = outcome { events.record("link: \(error)") }
            }
            gate.set()
            events.record("joined: \(try await good.join())")
            await #expect(throws: TestFailure.self) { try await bad.join() }
        }
        #expect(events.values == ["link 1: 7", "link 2: 7", "link: TestFailure(name: \"bad\")", "joined: 7"])
    }

    @Test("A link to a task that joins wait for, and one to a task that has ended")
    func lateLinks() throws {
        let events = Recorder<String>()
        let reactor = try Reactor()
        try reactor.run {
            let gate = Event()
            let task = reactor.spawn { try await gate.wait() }
            let joiners = (0..<2).map { _ in reactor.spawn { try await task.join() } }
            try await parked(joiners)
            task.onEnd { _ in events.record("while joined") }
            let impatient = reactor.spawn { try await task.join() }
            try await parked(impatient)
            impatient.cancel()
            #expect(await failure { try await impatient.join() }?.code == .cancelled)
            gate.set()
            for joiner in joiners { try await joiner.join() }
            task.onEnd { _ in events.record("afterwards") }
            #expect(events.values == ["while joined", "afterwards"])
        }
    }

    @Test("A link that was cancelled is not called")
    func cancelled() throws {
        let events = Recorder<Int>()
        let reactor = try Reactor()
        try reactor.run {
            let task = reactor.spawn { await Task.yield() }
            let links = (1...3).map { number in task.onEnd { _ in events.record(number) } }
            links[1].cancel()
            try await task.join()
            links[0].cancel()
            #expect(events.values == [1, 3])
        }
    }

    @Test("An error of which a link has learned is not reported")
    func seenErrors() throws {
        let failures = Recorder<String>()
        do {
            let reactor = try Reactor()
            reactor.handleFailures { failures.record($0.task) }
            try reactor.run {
                reactor.spawn("linked") { throw TestFailure(name: "linked") }.onEnd { _ in }
                reactor.spawn("alone") { throw TestFailure(name: "alone") }
                await Task.yield()
            }
        }
        #expect(failures.values == ["alone"])
    }

    @Test("Tasks come in the order in which they end")
    func asTheyEnd() throws {
        let reactor = try Reactor()
        try reactor.run {
            let gates = (0..<3).map { _ in Event() }
            let tasks = gates.indices.map { index in
                reactor.spawn("task \(index)") {
                    try await gates[index].wait()
                    if index == 1 { throw TestFailure(name: "task 1") }
                    return index
                }
            }
            reactor.spawn {
                for index in [2, 0, 1] {
                    gates[index].set()
                    _ = try? await tasks[index].join()
                }
            }
            var names: [String] = []
            for try await task in tasksAsTheyEnd(tasks) { names.append(task.name) }
            #expect(names == ["task 2", "task 0", "task 1"])
            await #expect(throws: TestFailure.self) { try await tasks[1].value }
            for try await _ in tasksAsTheyEnd([GreenTask<Int>]()) { Issue.record("there is no task") }
        }
    }

    @Test("Leaving the loop early has no effect on the other tasks")
    func leaving() throws {
        let reactor = try Reactor()
        try reactor.run {
            let gate = Event()
            let tasks = (0..<3).map { number in
                reactor.spawn {
                    if number > 0 { try await gate.wait() }
                    return number
                }
            }
            for try await task in tasksAsTheyEnd(tasks) {
                #expect(try await task.value == 0)
                break
            }
            gate.set()
            for task in tasks { _ = try await task.join() }
        }
    }
}
