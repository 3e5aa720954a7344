import TestSupport
import Testing

@testable import SluiceRuntime

/// After core.async's tests of `mix` and `split`.
@Suite(.bounded) struct MixTests {
    @Test("A mix passes on the messages of all its sources, also of those that come later")
    func sources() throws {
        try Reactor().run {
            let output = Channel<Int>()
            let mix = try Mix(into: output)
            mix.add(Channel(of: [1]))
            #expect(try await output.receive() == 1)
            mix.add(Channel(of: [2]))
            #expect(try await output.receive() == 2)
            try await until("the sources have ended") { mix.sourceCount == 0 }
            #expect(output.ending == nil, "others may send on the channel")
        }
    }

    @Test("A muted source is emptied, a paused one is not, and neither is heard")
    func mutedAndPaused() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (muted, paused, output) = (Channel<Int>(), Channel<Int>(), Channel<Int>())
            let mix = try Mix(into: output)
            let mute = mix.add(muted, .muted)
            let pause = mix.add(paused, .paused)
            for number in 1...3 { try await muted.send(number) }
            let sender = reactor.spawn { try await paused.send(4) }
            try await parked(sender)
            #expect(output.parkedCount == 0)
            pause.set([])
            #expect(try await output.receive() == 4)
            try await sender.join()
            mute.set([])
            reactor.spawn { try await muted.send(5) }
            #expect(try await output.receive() == 5)
        }
    }

    @Test("While a source is soloed, the others are muted or paused", arguments: [false, true])
    func soloed(_ pausesOthers: Bool) throws {
        let reactor = try Reactor()
        try reactor.run {
            let (solo, other, output) = (Channel<Int>(), Channel<Int>(), Channel<Int>())
            let mix = try Mix(into: output)
            if pausesOthers { mix.soloMode = .paused }
            // A solo counts more than the source's other settings.
            let voice = mix.add(solo, [.soloed, .muted])
            mix.add(other)
            let sender = reactor.spawn { try await other.send(1) }
            reactor.spawn { try await solo.send(2) }
            #expect(try await output.receive() == 2)
            if pausesOthers {
                try await parked(sender)
                voice.set([])
                #expect(try await output.receive() == 1)
            }
            try await sender.join()
        }
    }

    @Test("A source that was removed is not heard, and its receiving end has retired")
    func removed() throws {
        try Reactor().run {
            let output = Channel<Int>()
            let mix = try Mix(into: output)
            let (sending, receiving) = Channel<Int>.ends()
            let input = mix.add(receiving)
            input.remove()
            #expect(await failure { try await sending.send(1) }?.code == .closed)
            mix.add(Channel<Int>())
            mix.removeAll()
            #expect(mix.sourceCount == 0)
        }
    }

    @Test("A poisoned source poisons the channel, and a poisoned channel its sources")
    func poison() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (source, output) = (Channel<Int>(), Channel<Int>())
            let mix = try Mix(into: output)
            mix.add(source)
            source.poison(reason: "bad")
            #expect(await failure { _ = try await output.receive() }?.code == .poisoned)

            let (feed, sink) = (Channel<Int>(), Channel<Int>())
            let other = try Mix(into: sink)
            other.add(feed)
            sink.poison(reason: "full")
            reactor.spawn { try? await feed.send(1) }
            try await until("the source is poisoned") { feed.ending != nil }
            #expect(feed.ending == .poisoned(reason: "full"))
        }
    }

    @Test("A mix that is not in use ends with its last source, and a deadlock names it")
    func ending() throws {
        let reactor = try Reactor()
        let deadlock = #expect(throws: Deadlock.self) {
            try reactor.run {
                let (source, output) = (Channel<Int>(name: "source"), Channel<Int>())
                do { try Mix(into: output, name: "ends").add(source) }
                source.close()
                let kept = try Mix(into: output, name: "stays")
                defer { withExtendedLifetime(kept) {} }
                _ = try await output.receive()
            }
        }
        #expect(
            deadlock?.tasks == [
                "'main': receive from an unnamed channel",
                "'stays': select among receive from channel 'sources of stays'",
            ])
    }

    @Test("A split divides the messages and keeps their order")
    func divided() throws {
        try Reactor().run {
            let (even, odd) = try split(Channel(of: 0..<10), .unbounded, by: { $0.isMultiple(of: 2) })
            #expect(try await even.reduce(into: []) { $0.append($1) } == [0, 2, 4, 6, 8])
            #expect(try await odd.reduce(into: []) { $0.append($1) } == [1, 3, 5, 7, 9])
        }
    }

    @Test("A split goes on for one result when the other one has retired, and ends when both have")
    func halves() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let (even, odd) = try split(receiving, by: { $0.isMultiple(of: 2) })
            odd.retire()
            let sender = reactor.spawn { for number in [1, 2, 3] { try await sending.send(number) } }
            #expect(try await even.receive() == 2)
            try await sender.join()
            even.retire()
            #expect(await failure { try await sending.send(4) }?.code == .closed)
        }
    }

    @Test("An error of the function poisons both results")
    func error() throws {
        try Reactor().run {
            let (even, odd) = try split(Channel(of: [1])) { _ in throw TestFailure(name: "split") }
            for result in [even, odd] {
                #expect(await failure { _ = try await result.receive() }?.code == .poisoned)
            }
        }
    }

    @Test("The elements of a sequence are sent in order, and may close the channel")
    func sequences() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>()
            reactor.spawn {
                try await channel.send(contentsOf: 1...2)
                try await channel.send(contentsOf: 3...4, closing: true)
            }
            let sum = try await channel.reduce(0, +)
            #expect(sum == 10)
            #expect(await failure { try await channel.send(contentsOf: [5]) }?.code == .closed)
        }
    }

    @Test("Removing all taps and subscriptions ends them after what they have")
    func allRemoved() throws {
        try Reactor().run {
            let feed = Channel<Int>(.unbounded)
            let news = try Broadcast(of: feed)
            let tap = news.tap(.buffered(capacity: 1))
            try await feed.send(1)
            try await until("it is passed on") { tap.bufferedCount == 1 }
            news.removeAllTaps()
            #expect(try await tap.receive() == 1)
            #expect(try await tap.receive() == nil)
            let next = news.tap()
            try await feed.send(2)
            #expect(try await next.receive() == 2)

            let topics = try Publication(of: Channel<Int>(), by: { $0 % 2 })
            let (even, odd) = (topics.subscribe(to: 0), topics.subscribe(to: 1))
            topics.removeAllSubscriptions(to: 0)
            #expect(try await even.receive() == nil)
            #expect(odd.ending == nil)
            topics.removeAllSubscriptions()
            #expect(try await odd.receive() == nil)
        }
    }
}
