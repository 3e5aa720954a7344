import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct RendezvousTests {
    @Test("A send waits for its receive")
    func aSendWaitsForItsReceive() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>()
            let sender = reactor.spawn { try await channel.send(1) }
            try await parked(sender)
            for _ in 0..<3 { try await turn(of: reactor) }
            #expect(sender.outcome == nil)
            #expect(try await channel.receive() == 1)
            try await sender.join()
        }
    }

    @Test("A send waits only when the buffer is full")
    func aSendThatABufferHasRoomForDoesNotWaitAndTheNextOneDoes() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>(.buffered(capacity: 2))
            try await channel.send(1)
            try await channel.send(2)
            let third = reactor.spawn { try await channel.send(3) }
            try await parked(third)
            #expect(channel.bufferedCount == 2)
            #expect(try await channel.receive() == 1)
            try await third.join()
            #expect(channel.bufferedCount == 2)
        }
    }

    @Test("No send completes before its receive has begun", arguments: NetworkPlace.allCases, [false, true])
    func noSendCompletesBeforeItsReceiveHasBegun(place: NetworkPlace, selects: Bool) async throws {
        let channel = Channel<Int>()
        let tally = Tally()
        let rounds = 500
        let sender: @Sendable () async throws -> Void = {
            for round in 0..<rounds {
                if selects {
                    try await select { channel.sending(round) {} }
                } else {
                    try await channel.send(round)
                }
                #expect(tally.noteCompletedSend())
            }
        }
        let receiver: @Sendable () async throws -> Void = {
            for _ in 0..<rounds {
                tally.noteBegunReceive()
                if selects {
                    try await select { channel.receiving { _ in } }
                } else {
                    _ = try await channel.receive()
                }
            }
        }
        try await place.run([sender, receiver, sender, receiver, receiver, sender])
        #expect(channel.parkedCount == 0)
    }

    /// The order holds with other senders, and across threads.
    @Test(
        "The messages of one sender arrive in order", arguments: NetworkPlace.allCases,
        [ChannelKind.rendezvous, .buffered(capacity: 3), .unbounded])
    func theMessagesOfASenderArriveInOrder(place: NetworkPlace, kind: ChannelKind) async throws {
        let channel = Channel<Int>(kind)
        let ledger = Ledger()
        let senders = (0..<4).map { id -> @Sendable () async throws -> Void in
            { for count in 0..<300 { try await channel.send(id * 1000 + count) } }
        }
        let receiver: @Sendable () async throws -> Void = {
            for _ in 0..<4 * 300 {
                if let message = try await channel.receive() { ledger.noteReceived(message) }
            }
        }
        try await place.run(senders + [receiver])
        for id in 0..<4 {
            #expect(ledger.received.filter { $0 / 1000 == id } == (0..<300).map { id * 1000 + $0 })
        }
    }
}

/// Counts the receives that have begun and the sends that have completed.
private final class Tally: Sendable {
    private let begun = Atomic<Int>(0)
    private let completed = Atomic<Int>(0)

    func noteBegunReceive() { begun.add(1, ordering: .sequentiallyConsistent) }

    /// False when more sends have completed than receives have begun.
    func noteCompletedSend() -> Bool {
        let count = completed.add(1, ordering: .sequentiallyConsistent).newValue
        return count <= begun.load(ordering: .sequentiallyConsistent)
    }
}
