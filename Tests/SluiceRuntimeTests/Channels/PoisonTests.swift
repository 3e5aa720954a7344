import TestSupport
import Testing

@testable import SluiceRuntime

/// The behaviour of PyCSP's `test/poisontest.py`: a process that poisons a channel ends a whole network of processes.
///
/// As there, a process that meets poison poisons all its channels. Where the original sleeps to vary its processes,
/// these yield. They also count: each message whose send has returned was received, and no other message was.
@Suite(.bounded) struct PoisonTests {
    typealias Process = @Sendable () async throws -> Void

    private static let messagesPerWriter = 10
    private let ledger = Ledger()

    @Test("Poison ends a network of one writer and one reader", arguments: NetworkPlace.allCases, Pace.pairs)
    func oneToOne(place: NetworkPlace, paces: Pace.Pair) async throws {
        let channel = Channel<Int>(name: "c")
        try await place.run([reader(channel, paces.reader), writer(channel, 0, paces.writer)])
        #expect(ledger.balances)
        #expect(ledger.received == Array(0..<Self.messagesPerWriter))
        #expect(channel.parkedCount == 0)
    }

    @Test(
        "Poison ends a network of several writers and one selecting reader", arguments: NetworkPlace.allCases,
        Pace.pairs)
    func anyToOneThatSelects(place: NetworkPlace, paces: Pace.Pair) async throws {
        let channels = (0..<4).map { Channel<Int>(name: "c\($0)") }
        let writers = channels.enumerated().map { writer($1, $0, paces.writer) }
        try await place.run([selectingReader(channels, paces.reader)] + writers)
        #expect(ledger.balances)
        #expect(ledger.receivedCount >= Self.messagesPerWriter)
        #expect(channels.allSatisfy { $0.parkedCount == 0 })
    }

    @Test("Poison ends a network of several writers and readers", arguments: NetworkPlace.allCases, Pace.pairs)
    func anyToAny(place: NetworkPlace, paces: Pace.Pair) async throws {
        let channel = Channel<Int>(name: "c")
        let readers = (0..<4).map { _ in reader(channel, paces.reader) }
        let writers = (0..<4).map { writer(channel, $0, paces.writer) }
        try await place.run(readers + writers)
        #expect(ledger.balances)
        #expect(ledger.receivedCount >= Self.messagesPerWriter)
        #expect(channel.parkedCount == 0)
    }

    @Test(
        "Poison ends a network of selecting writers and selecting readers", arguments: NetworkPlace.allCases, Pace.pairs
    )
    func anyThatSelectsToAnyThatSelects(place: NetworkPlace, paces: Pace.Pair) async throws {
        let channels = (0..<4).map { Channel<Int>(name: "c\($0)") }
        let readers = (0..<2).map { _ in selectingReader(channels, paces.reader) }
        let writers = (0..<2).map { selectingWriter(channels, $0, paces.writer) }
        try await place.run(readers + writers)
        #expect(ledger.balances)
        #expect(ledger.receivedCount >= 4 * Self.messagesPerWriter)
        #expect(channels.allSatisfy { $0.parkedCount == 0 })
    }

    // MARK: The processes

    private func process(_ channels: [Channel<Int>], _ body: @escaping Process) -> Process {
        {
            do {
                try await body()
            } catch let error as SluiceError where error.code == .poisoned {
                #expect(error.message.contains("enough"), "the reason goes with the poison")
                for channel in channels { channel.poison(reason: "enough") }
            }
        }
    }

    private func reader(_ channel: Channel<Int>, _ pace: Pace) -> Process {
        process([channel]) { [ledger] in
            var pauses = pace.pauses()
            while true {
                await pauses.pause()
                guard let message = try await channel.receive() else { break }
                ledger.noteReceived(message)
            }
        }
    }

    private func writer(_ channel: Channel<Int>, _ id: Int, _ pace: Pace) -> Process {
        process([channel]) { [ledger] in
            var pauses = pace.pauses()
            for count in 0..<Self.messagesPerWriter {
                await pauses.pause()
                try await channel.send(id * 1000 + count)
                ledger.noteSent(id * 1000 + count)
            }
            channel.poison(reason: "enough")
        }
    }

    private func selectingReader(_ channels: [Channel<Int>], _ pace: Pace) -> Process {
        process(channels) { [ledger] in
            var pauses = pace.pauses()
            while true {
                await pauses.pause()
                try await select {
                    for channel in channels {
                        channel.receiving { message in
                            if let message { ledger.noteReceived(message) }
                        }
                    }
                }
            }
        }
    }

    private func selectingWriter(_ channels: [Channel<Int>], _ id: Int, _ pace: Pace) -> Process {
        process(channels) { [ledger] in
            var pauses = pace.pauses()
            for count in 0..<4 * Self.messagesPerWriter {
                await pauses.pause()
                let message = id * 1000 + count
                try await select {
                    for channel in channels { channel.sending(message) { ledger.noteSent(message) } }
                }
            }
            for channel in channels { channel.poison(reason: "enough") }
        }
    }
}
