import Foundation
import SluiceClient
import SluiceRuntime
import Synchronization
import TestSupport
import Testing

@Suite("Clients of a daemon that is killed", .serialized, .bounded) struct ClientSurvivalTests {
    /// What senders and receivers have learned about each message, by its text.
    private final class Ledger: Sendable {
        struct Entry {
            /// How many acknowledgements were answered with OK.
            var received = 0
            /// How many acknowledgements are in doubt.
            var perhapsReceived = 0
            /// The outcome of the send; nil is OK.
            var outcome: SluiceError.Code??
        }

        private let entries = Lock<[String: Entry]>([:])
        private let sent = Atomic<Int>(0)
        private let over = Atomic<Bool>(false)

        func note(_ text: String, _ change: (inout Entry) -> Void) {
            entries.withLock { change(&$0[text, default: Entry()]) }
        }

        func noteSent(_ text: String, _ outcome: SluiceError.Code?) {
            note(text) { $0.outcome = .some(outcome) }
            if outcome == nil { sent.add(1, ordering: .relaxed) }
        }

        /// Makes the senders stop.
        func end() { over.store(true, ordering: .relaxed) }
        var isOver: Bool { over.load(ordering: .relaxed) }

        /// The number of sends that were answered with OK.
        var sentCount: Int { sent.load(ordering: .relaxed) }
        var all: [String: Entry] { entries.withLock { $0 } }
    }

    private static let deaths = 50
    private static let sendsBetweenDeaths = 40

    private static func code(_ body: () async throws -> Void) async -> SluiceError.Code? {
        do { try await body() } catch { return (error as? SluiceError)?.code ?? .misuse }
        return nil
    }

    /// Sends until the ledger is closed. Every second message has an id.
    private static func send(_ name: String, on channel: RemoteChannel, in ledger: Ledger) async {
        var number = 0
        while !ledger.isOver {
            let text = "\(name)-\(number)"
            let id = number.isMultiple(of: 2) ? text : nil
            ledger.noteSent(text, await code { try await channel.send(text, timeout: .seconds(5), id: id) })
            number += 1
        }
    }

    /// Receives under leases until the channel is closed, over all lives of the daemon.
    private static func receive(from channel: RemoteChannel, in ledger: Ledger) async {
        while true {
            do {
                guard let delivery = try await channel.receive(lease: .seconds(60)) else { return }
                let text = delivery.message.text
                switch await code({ try await delivery.acknowledge() }) {
                case nil: ledger.note(text) { $0.received += 1 }
                case .inDoubt: ledger.note(text) { $0.perhapsReceived += 1 }
                default: break
                }
            } catch {
                #expect(Bool(false), "a receive was not repeated: \(error)")
                return
            }
        }
    }

    @Test("Over fifty kills of the daemon, every operation ends, and every outcome is true")
    func fiftyDeathsOfTheDaemonLeaveNothingHangingAndNothingToldWrong() async throws {
        var daemon = try Daemon()
        let address = "127.0.0.1:\(try daemon.port)"
        var options = ClientOptions()
        options.reconnect = Backoff(initial: .milliseconds(5), longest: .milliseconds(50))
        let senders = try await Client.connect(address, options: options)
        let receivers = try await Client.connect(address, options: options)
        let ledger = Ledger()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let channel = try senders.channel("jobs")
            let receiving = try receivers.channel("jobs")
            for _ in 0..<8 {
                group.addTask { await Self.receive(from: receiving, in: ledger) }
            }
            let sending = Task(executorPreference: taskThreads) {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            await Self.send("s\(number)", on: channel, in: ledger)
                        }
                    }
                }
            }
            for _ in 0..<Self.deaths {
                let mark = ledger.sentCount + Self.sendsBetweenDeaths
                try await until("\(mark) messages were sent") { ledger.sentCount >= mark }
                try daemon.expectEnd(after: SIGKILL, status: -SIGKILL)
                daemon = try Daemon(["--listen", address])
            }
            let mark = ledger.sentCount + Self.sendsBetweenDeaths
            try await until("\(mark) messages were sent") { ledger.sentCount >= mark }
            ledger.end()
            await sending.value
            try await channel.close()
            try await group.waitForAll()
        }
        await senders.close()
        await receivers.close()
        try daemon.expectEnd(after: SIGTERM)

        #expect(ledger.sentCount >= Self.deaths * Self.sendsBetweenDeaths)
        for (text, entry) in ledger.all {
            #expect(entry.received <= 1, "\(text) was acknowledged more than once")
            switch entry.outcome {
            case .some(nil): #expect(entry.received + entry.perhapsReceived >= 1, "\(text) was OK, and nobody has it")
            case .some(.inDoubt?): break
            case .some(let code?): #expect(entry.received == 0, "\(text) was \(code), and somebody has it")
            case nil: #expect(Bool(false), "\(text) was received, and never sent")
            }
        }
    }
}
