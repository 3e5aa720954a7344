import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct MergeTests {
    @Test("A merge delivers every message, in order for each source, and ends with the last source")
    func deliversEveryMessage() throws {
        let reactor = try Reactor()
        try reactor.run {
            let sources = (0..<3).map { _ in Channel<Int>() }
            for (number, source) in sources.enumerated() {
                reactor.spawn {
                    for step in 0..<(10 * (number + 1)) { try await source.send(100 * number + step) }
                    source.close()
                }
            }
            var received: [Int] = []
            for try await message in try merge(sources) { received.append(message) }
            #expect(received.count == 60)
            for number in 0..<3 {
                let own = received.filter { $0 / 100 == number }
                #expect(own == (0..<(10 * (number + 1))).map { 100 * number + $0 })
            }
        }
    }

    @Test("A busy source does not starve the others")
    func aBusySourceDoesNotShutOutTheOthers() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (busy, quiet) = (Channel<Int>(.unbounded), Channel<Int>(.unbounded))
            for _ in 0..<100 { try await busy.send(0) }
            try await quiet.send(1)
            let merged = try merge([busy, quiet])
            let first = [try await merged.receive(), try await merged.receive()]
            #expect(first.contains(1))
        }
    }

    @Test("Channels and receiving ends can be merged")
    func channelsAndEndsCanBeMerged() throws {
        try Reactor(clock: ManualReactorClock()).run {
            let (channel, (sending, receiving)) = (Channel<Duration>(), Channel<Duration>.ends())
            let merged = try merge([channel, receiving, try Channel.after(.zero)])
            #expect(try await merged.receive() == .zero)
            try await sending.send(.seconds(1))
            #expect(try await merged.receive() == .seconds(1))
            try await channel.send(.seconds(2))
            #expect(try await merged.receive() == .seconds(2))
            channel.close()
            sending.retire()
            #expect(try await merged.receive() == nil)
        }
    }

    @Test("A merge of nothing ends at once")
    func nothingToMergeEndsAtOnce() throws {
        try Reactor().run {
            let merged: ReceivingEnd<Int> = try merge([])
            #expect(try await merged.receive() == nil)
        }
    }

    @Test("The poison of a source is passed on")
    func thePoisonOfASourceIsPassedOn() throws {
        try Reactor().run {
            let (good, bad) = (Channel<Int>(), Channel<Int>(name: "disk"))
            let merged = try merge([good, bad])
            bad.poison(reason: "no space left")
            let error = await failure { _ = try await merged.receive() }
            #expect(error?.code == .poisoned)
            #expect(error?.message.contains("disk") == true)
            #expect(error?.message.contains("no space left") == true)
            #expect(good.ending == nil, "its senders are unaffected")
        }
    }

    @Test("The poison of the receiver reaches the sources")
    func thePoisonOfTheReceiverReachesTheSources() throws {
        let reactor = try Reactor()
        try reactor.run {
            let sources = [Channel<Int>(), Channel<Int>()]
            let merged = try merge(sources)
            let senders = sources.map { source in reactor.spawn { while true { try await source.send(1) } } }
            _ = try await merged.receive()
            merged.poison(reason: "enough")
            for sender in senders { #expect(await failure { try await sender.join() }?.code == .poisoned) }
        }
    }

    @Test("The merge's task ends when the receiver has retired")
    func itsTaskEndsWhenTheReceiverHasRetired() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let channel = Channel<Int>()
            let merged = try merge([receiving, channel])
            try await sending.send(1)
            #expect(try await merged.receive() == 1)
            merged.retire()
            #expect(await failure { while true { try await sending.send(2) } }?.code == .closed)
            #expect(channel.parkedCount == 0)
            #expect(channel.ending == nil)
            #expect(reactor.tasks.count == 1)
        }
    }

    @Test("A receive that times out loses nothing")
    func aReceiveThatTimesOutLosesNothing() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let source = Channel<Int>(.unbounded)
            let merged = try merge([source])
            for message in 0..<50 {
                let reader = reactor.spawn { try await merged.receive(timeout: .seconds(1)) }
                try await parked(reader)
                // Both happen before the reader runs again, in either order.
                if message.isMultiple(of: 2) { try await source.send(message) }
                clock.advance(by: .seconds(1))
                if !message.isMultiple(of: 2) { try await source.send(message) }
                let received: Int?
                do {
                    received = try await reader.join()
                } catch {
                    received = try await merged.receive()
                }
                #expect(received == message)
            }
        }
    }

    @Test("A merge needs a reactor")
    func itNeedsAReactor() async throws {
        #expect(await failure { _ = try merge([Channel<Int>()]) }?.code == .misuse)
        let reactor = try Reactor()
        try reactor.start()
        defer { reactor.stop() }
        let source = Channel<Int>(.buffered(capacity: 1))
        let merged = try merge([source], on: reactor)
        try await source.send(1)
        #expect(try await merged.receive() == 1)
    }

    @Test("The merge's task is named in reports")
    func itsTaskHasItsNameInReports() throws {
        let error = #expect(throws: Deadlock.self) {
            try Reactor().run {
                let sources = [Channel<Int>(name: "a"), Channel<Int>(name: "b")]
                _ = try await merge(sources, name: "events").receive()
            }
        }
        #expect(error?.tasks.first == "'main': receive from channel 'events'")
        #expect(error?.tasks.last?.hasPrefix("'events': select among") == true)
    }
}
