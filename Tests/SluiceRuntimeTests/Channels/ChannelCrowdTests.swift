import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

/// One channel and a crowd of tasks, on one reactor, on two reactors, and on Swift's pool.
@Suite(.bounded) struct ChannelCrowdTests {
    private let ledger = Ledger()

    @Test(
        "In a crowd of senders and receivers, every message arrives once",
        arguments: NetworkPlace.allCases,
        [ChannelKind.rendezvous, .buffered(capacity: 1), .buffered(capacity: 7), .unbounded])
    func everyMessageArrivesOnce(place: NetworkPlace, kind: ChannelKind) async throws {
        let channel = Channel<Int>(kind)
        let senders = (0..<20).map { id -> @Sendable () async throws -> Void in
            { [ledger] in
                for count in 0..<100 {
                    let message = id * 1000 + count
                    // In turn a plain send, a trySend before it, and an arm of a select.
                    switch count % 3 {
                    case 0: try await channel.send(message)
                    case 1: if try !channel.trySend(message) { try await channel.send(message) }
                    default: try await select { channel.sending(message) {} }
                    }
                    ledger.noteSent(message)
                }
            }
        }
        let receivers = (0..<20).map { _ -> @Sendable () async throws -> Void in
            { [ledger] in
                for count in 0..<100 {
                    let message: Int?
                    switch count % 3 {
                    case 0: message = try await channel.receive()
                    case 1: message = try await select { channel.receiving { $0 } }
                    default:
                        if let first = try channel.tryReceive() {
                            message = first
                        } else {
                            message = try await channel.receive()
                        }
                    }
                    if let message { ledger.noteReceived(message) }
                }
            }
        }
        try await place.run(senders + receivers)
        #expect(ledger.balances)
        #expect(ledger.sentCount == 2000)
        #expect([channel.parkedCount, channel.bufferedCount] == [0, 0])
    }

    @Test("A buffer never holds more than its capacity", arguments: NetworkPlace.allCases)
    func aBufferNeverHoldsMoreThanItsCapacity(place: NetworkPlace) async throws {
        let channel = Channel<Int>(.buffered(capacity: 3))
        let senders = (0..<8).map { _ -> @Sendable () async throws -> Void in
            {
                for count in 0..<200 {
                    try await channel.send(count)
                    #expect(channel.bufferedCount <= 3)
                }
            }
        }
        let receiver: @Sendable () async throws -> Void = {
            for _ in 0..<8 * 200 {
                #expect(channel.bufferedCount <= 3)
                _ = try await channel.receive()
            }
        }
        try await place.run(senders + [receiver])
        #expect(channel.bufferedCount == 0)
    }

    /// Every message whose send returned before the close is received, and no other message is.
    @Test(
        "Closing a busy channel loses no message that was accepted", arguments: NetworkPlace.allCases,
        [ChannelKind.rendezvous, .buffered(capacity: 2), .unbounded])
    func closingABusyChannelLosesNothing(place: NetworkPlace, kind: ChannelKind) async throws {
        for round in 0..<30 {
            let (channel, ledger) = (Channel<Int>(kind), Ledger())
            let senders = (0..<4).map { id -> @Sendable () async throws -> Void in
                {
                    let error = await failure {
                        for count in 0... {
                            try await channel.send(id * 100_000 + count)
                            ledger.noteSent(id * 100_000 + count)
                            // Sends that never wait would keep the reactor from running other tasks.
                            if kind == .unbounded { await Task.yield() }
                        }
                    }
                    #expect(error?.code == .closed)
                }
            }
            let receivers = (0..<2).map { _ -> @Sendable () async throws -> Void in
                { while let message = try await channel.receive() { ledger.noteReceived(message) } }
            }
            let closer: @Sendable () async throws -> Void = {
                for _ in 0..<round { await Task.yield() }
                channel.close()
            }
            try await place.run(senders + receivers + [closer])
            #expect(ledger.balances)
            #expect([channel.parkedCount, channel.bufferedCount] == [0, 0])
        }
    }

    /// Messages sent before the poison may be lost, but none is received twice.
    @Test("Poisoning a busy channel ends every task that uses it", arguments: NetworkPlace.allCases)
    func poisonReachesEveryTaskOfABusyChannel(place: NetworkPlace) async throws {
        for round in 0..<30 {
            let (channel, other) = (Channel<Int>(.buffered(capacity: 1)), Channel<Int>())
            let ledger = Ledger()
            let crowd = (0..<8).map { id -> @Sendable () async throws -> Void in
                {
                    let error = await failure {
                        for count in 0... {
                            switch id % 4 {
                            case 0: try await channel.send(id * 100_000 + count)
                            case 1: if let message = try await channel.receive() { ledger.noteReceived(message) }
                            case 2:
                                try await select {
                                    channel.sending(id * 100_000 + count) {}
                                    other.receiving { _ in }
                                }
                            default:
                                try await select {
                                    channel.receiving { if let message = $0 { ledger.noteReceived(message) } }
                                    other.receiving { _ in }
                                }
                            }
                        }
                    }
                    #expect(error?.code == .poisoned)
                }
            }
            let poisoner: @Sendable () async throws -> Void = {
                for _ in 0..<round { await Task.yield() }
                channel.poison(reason: "enough")
            }
            try await place.run(crowd + [poisoner])
            #expect(Set(ledger.received).count == ledger.receivedCount)
            #expect([channel.parkedCount, channel.bufferedCount, other.parkedCount] == [0, 0, 0])
        }
    }
}
