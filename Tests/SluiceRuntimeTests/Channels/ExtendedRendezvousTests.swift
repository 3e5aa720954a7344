import TestSupport
import Testing

@testable import SluiceRuntime

/// After JCSP's extended rendezvous (`startRead`, `endRead`) and occam's `??`.
@Suite(.bounded) struct ExtendedRendezvousTests {
    @Test("The sender waits for the work, whichever side comes first", arguments: [false, true])
    func theSenderWaits(_ senderIsFirst: Bool) throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>()
            let (begun, gate) = (Event(), Event())
            let receive: @Sendable () async throws -> Int? = {
                try await channel.receiveExtended { message in
                    begun.set()
                    try await gate.wait()
                    return message * 2
                }
            }
            let send: @Sendable () async throws -> Void = { try await channel.send(21) }
            let (sender, receiver): (GreenTask<Void>, GreenTask<Int?>)
            if senderIsFirst {
                sender = reactor.spawn("sender", send)
                try await parked(sender)
                receiver = reactor.spawn("receiver", receive)
            } else {
                receiver = reactor.spawn("receiver", receive)
                try await parked(receiver)
                #expect(receiver.report == "'receiver': receive from an unnamed channel")
                sender = reactor.spawn("sender", send)
            }
            try await begun.wait()
            #expect(!sender.hasEnded)
            // The message was taken, so that the send cannot be cancelled any more.
            sender.cancel()
            for _ in 0..<3 { await Task.yield() }
            #expect(!sender.hasEnded)
            gate.set()
            #expect(try await receiver.join() == 42)
            try await sender.join()
            #expect(channel.parkedCount == 0)
        }
    }

    @Test("The sender continues when the work fails, and a select sends like any other")
    func failures() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>()
            let sender = reactor.spawn {
                try await select { channel.sending(1) { "sent" } }
            }
            await #expect(throws: TestFailure.self) {
                try await channel.receiveExtended { _ -> Void in throw TestFailure(name: "work") }
            }
            let sent = try await sender.join()
            #expect(sent == "sent")
            #expect(try !channel.trySend(2), "nobody receives")
        }
    }

    @Test("A wait is cut short, and loses nothing")
    func cutShort() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let channel = Channel<Int>(name: "jobs")
            let receiver = reactor.spawn { try await channel.receiveExtended(timeout: .seconds(1)) { $0 } }
            try await parked(receiver)
            #expect(try !channel.trySend(1), "a send that does not wait meets no extended receive")
            try await parked(receiver)
            clock.advance(by: .seconds(1))
            #expect(await failure { _ = try await receiver.join() }?.code == .timedOut)
            let other = reactor.spawn { try await channel.receiveExtended { $0 } }
            try await parked(other)
            other.cancel()
            #expect(await failure { _ = try await other.join() }?.code == .cancelled)
            #expect(channel.parkedCount == 0)
        }
    }

    @Test("A channel that ends, ends the receive")
    func ending() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (closed, poisoned) = (Channel<Int>(), Channel<Int>())
            let first = reactor.spawn { try await closed.receiveExtended { $0 } }
            let second = reactor.spawn { try await poisoned.receiveExtended { $0 } }
            try await parked([first, second])
            closed.close()
            poisoned.poison(reason: "bad")
            #expect(try await first.join() == nil)
            #expect(await failure { _ = try await second.join() }?.code == .poisoned)
        }
    }

    @Test("A channel that buffers does not hold its senders up")
    func buffered() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>(.buffered(capacity: 1))
            let gate = Event()
            let sender = reactor.spawn { for number in 1...2 { try await channel.send(number) } }
            try await parked(sender)
            let receiver = reactor.spawn { try await channel.receiveExtended { _ in try await gate.wait() } }
            try await sender.join()
            gate.set()
            _ = try await receiver.join()
            #expect(try await channel.receive() == 2)
        }
    }

    @Test("No message is lost or doubled among extended and other receivers", arguments: NetworkPlace.allCases)
    func crowd(_ place: NetworkPlace) async throws {
        let channel = Channel<Int>()
        let ledger = Ledger()
        let left = Turns(3)
        let senders: [@Sendable () async throws -> Void] = (0..<3).map { number in
            {
                for message in 0..<200 {
                    ledger.noteSent(number * 1000 + message)
                    try await channel.send(number * 1000 + message)
                }
                if left.takeLast() { channel.close() }
            }
        }
        let extended: @Sendable () async throws -> Void = {
            while try await channel.receiveExtended({ message in
                await Task.yield()
                ledger.noteReceived(message)
            }) != nil {}
        }
        let plain: @Sendable () async throws -> Void = {
            while let message = try await channel.receive() { ledger.noteReceived(message) }
        }
        try await place.run(senders + [extended, plain, extended])
        #expect(ledger.balances)
        #expect(ledger.receivedCount == 600)
    }

    /// Counts down to the last of several.
    private final class Turns: Sendable {
        private let left: Recorder<Void> = Recorder()
        private let count: Int

        init(_ count: Int) { self.count = count }

        func takeLast() -> Bool {
            left.record(())
            return left.values.count == count
        }
    }
}
