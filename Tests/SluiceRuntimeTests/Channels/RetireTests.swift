import TestSupport
import Testing

@testable import SluiceRuntime

/// The behaviour of PyCSP's `test/autotest.py`: processes retire from their channels one by one, and the last one
/// closes the channel for the other side.
@Suite(.bounded) struct RetireTests {
    typealias Process = @Sendable () async throws -> Void

    private static let messagesPerWriter = 10
    private let ledger = Ledger()

    @Test("A writer that retires ends its reader", arguments: NetworkPlace.allCases, Pace.pairs)
    func oneToOne(place: NetworkPlace, paces: Pace.Pair) async throws {
        let (sending, receiving) = Channel<Int>.ends()
        try await place.run([reader(receiving, paces.reader), writer(sending, 0, paces.writer)])
        #expect(ledger.received == Array(0..<Self.messagesPerWriter))
        #expect(sending.counter.channel.parkedCount == 0)
    }

    @Test("Readers end when the last of several writers retires", arguments: NetworkPlace.allCases, Pace.pairs)
    func anyToAny(place: NetworkPlace, paces: Pace.Pair) async throws {
        let crew = try Crew(senders: 4, receivers: 4)
        let readers = crew.receivers.map { reader($0, paces.reader) }
        let writers = crew.senders.enumerated().map { writer($1, $0, paces.writer) }
        try await place.run(readers + writers)
        #expect(ledger.balances)
        #expect(ledger.receivedCount == 4 * Self.messagesPerWriter, "the channel closes with the last writer only")
        #expect(crew.channel.parkedCount == 0)
    }

    @Test("A selecting reader ends when every writer has retired", arguments: NetworkPlace.allCases, Pace.pairs)
    func anyToOneThatSelects(place: NetworkPlace, paces: Pace.Pair) async throws {
        let channels = (0..<4).map { Channel<Int>.ends(name: "c\($0)") }
        let writers = channels.enumerated().map { writer($1.sending, $0, paces.writer) }
        let ends = channels.map(\.receiving)
        let selector: Process = { [ledger] in
            var pauses = paces.reader.pauses()
            var open = ends.map { _ in true }
            while open.contains(true) {
                await pauses.pause()
                let (index, message) = try await select {
                    for (index, end) in ends.enumerated() { end.receiving { (index, $0) }.when(open[index]) }
                }
                if let message { ledger.noteReceived(message) } else { open[index] = false }
            }
        }
        try await place.run([selector] + writers)
        #expect(ledger.balances)
        #expect(ledger.receivedCount == 4 * Self.messagesPerWriter)
    }

    /// The readers retire first, and every message that a writer could send was received.
    @Test("Writers end when the last reader retires", arguments: NetworkPlace.allCases, Pace.pairs)
    func readersThatRetireEndTheWriters(place: NetworkPlace, paces: Pace.Pair) async throws {
        let crew = try Crew(senders: 3, receivers: 3)
        let readers = crew.receivers.enumerated().map { index, end -> Process in
            { [ledger] in
                defer { end.retire() }
                var pauses = paces.reader.pauses()
                for _ in 0..<3 + index {
                    await pauses.pause()
                    if let message = try await end.receive() { ledger.noteReceived(message) }
                }
            }
        }
        let writers = crew.senders.enumerated().map { index, end -> Process in
            { [ledger] in
                var pauses = paces.writer.pauses()
                let error = await failure {
                    for count in 0... {
                        await pauses.pause()
                        try await end.send(index * 1000 + count)
                        ledger.noteSent(index * 1000 + count)
                    }
                }
                #expect(error?.code == .closed)
            }
        }
        try await place.run(readers + writers)
        #expect(ledger.balances)
        #expect(ledger.receivedCount == 3 + 4 + 5)
        #expect(crew.channel.parkedCount == 0)
    }

    // MARK: The processes

    private func reader(_ end: ReceivingEnd<Int>, _ pace: Pace) -> Process {
        { [ledger] in
            defer { end.retire() }
            var pauses = pace.pauses()
            while let message = try await end.receive() {
                ledger.noteReceived(message)
                await pauses.pause()
            }
        }
    }

    private func writer(_ end: SendingEnd<Int>, _ id: Int, _ pace: Pace) -> Process {
        { [ledger] in
            defer { end.retire() }
            var pauses = pace.pauses()
            for count in 0..<Self.messagesPerWriter {
                await pauses.pause()
                try await end.send(id * 1000 + count)
                ledger.noteSent(id * 1000 + count)
            }
        }
    }
}

/// Several sending and receiving ends of one channel.
private struct Crew {
    let senders: [SendingEnd<Int>]
    let receivers: [ReceivingEnd<Int>]

    init(senders senderCount: Int, receivers receiverCount: Int) throws {
        let (sending, receiving) = Channel<Int>.ends(name: "c")
        senders = [sending] + (try (1..<senderCount).map { _ in try sending.copy() })
        receivers = [receiving] + (try (1..<receiverCount).map { _ in try receiving.copy() })
    }

    var channel: Channel<Int> { senders[0].counter.channel }
}
