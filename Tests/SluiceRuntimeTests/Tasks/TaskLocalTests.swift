import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct TaskLocalTests {
    @TaskLocal private static var color = "none"

    @Test("Swift keeps a task's local values where the reactor looks for them")
    func placeInATask() async {
        let findings = await Task.detached {
            let outside = TaskLocals.areBound
            let (inside, later, inAChild) = await Self.$color.withValue("red") {
                let inside = TaskLocals.areBound
                await Task.yield()
                async let child = TaskLocals.areBound
                return (inside, TaskLocals.areBound, await child)
            }
            return [outside, inside, later, inAChild, TaskLocals.areBound]
        }.value
        #expect(findings == [false, true, true, true, false])
    }

    @Test("A green task inherits the task-local values of the task that starts it")
    func inheritance() throws {
        let reactor = try Reactor()
        let colors = try Self.$color.withValue("red") {
            try reactor.run {
                let child = reactor.spawn {
                    let grandchild = reactor.spawn { Self.color }
                    return [Self.color, try await grandchild.value]
                }
                let blue = Self.$color.withValue("blue") { reactor.spawn { Self.color } }
                return try await [Self.color] + child.value + [blue.value]
            }
        }
        #expect(colors == ["red", "red", "red", "blue"])
    }

    @Test("A green task started from another thread inherits the values of its starter")
    func inheritanceAcrossThreads() async throws {
        let colors = try await withStartedReactor { reactor in
            let red = Self.$color.withValue("red") { reactor.spawn { Self.color } }
            return try await [red.value, reactor.spawn { Self.color }.value]
        }
        #expect(colors == ["red", "none"])
    }

    @Test("A worker's next task does not see the values that its last one bound")
    func workersForget() async throws {
        let colors = try await Task.detached {
            try await withStartedReactor { reactor in
                let first = reactor.spawn { await Self.$color.withValue("red") { await Task.yield() } }
                try await first.join()
                return try await [reactor.spawn { Self.color }.value, reactor.spawn { Self.color }.value]
            }
        }.value
        #expect(colors == ["none", "none"])
    }

    @Test("A failed expectation in a green task is recorded for the test that started the task")
    func expectations() async throws {
        let reactor = try Reactor()
        let test = try #require(Test.current?.id)
        let current = Recorder<Test.ID?>()
        // The scope of a known issue is a task-local value too; without it, the issue would fail the test.
        try await withKnownIssue {
            try reactor.run {
                try await withNursery { nursery in
                    nursery.spawn {
                        current.record(Test.current?.id)
                        #expect(Bool(false), "in a child of a nursery")
                    }
                }
            }
            try await withStartedReactor { reactor in
                try await reactor.spawn {
                    current.record(Test.current?.id)
                    #expect(Bool(false), "on another thread")
                }.join()
            }
        } matching: { issue in
            issue.comments.contains("in a child of a nursery") || issue.comments.contains("on another thread")
        }
        #expect(current.values == [test, test])
    }
}
