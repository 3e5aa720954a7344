import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct NurseryTests {
    @Test("A nursery ends when its body and all children have ended")
    func itEndsWhenTheBodyAndAllChildrenHaveEnded() throws {
        let steps = Recorder<String>()
        try Reactor().run {
            let gate = Channel<Int>()
            let result = try await withNursery { nursery in
                nursery.spawn("waiter") {
                    _ = try await gate.receive()
                    steps.record("waiter")
                }
                nursery.spawn("opener") {
                    try await gate.send(1)
                    steps.record("opener")
                }
                steps.record("body")
                return 42
            }
            steps.record("end")
            #expect(result == 42)
        }
        #expect(steps.values.first == "body")
        #expect(steps.values.last == "end")
        #expect(steps.values.count == 4)
    }

    @Test("Children can start siblings, even after the body has ended")
    func childrenStartSiblingsAlsoAfterTheBody() throws {
        let started = Recorder<Int>()
        @Sendable func grow(_ depth: Int, in nursery: Nursery) {
            started.record(depth)
            guard depth < 5 else { return }
            for _ in 0..<2 { nursery.spawn { grow(depth + 1, in: nursery) } }
        }
        try Reactor().run {
            try await withNursery { nursery in _ = nursery.spawn { grow(0, in: nursery) } }
        }
        #expect(started.values.count == 63)
    }

    @Test("A child has a result")
    func aChildHasAResult() throws {
        try Reactor().run {
            let sum = try await withNursery { nursery in
                let (two, three) = (nursery.spawn { 2 }, nursery.spawn { 3 })
                return try await two.value + three.value
            }
            #expect(sum == 5)
        }
    }

    @Test("A failing child cancels its siblings and the body")
    func aFailingChildCancelsItsSiblingsAndTheBody() throws {
        let ends = Recorder<String>()
        try Reactor().run {
            _ = await #expect(throws: TestFailure(name: "first")) {
                try await withNursery { nursery in
                    let never = Channel<Int>()
                    nursery.spawn {
                        defer { ends.record("sibling") }
                        _ = try await never.receive()
                    }
                    nursery.spawn {
                        await Task.yield()
                        throw TestFailure(name: "first")
                    }
                    defer { ends.record("body") }
                    try await sleep(for: .seconds(1000))
                }
            }
        }
        #expect(ends.values.sorted() == ["body", "sibling"])
    }

    @Test("The first of several errors is thrown")
    func theFirstOfSeveralErrorsIsThrown() throws {
        try Reactor().run {
            _ = await #expect(throws: TestFailure(name: "first")) {
                try await withNursery { nursery in
                    nursery.spawn {
                        do { try await sleep(for: .seconds(1000)) } catch { throw TestFailure(name: "second") }
                    }
                    nursery.spawn {
                        await Task.yield()
                        throw TestFailure(name: "first")
                    }
                }
            }
        }
    }

    @Test("A failing body cancels and awaits the children")
    func aFailingBodyCancelsTheChildrenAndAwaitsThem() throws {
        let ends = Recorder<SluiceError.Code?>()
        try Reactor().run {
            _ = await #expect(throws: TestFailure(name: "body")) {
                try await withNursery { nursery in
                    let child = nursery.spawn {
                        let error = await failure { try await sleep(for: .seconds(1000)) }
                        await Task.yield()
                        ends.record(error?.code)
                    }
                    try await parked(child)
                    throw TestFailure(name: "body")
                }
            }
            #expect(ends.values == [.cancelled])
        }
    }

    @Test("Cancelling the parent cancels and awaits the children")
    func cancellingTheParentCancelsTheChildrenAndAwaitsThem() throws {
        let reactor = try Reactor()
        let ends = Recorder<String>()
        try reactor.run {
            let started = Channel<Int>(.unbounded)
            let parent = reactor.spawn {
                try await withNursery { nursery in
                    for name in ["a", "b"] {
                        nursery.spawn {
                            try await started.send(1)
                            let error = await failure { try await sleep(for: .seconds(1000)) }
                            for _ in 0..<3 { await Task.yield() }
                            ends.record("\(name) \(error?.code.description ?? "")")
                            throw SluiceError(.cancelled, "as asked")
                        }
                    }
                }
            }
            for _ in 0..<2 { _ = try await started.receive() }
            try await parked(parent)
            parent.cancel()
            parent.cancel()
            #expect(await failure { try await parent.join() }?.code == .cancelled)
            #expect(ends.values == ["a cancelled", "b cancelled"])
        }
    }

    @Test("Every kind of wait ends when the nursery is cancelled")
    func everyKindOfWaitEndsWhenTheNurseryIsCancelled() throws {
        let reactor = try Reactor()
        let ends = Recorder<String>()
        try reactor.run {
            let (stream, peer) = try Stream.pair(on: reactor)
            let signals = try reactor.signals(SIGTTIN)
            let channel = Channel<Int>()
            let full = Channel<Int>()
            let waits: [(String, @Sendable () async throws -> Void)] = [
                ("receive", { _ = try await channel.receive() }),
                ("send", { try await full.send(1) }),
                ("select", { _ = try await select { channel.receiving { _ in } } }),
                ("sleep", { try await sleep(for: .seconds(1000)) }),
                ("read", { _ = try await stream.read(upTo: 1) }),
                ("signal", { _ = try await signals.next() }),
                ("nursery", { _ = try await withNursery { $0.spawn { try await sleep(for: .seconds(1000)) } } }),
                ("timeout", { try await withTimeout(.seconds(1000)) { _ = try await channel.receive() } }),
            ]
            try await withNursery { nursery in
                var tasks = waits.map { name, wait in
                    nursery.spawn(name) {
                        if await failure(of: wait)?.code == .cancelled { ends.record(name) }
                    }
                }
                let last = tasks[0]
                tasks.append(nursery.spawn("join") { try await last.join() })
                try await parked(tasks)
                nursery.cancel()
            }
            #expect(ends.values.sorted() == waits.map(\.0).sorted())
            #expect(channel.parkedCount + full.parkedCount == 0)
            signals.close()
            withExtendedLifetime(peer) {}
        }
    }

    @Test("A cancelled nursery still returns its body's result")
    func cancellingKeepsTheResultOfTheBody() throws {
        try Reactor().run {
            let result = try await withNursery { nursery in
                nursery.spawn("background") { while true { try await sleep(for: .seconds(1)) } }
                nursery.cancel()
                #expect(nursery.isCancelled)
                #expect(await failure { try await sleep(for: .seconds(1)) }?.code == .cancelled)
                return "done"
            }
            #expect(result == "done")
            try await sleep(for: .zero)
        }
    }

    @Test("A task can wait again after it has left a cancelled nursery")
    func aTaskWaitsAgainOnceItHasLeftACancelledNursery() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>()
            for _ in 0..<3 {
                await #expect(throws: TestFailure.self) {
                    try await withNursery { $0.spawn { throw TestFailure(name: "child") } }
                }
                reactor.spawn { try await channel.send(1) }
                let message = try await channel.receive()
                #expect(message == 1)
            }
        }
    }

    @Test("A child that is cancelled alone does not end the others")
    func aChildThatWasCancelledAloneDoesNotEndTheOthers() throws {
        let reactor = try Reactor()
        try reactor.run {
            let result = try await withNursery { nursery in
                let child = nursery.spawn { try await sleep(for: .seconds(1000)) }
                let sibling = nursery.spawn {
                    _ = await failure { try await child.join() }
                    return "lives on"
                }
                try await parked([child, sibling])
                child.cancel()
                return try await sibling.join()
            }
            #expect(result == "lives on")
        }
    }

    @Test("Nurseries nest")
    func nurseriesNest() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let ends = Recorder<String>()
        try reactor.run {
            let error = await failure {
                try await withNursery("outer", timeout: .seconds(1)) { _ in
                    try await withNursery("inner", timeout: .seconds(5)) { inner in
                        let child = inner.spawn {
                            defer { ends.record("child") }
                            try await sleep(for: .seconds(1000))
                        }
                        try await parked(child)
                        clock.advance(by: .seconds(1))
                    }
                    ends.record("not reached")
                }
            }
            #expect(error?.message.contains("outer") == true)
            #expect(ends.values == ["child"])
            let innerError = await failure {
                try await withNursery("outer", timeout: .seconds(5)) { _ in
                    let error = await failure {
                        try await withNursery("inner", timeout: .seconds(1)) { _ in
                            clock.advance(by: .seconds(1))
                            try await sleep(for: .seconds(1000))
                        }
                    }
                    #expect(error?.message.contains("inner") == true)
                    try await sleep(for: .zero)
                }
            }
            #expect(innerError == nil, "the outer nursery goes on")
        }
    }

    @Test("A child of a cancelled nursery begins cancelled")
    func aChildOfACancelledNurseryBeginsCancelled() throws {
        try Reactor().run {
            try await withNursery { nursery in
                nursery.cancel()
                let late = nursery.spawn { await failure { try await sleep(for: .seconds(1)) }?.code }
                nursery.spawn {
                    let code = try await late.join()
                    #expect(code == .cancelled)
                }
            }
        }
    }

    @Test("A nursery that has ended takes no children")
    func aNurseryThatHasEndedTakesNoChildren() throws {
        try Reactor().run {
            let kept = try await withNursery("old") { $0 }
            let late = kept.spawn { Issue.record("runs outside of its nursery") }
            let error = await failure { _ = try await late.join() }
            #expect(error?.code == .misuse)
            #expect(error?.message.contains("old") == true)
            kept.cancel()
            try await sleep(for: .zero)
        }
    }

    @Test("A nursery needs a task on a reactor")
    func itNeedsATaskOnAReactor() async throws {
        #expect(await failure { try await withNursery { _ in _ = Issue.record("runs") } }?.code == .misuse)
    }

    @Test("A nursery in a child task awaits its children, and is cancelled with the child task")
    func aNurseryInAChildTask() throws {
        let reactor = try Reactor()
        try reactor.run {
            async let sum = parallelMap(1...3) { number in
                await Task.yield()
                return number
            }
            let hasBegun = Channel<Void>(.once)
            let body: @Sendable () async throws -> Void = {
                try await withNursery { nursery in
                    _ = nursery.spawn {
                        try await hasBegun.send(())
                        _ = try await Channel<Int>().receive()
                    }
                }
            }
            let codes = await withTaskGroup(of: SluiceError.Code?.self) { group in
                group.addTask { await failure(of: body)?.code }
                _ = try? await hasBegun.receive()
                group.cancelAll()
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes == [.cancelled])
            let numbers = try await sum
            #expect(numbers == [1, 2, 3])
        }
    }

    @Test("A failed child ends the foreign awaits of the nursery's body")
    func aFailedChildEndsForeignAwaits() throws {
        try Reactor().run {
            _ = await #expect(throws: TestFailure(name: "child")) {
                try await withNursery { nursery in
                    nursery.spawn { throw TestFailure(name: "child") }
                    try await waitElsewhere()
                }
            }
            #expect(!Task.isCancelled)
        }
    }

    @Test("A nursery can be cancelled from any thread")
    func itIsCancelledFromAnyThread() throws {
        let reactor = try Reactor()
        try reactor.run {
            reactor.hold()
            defer { reactor.release() }
            let error = await failure {
                try await withNursery { nursery in
                    onOwnThread { nursery.cancel() }
                    _ = try await Channel<Int>().receive()
                }
            }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("A deadlock's report names the nursery that is waited for")
    func aDeadlockNamesTheNurseryThatIsWaitedFor() throws {
        let reactor = try Reactor()
        let error = #expect(throws: Deadlock.self) {
            try reactor.run {
                try await withNursery("crawl") { nursery in
                    nursery.spawn("fetch") { _ = try await Channel<Int>(name: "pages").receive() }
                }
            }
        }
        #expect(error?.tasks.first == "'main': join the 1 task of nursery 'crawl'")
    }

    @Test("Many children come and go")
    func manyChildrenComeAndGo() throws {
        let ended = Recorder<Int>()
        try Reactor().run {
            let results = Channel<Int>()
            try await withNursery { nursery in
                nursery.spawn { for _ in 0..<2000 { _ = try await results.receive() } }
                for number in 0..<2000 {
                    nursery.spawn {
                        try await results.send(number)
                        if number.isMultiple(of: 100) { ended.record(number) }
                    }
                }
            }
        }
        #expect(ended.values.count == 20)
    }
}
