import TestSupport
import Testing

@testable import SluiceRuntime

/// Deadlocks through Swift's own child tasks. They also test what `SwiftTask` assumes of Swift's runtime.
@Suite(.bounded) struct ChildTaskDeadlockTests {
    private func deadlock(_ body: @escaping @Sendable (Reactor) async throws -> Void) throws -> [String]? {
        let reactor = try Reactor()
        do {
            try reactor.run("main") { try await body(reactor) }
            return nil
        } catch let deadlock as Deadlock {
            return deadlock.tasks
        }
    }

    private static let main = "'main': await a task that waits"

    @Test("A deadlock through async let is reported")
    func asyncLet() throws {
        let tasks = try deadlock { _ in
            async let message = Channel<Int>(name: "jobs").receive()
            _ = try await message
        }
        #expect(tasks == [Self.main, "a child task: receive from channel 'jobs'"])
    }

    @Test("A deadlock through two levels of async let is reported")
    func nested() throws {
        let tasks = try deadlock { _ in
            async let outer: Int? = {
                async let inner = Channel<Int>(name: "jobs").receive()
                return try await inner
            }()
            _ = try await outer
        }
        #expect(tasks == [Self.main, "a child task: receive from channel 'jobs'"])
    }

    @Test("A deadlock of all tasks of a group is reported")
    func group() throws {
        let tasks = try deadlock { _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {}
                group.addTask { try await Channel<Int>(name: "jobs").send(1) }
                group.addTask { try await select { Channel<Int>(name: "a").receiving { _ in } } }
                try await group.waitForAll()
            }
        }
        #expect(
            tasks == [
                Self.main, "a child task: select among receive from channel 'a'",
                "a child task: send on channel 'jobs'",
            ])
    }

    @Test("A deadlock through a discarding group is reported")
    func discardingGroup() throws {
        let tasks = try deadlock { _ in
            try await withThrowingDiscardingTaskGroup { group in
                for _ in 0..<2 { group.addTask { try await Channel<Int>(name: "jobs").send(1) } }
            }
        }
        #expect(tasks?.count == 3)
    }

    @Test("A deadlock through the value of another task is reported")
    func value() throws {
        let tasks = try deadlock { reactor in
            let other = Task(executorPreference: reactor) { try await Channel<Int>(name: "jobs").receive() }
            // In a deadlock, the detection cancels the main task, and this one through it.
            _ = try await withTaskCancellationHandler {
                try await other.value
            } onCancel: {
                other.cancel()
            }
        }
        #expect(tasks == [Self.main, "a child task: receive from channel 'jobs'"])
    }

    @Test("A deadlock between child tasks and green tasks is reported")
    func mixed() throws {
        let tasks = try deadlock { reactor in
            let (there, back) = (Channel<Int>(name: "there"), Channel<Int>(name: "back"))
            reactor.spawn("green") {
                _ = try await there.receive()
                _ = try await there.receive()
            }
            async let child: Void = {
                try await there.send(1)
                _ = try await back.receive()
            }()
            try await child
        }
        #expect(
            tasks == [Self.main, "'green': receive from channel 'there'", "a child task: receive from channel 'back'"])
    }

    @Test("A deadlock through a nursery in a child task is reported")
    func nursery() throws {
        let tasks = try deadlock { _ in
            async let child: Void = withNursery("inner") { nursery in
                nursery.spawn("stuck") { _ = try await Channel<Int>(name: "jobs").receive() }
            }
            try await child
        }
        #expect(
            tasks == [
                Self.main, "'a child task': join the 1 task of nursery 'inner'",
                "'stuck': receive from channel 'jobs'",
            ])
    }

    @Test("A group with a task that waits for something else is no deadlock")
    func aGroupThatGoesOn() throws {
        let tasks = try deadlock { _ in
            let channel = Channel<Int>(name: "jobs")
            let elsewhere = Elsewhere()
            elsewhere.endLater()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await channel.receive() }
                group.addTask {
                    try await elsewhere.wait()
                    try await channel.send(1)
                }
                try await group.waitForAll()
            }
        }
        #expect(tasks == nil)
    }

    @Test("A parent that waits for something else than its blocked child is no deadlock")
    func aParentThatGoesOn() throws {
        let tasks = try deadlock { _ in
            let channel = Channel<Int>(name: "jobs")
            async let message = channel.receive()
            let elsewhere = Elsewhere()
            elsewhere.endLater()
            try await elsewhere.wait()
            try await channel.send(1)
            #expect(try await message == 1)
        }
        #expect(tasks == nil)
    }

    @Test("A child task on another executor is no deadlock")
    func aChildElsewhere() throws {
        let tasks = try deadlock { _ in
            let (channel, elsewhere) = (Channel<Int>(name: "jobs"), Elsewhere())
            elsewhere.endLater()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await channel.receive() }
                group.addTask(executorPreference: globalConcurrentExecutor) {
                    try await elsewhere.wait()
                    try await channel.send(1)
                }
                try await group.waitForAll()
            }
        }
        #expect(tasks == nil)
    }
}
