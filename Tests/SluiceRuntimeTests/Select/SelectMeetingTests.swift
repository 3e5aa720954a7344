import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

/// Selects that meet selects, on one thread and across threads.
@Suite(.bounded) struct SelectMeetingTests {
    private let ledger = Ledger()

    /// The two selects name the same channels in opposite orders, and must neither miss each other nor deadlock.
    @Test("Two selects with opposite arms meet each other every time", arguments: NetworkPlace.allCases)
    func twoSelectsAgainstEachOther(place: NetworkPlace) async throws {
        let (first, second) = (Channel<Int>(name: "first"), Channel<Int>(name: "second"))
        let rounds = 1000
        try await place.run([
            { [ledger] in
                for round in 0..<rounds {
                    try await select {
                        first.sending(round) { ledger.noteSent(round) }
                        second.receiving { ledger.noteReceived($0 ?? -1) }
                    }
                }
            },
            { [ledger] in
                for round in rounds..<2 * rounds {
                    try await select {
                        second.sending(round) { ledger.noteSent(round) }
                        first.receiving { ledger.noteReceived($0 ?? -1) }
                    }
                }
            },
        ])
        #expect(ledger.balances)
        #expect(ledger.sentCount == rounds, "each round of both is one message")
        #expect([first.parkedCount, second.parkedCount] == [0, 0])
    }

    @Test(
        "Two selects that send and receive on one channel meet each other, never themselves",
        arguments: NetworkPlace.allCases)
    func twoSelectsThatSendAndReceiveOnOneChannel(place: NetworkPlace) async throws {
        let channel = Channel<Int>()
        let rounds = 1000
        let chooser: @Sendable (Int) async throws -> Void = { [ledger] id in
            for round in 0..<rounds {
                let message = id * rounds + round
                try await select {
                    channel.sending(message) { ledger.noteSent(message) }
                    channel.receiving { received in
                        #expect(received.map { $0 / rounds } == 1 - id, "no select meets itself")
                        ledger.noteReceived(received ?? -1)
                    }
                }
            }
        }
        try await place.run([{ try await chooser(0) }, { try await chooser(1) }])
        #expect(ledger.balances)
        #expect(ledger.sentCount == rounds)
        #expect(channel.parkedCount == 0)
    }

    /// The behaviour of Go's `test/chan/doubleselect.go`: if two arms of a select ran, a number would come twice.
    @Test("No select takes two arms", arguments: NetworkPlace.allCases)
    func noSelectTakesTwoArms(place: NetworkPlace) async throws {
        let channels = (0..<4).map { Channel<Int>(name: "c\($0)") }
        let merged = Channel<Int>(name: "merged")
        let (count, open) = (4000, Countdown(channels.count))
        let sender: @Sendable () async throws -> Void = {
            for number in 0..<count {
                try await select(order: .random) {
                    for channel in channels { channel.sending(number) {} }
                }
            }
            for channel in channels { channel.close() }
        }
        let muxes = channels.map { channel -> @Sendable () async throws -> Void in
            {
                while let number = try await channel.receive() { try await merged.send(number) }
                if open.countDown() { merged.close() }
            }
        }
        let receiver: @Sendable () async throws -> Void = { [ledger] in
            while let number = try await merged.receive() { ledger.noteReceived(number) }
        }
        try await place.run([sender, receiver] + muxes)
        #expect(ledger.received.sorted() == Array(0..<count))
        #expect((channels + [merged]).allSatisfy { $0.parkedCount == 0 })
    }

    /// Each select names many channels, in its own order.
    @Test("A crowd of selects loses no message", arguments: NetworkPlace.allCases)
    func aCrowdOfSelectsLosesNothing(place: NetworkPlace) async throws {
        let channels = (0..<5).map { index in
            Channel<Int>(index.isMultiple(of: 2) ? .rendezvous : .buffered(capacity: 1), name: "c\(index)")
        }
        let crowd = (0..<6).map { id -> @Sendable () async throws -> Void in
            { [ledger] in
                for round in 0..<200 {
                    let message = id * 1000 + round
                    let (there, back) = ((id + round) % 5, (id * 3 + round * 2 + 1) % 5)
                    try await select(order: .random) {
                        channels[there].sending(message) { ledger.noteSent(message) }
                        channels[back].receiving { ledger.noteReceived($0 ?? -1) }
                        channels[(back + 1) % 5].receiving { ledger.noteReceived($0 ?? -1) }
                        // All the others may have ended.
                        after(.milliseconds(1)) {}
                    }
                }
            }
        }
        try await place.run(crowd)
        for channel in channels {
            while let message = try channel.tryReceive() { ledger.noteReceived(message) }
        }
        #expect(ledger.balances)
        #expect(channels.allSatisfy { $0.parkedCount == 0 })
    }
}

/// Finds the last of several callers.
private final class Countdown: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    /// Whether the caller is the last.
    func countDown() -> Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}
