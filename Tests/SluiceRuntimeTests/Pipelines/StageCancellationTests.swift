import SeededRandom
import TestSupport
import Testing

@testable import SluiceRuntime

/// Channel ends, merges, pipelines and broadcasts whose task is cancelled or times out.
@Suite(.bounded) struct StageCancellationTests {
    @Test("Sends and receives through an end can time out")
    func aSendAndAReceiveThroughAnEndHaveDeadlines() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let receiver = reactor.spawn { try await receiving.receive(timeout: .seconds(1)) }
            try await parked(receiver)
            clock.advance(by: .seconds(1))
            #expect(await failure { _ = try await receiver.join() }?.code == .timedOut)
            let sender = reactor.spawn { try await sending.send(1, timeout: .seconds(1)) }
            try await parked(sender)
            clock.advance(by: .seconds(1))
            #expect(await failure { try await sender.join() }?.code == .timedOut)
            #expect(try receiving.tryReceive() == nil, "the message was withdrawn")
        }
    }

    @Test("A cancelled task's end retires")
    func aCancelledTaskRetiresItsEnd() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let sender = reactor.spawn {
                defer { sending.retire() }
                try await sending.send(1)
            }
            try await parked(sender)
            sender.cancel()
            _ = await failure { try await sender.join() }
            let message = try await receiving.receive()
            #expect(message == nil)
        }
    }

    @Test("A tap keeps a message for the reader after one that was cancelled")
    func aTapKeepsAMessageForAReaderThatWasCancelled() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let taps = [broadcast.tap(), broadcast.tap()]
            let reader = reactor.spawn { try await taps[0].receive() }
            try await parked(reader)
            reader.cancel()
            _ = await failure { _ = try await reader.join() }
            try await source.send(7)
            #expect(try await taps[1].receive() == 7)
            #expect(try await taps[0].receive() == 7)
        }
    }

    @Test("A nursery's deadline ends the pipeline that its task reads")
    func theDeadlineOfANurseryEndsThePipelineThatItsTaskReads() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let reader = reactor.spawn {
                try await withNursery("read", timeout: .seconds(5)) { _ in
                    let results = try pipeline(from: try merge([receiving]), workers: 3) { $0 }
                    for try await _ in results {}
                }
            }
            for message in 0..<10 { try await sending.send(message) }
            try await parked(reader)
            clock.advance(by: .seconds(5))
            #expect(await failure { try await reader.join() }?.code == .timedOut)
            #expect(await failure { while true { try await sending.send(1) } }?.code == .closed)
            try await until("the stages end") { reactor.tasks.count == 1 }
        }
    }

    @Test("Cancelled and timed-out receives from a pipeline lose nothing")
    func aReceiveFromAPipelineThatIsCutShortLosesNothing() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let source = Channel<Int>()
            let results = try pipeline(from: source, workers: 3) { $0 }
            let sender = reactor.spawn {
                for message in 0..<100 { try await source.send(message) }
                source.close()
            }
            var random = SeededGenerator(seed: 1)
            var received: [Int] = []
            while received.count < 100 {
                let reader = reactor.spawn { try await withTimeout(.seconds(1)) { try await results.receive() } }
                for _ in 0..<Int.random(in: 0..<6, using: &random) { await Task.yield() }
                if Bool.random(using: &random) { reader.cancel() } else { clock.advance(by: .seconds(1)) }
                do {
                    if let message = try await reader.join() { received.append(message) }
                } catch {
                    continue
                }
            }
            #expect(received == Array(0..<100))
            try await sender.join()
        }
    }

    @Test("Merges, pipelines and broadcasts end with their reactor")
    func stagesEndWithTheirReactor() throws {
        let reactor = try Reactor()
        let (sending, receiving) = Channel<Int>.ends()
        let tap = try reactor.run {
            let results = try pipeline(from: try merge([receiving]), workers: 3) { $0 }
            return try Broadcast(of: results).tap()
        }
        #expect(reactor.tasks.count == 0)
        #expect(throws: SluiceError.self) { _ = try tap.tryReceive() }
        #expect(throws: SluiceError.self) { _ = try sending.trySend(1) }
    }
}
