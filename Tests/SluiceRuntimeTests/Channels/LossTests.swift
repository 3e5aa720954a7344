import SeededRandom
import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

/// Thousands of random cancellations and timeouts. Each message whose send has succeeded is received once, and no other
/// message is.
@Suite(.bounded) struct LossTests {
    private let ledger = Ledger()
    private let channels: [Channel<Int>]

    init() {
        channels = [.rendezvous, .buffered(capacity: 2), .rendezvous].enumerated().map {
            Channel($1, name: "c\($0)")
        }
    }

    @Test(
        "On one reactor, random cancellations and timeouts lose no message", arguments: [1, 7333, 99, 2026, 42],
        TaskStart.allCases)
    func nothingIsLostOnAReactor(seed: UInt64, start: TaskStart) async throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try await start.perform {
            try reactor.run {
                var random = SeededGenerator(seed: seed)
                var tasks: [GreenTask<Void>] = []
                for id in 0..<2000 {
                    let operation = Operation(id, &random)
                    tasks.append(reactor.spawn("\(operation)") { try await perform(operation) })
                    switch Int.random(in: 0..<8, using: &random) {
                    case 0: tasks.randomElement(using: &random)?.cancel()
                    case 1: clock.advance(by: .milliseconds(Int.random(in: 0..<3, using: &random)))
                    case 2...4: await Task.yield()
                    default: break
                    }
                }
                for task in tasks where Bool.random(using: &random) { task.cancel() }
                clock.advance(by: .seconds(1))
                for channel in channels { channel.close() }
                for task in tasks { task.cancel() }
                for task in tasks { _ = try? await task.join() }
            }
        }
        settle()
    }

    @Test("Across threads, random cancellations and timeouts lose no message", arguments: [1, 7333, 2026])
    func nothingIsLostAcrossThreads(seed: UInt64) async throws {
        try await withStartedReactor { first in
            try await withStartedReactor { second in
                await withTaskGroup { group in
                    for worker in 0..<6 {
                        group.addTask {
                            var random = SeededGenerator(seed: seed &+ UInt64(worker))
                            for id in 0..<300 {
                                let operation = Operation(worker * 1000 + id, &random)
                                // Cancelled at its start, while it waits, at its match, after its end, or not at all.
                                let patience = Int.random(in: 0..<12, using: &random)
                                await perform(
                                    operation, on: [nil, first, second][worker % 3],
                                    cancelAfter: patience < 6 ? patience : nil)
                            }
                        }
                    }
                }
            }
        }
        settle()
    }

    private func settle() {
        for channel in channels {
            while let message = (try? channel.tryReceive()).flatMap(\.self) { ledger.noteReceived(message) }
        }
        #expect(ledger.balances)
        #expect(ledger.sentCount > 50, "the operations do meet")
        #expect(channels.allSatisfy { $0.parkedCount == 0 })
    }

    /// Runs the operation as a task of `reactor`, or of Swift's pool, and cancels it after some turns of this task.
    private func perform(_ operation: Operation, on reactor: Reactor?, cancelAfter turns: Int?) async {
        if let reactor {
            let task = reactor.spawn { try await perform(operation) }
            if let turns {
                for _ in 0..<turns { await Task.yield() }
                task.cancel()
            }
            _ = try? await task.join()
        } else {
            let task = Task { try await perform(operation) }
            if let turns {
                for _ in 0..<turns { await Task.yield() }
                task.cancel()
            }
            _ = try? await task.value
        }
    }

    private func perform(_ operation: Operation) async throws {
        let timeout = operation.timeout
        let (channel, other) = (channels[operation.channel], channels[operation.other])
        switch operation.kind {
        case .send:
            try await channel.send(operation.id, timeout: timeout)
            ledger.noteSent(operation.id)
        case .receive:
            if let message = try await channel.receive(timeout: timeout) { ledger.noteReceived(message) }
        case .select:
            try await select {
                channel.sending(operation.id) { ledger.noteSent(operation.id) }
                other.receiving { message in
                    if let message { ledger.noteReceived(message) }
                }
                after(timeout) {}
            }
        }
    }

    private struct Operation: Sendable {
        enum Kind: CaseIterable {
            case send, receive, select
        }

        let id: Int
        let kind: Kind
        let channel: Int
        let other: Int
        let timeout: Duration

        init(_ id: Int, _ random: inout SeededGenerator) {
            self.id = id
            kind = Kind.allCases.randomElement(using: &random) ?? .send
            channel = Int.random(in: 0..<3, using: &random)
            other = Int.random(in: 0..<3, using: &random)
            timeout = .microseconds(Int.random(in: 0..<4000, using: &random))
        }
    }
}
