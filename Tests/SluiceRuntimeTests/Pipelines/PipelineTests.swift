import SeededRandom
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct PipelineTests {
    @Test("Results come in the order of the messages, however long each takes", arguments: [1, 2, 3, 8])
    func resultsAreInTheOrderOfMessagesHoweverLongEachTakes(workers: Int) throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let source = Channel<Int>()
            reactor.spawn {
                for message in 0..<100 { try await source.send(message) }
                source.close()
            }
            var random = SeededGenerator(seed: 7333)
            let delays = (0..<100).map { _ in Int.random(in: 0..<5, using: &random) }
            let results = try pipeline(from: source, workers: workers) { message in
                for _ in 0..<delays[message] { await Task.yield() }
                return "\(message)"
            }
            #expect(try await results.reduce(into: []) { $0.append($1) } == (0..<100).map { "\($0)" })
        }
    }

    @Test("A pipeline's workers work at the same time")
    func itsWorkersWorkAtTheSameTime() throws {
        try Reactor().run {
            let source = Channel<Int>(.unbounded)
            for message in 0..<4 { try await source.send(message) }
            source.close()
            let gates = (0..<4).map { _ in Channel<Void>() }
            // Each message but the last waits until the next one is done.
            let results = try pipeline(from: source, workers: 4) { message in
                if message < 3 { _ = try await gates[message].receive() }
                if message > 0 { try await gates[message - 1].send(()) }
                return message
            }
            #expect(try await results.reduce(into: []) { $0.append($1) } == [0, 1, 2, 3])
        }
    }

    @Test("A pipeline holds no more messages than it has workers")
    func noMoreMessagesAreInItThanItHasWorkers() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let sent = Recorder<Int>()
            reactor.spawn {
                for message in 0..<20 {
                    try await source.send(message)
                    sent.record(message)
                }
                source.close()
            }
            let results = try pipeline(from: source, workers: 3) { $0 }
            for received in 0..<20 {
                await settle()
                #expect(sent.values.count <= received + 3)
                #expect(try await results.receive() == received)
            }
        }
    }

    @Test("A worker's error ends the pipeline after the results before it")
    func anErrorEndsItAfterTheResultsBeforeIt() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let sender = reactor.spawn { for message in 0... { try await sending.send(message) } }
            let ends = Recorder<String>()
            let slow = Channel<Void>()
            let results = try pipeline(from: receiving, workers: 4, name: "parse") { message in
                switch message {
                case 4: throw TestFailure(name: "the fifth")
                case 3: _ = try await slow.receive()
                case 5:
                    do { try await sleep(for: .seconds(1000)) } catch { ends.record("\(error)") }
                default: break
                }
                return message
            }
            for message in 0..<3 { #expect(try await results.receive() == message) }
            try await slow.send(())
            #expect(try await results.receive() == 3)
            let error = await failure { _ = try await results.receive() }
            #expect(error?.code == .poisoned)
            #expect(error?.message.contains("the fifth") == true)
            #expect(await failure { try await sender.join() }?.code == .closed, "its end of the source has retired")
            #expect(ends.values.count <= 1)
            #expect(reactor.tasks.count == 1)
        }
    }

    @Test("The poison of the source comes after the results before it")
    func thePoisonOfTheSourceComesAfterTheResultsBeforeIt() throws {
        try Reactor().run {
            let source = Channel<Int>()
            let gate = Channel<Void>()
            let results = try pipeline(from: source, workers: 3) { message in
                _ = try await gate.receive()
                return message
            }
            try await source.send(1)
            try await source.send(2)
            source.poison(reason: "over")
            try await gate.send(())
            try await gate.send(())
            #expect(try await results.receive() == 1)
            #expect(try await results.receive() == 2)
            #expect(await failure { _ = try await results.receive() }?.message.contains("over") == true)
        }
    }

    @Test("The pipeline's tasks end when the receiver has retired")
    func itsTasksEndWhenTheReceiverHasRetired() throws {
        let reactor = try Reactor()
        let ends = Recorder<SluiceError.Code?>()
        try reactor.run {
            let source = Channel<Int>()
            let results = try pipeline(from: source, workers: 2) { message in
                ends.record(await failure { _ = try await Channel<Int>().receive() }?.code)
            }
            try await source.send(1)
            await settle()
            results.retire()
            try await until("the stages end") { reactor.tasks.count == 1 }
            #expect(ends.values == [.cancelled])
            #expect(source.parkedCount == 0)
            #expect(try source.trySend(2) == false, "nothing is taken any more")
        }
    }

    @Test("The poison of the receiver reaches the source")
    func thePoisonOfTheReceiverReachesTheSource() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let results = try pipeline(from: source, workers: 2) { $0 }
            let sender = reactor.spawn { while true { try await source.send(1) } }
            #expect(try await results.receive() == 1)
            results.poison(reason: "enough")
            #expect(await failure { try await sender.join() }?.message.contains("enough") == true)
        }
    }

    @Test("Merge, pipeline and broadcast compose")
    func stagesCompose() throws {
        let reactor = try Reactor()
        try reactor.run {
            let numbers = [Channel<Int>(), Channel<Int>()]
            for (index, channel) in numbers.enumerated() {
                reactor.spawn {
                    for step in 0..<50 { try await channel.send(step * 2 + index) }
                    channel.close()
                }
            }
            let squares = try pipeline(from: try merge(numbers), workers: 4) { $0 * $0 }
            let broadcast = try Broadcast(of: squares)
            let sums = (0..<2).map { _ in
                let tap = broadcast.tap()
                return reactor.spawn { try await tap.reduce(0, +) }
            }
            for sum in sums { #expect(try await sum.join() == (0..<100).reduce(0) { $0 + $1 * $1 }) }
            try await until("the stages end") { reactor.tasks.count == 1 }
        }
    }

    @Test("A pipeline needs a worker and a reactor")
    func itNeedsAWorkerAndAReactor() async throws {
        let source = Channel<Int>()
        #expect(await failure { _ = try pipeline(from: source, workers: 1) { $0 } }?.code == .misuse)
        try Reactor().run {
            let error = await failure { _ = try pipeline(from: source, workers: 0) { $0 } }
            #expect(error?.code == .misuse)
        }
    }

    @Test("The pipeline's tasks are named in reports")
    func itsTasksHaveNamesInReports() throws {
        let error = #expect(throws: Deadlock.self) {
            try Reactor().run {
                _ = try await pipeline(from: Channel<Int>(name: "in"), workers: 2, name: "parse") { $0 }.receive()
            }
        }
        let names = error?.tasks.compactMap { $0.split(separator: ":").first } ?? []
        #expect(names == ["'main'", "'parse'", "'parse worker 1'", "'parse worker 2'"])
        #expect(error?.tasks[2].contains("receive from channel 'in'") == true)
    }

    /// Lets every task of this reactor run until it waits.
    private func settle() async {
        for _ in 0..<20 { await Task.yield() }
    }
}
