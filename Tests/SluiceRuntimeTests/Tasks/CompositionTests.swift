import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct CompositionTests {
    @Test("Parallel processes communicate and return their results")
    func parallelProcessesMeetAndReturnTheirResults() throws {
        try Reactor().run {
            let (there, back) = (Channel<Int>(), Channel<String>())
            let (text, number) = try await parallel(
                {
                    try await there.send(6)
                    return try await back.receive() ?? ""
                },
                {
                    let number = try await there.receive() ?? 0
                    try await back.send("got \(number)")
                    return number * 7
                })
            #expect(text == "got 6")
            #expect(number == 42)
        }
    }

    @Test("parallelMap keeps the order of its items")
    func aParallelMapKeepsTheOrderOfItsItems() throws {
        try Reactor().run {
            let turns = (0..<10).map { _ in Channel<Int>() }
            // Each process ends only after the next one.
            let results = try await parallelMap(0..<10) { number in
                if number < 9 { _ = try await turns[number].receive() }
                if number > 0 { try await turns[number - 1].send(number) }
                return number * number
            }
            #expect(results == (0..<10).map { $0 * $0 })
        }
    }

    @Test("A failing process cancels the others")
    func aFailingProcessCancelsTheOthers() throws {
        try Reactor().run {
            let cancelled = Recorder<SluiceError.Code?>()
            await #expect(throws: TestFailure(name: "second")) {
                _ = try await parallel(
                    { cancelled.record(await failure { try await sleep(for: .seconds(1000)) }?.code) },
                    { throw TestFailure(name: "second") })
            }
            #expect(cancelled.values == [.cancelled])
        }
    }

    @Test("Sequences can run in parallel")
    func sequencesInParallel() throws {
        let steps = Recorder<String>()
        try Reactor().run {
            let channel = Channel<Int>()
            let ((), received) = try await parallel(
                {
                    let ((), ()) = try await sequence(
                        { try await channel.send(1) },
                        { try await channel.send(2) })
                    steps.record("sent")
                },
                { try await sequence(all: [{ try await channel.receive() }, { try await channel.receive() }]) })
            #expect(received == [1, 2])
        }
        #expect(steps.values == ["sent"])
    }

    @Test("A sequence ends with its first error")
    func aSequenceEndsWithItsFirstError() async {
        let steps = Recorder<Int>()
        await #expect(throws: TestFailure(name: "two")) {
            try await sequence(all: [
                { steps.record(1) },
                { throw TestFailure(name: "two") },
                { steps.record(3) },
            ])
        }
        #expect(steps.values == [1])
    }

    @Test("parallelMap of nothing returns at once")
    func nothingInParallelIsDoneAtOnce() throws {
        try Reactor().run {
            let results = try await parallelMap([Int]()) { $0 }
            #expect(results.isEmpty)
        }
    }

    @Test("Parallel processes are named in reports")
    func parallelProcessesHaveNamesInReports() throws {
        let reactor = try Reactor()
        let error = #expect(throws: Deadlock.self) {
            try reactor.run {
                let channel = Channel<Int>(name: "c")
                _ = try await parallel({ try await channel.receive() }, { try await channel.receive() })
            }
        }
        #expect(error?.tasks.last == "'process 2 of parallel': receive from channel 'c'")
    }
}
