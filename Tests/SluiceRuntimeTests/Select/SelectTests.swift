import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct SelectTests {
    @Test("A select takes the ready arm and leaves the others")
    func takesTheReadyArmAndLeavesTheOthers() throws {
        let (numbers, words) = (Channel<Int>(.buffered(capacity: 1)), Channel<String>(.buffered(capacity: 1)))
        let taken = try Reactor().run {
            try await words.send("hello")
            return try await select {
                numbers.receiving { "number \($0 ?? 0)" }
                words.receiving { "word \($0 ?? "")" }
            }
        }
        #expect(taken == "word hello")
        #expect([numbers.parkedCount, words.parkedCount] == [0, 0])
    }

    @Test("A select waits until an arm is ready")
    func waitsUntilAnArmIsReady() throws {
        let (numbers, words, sink) = (Channel<Int>(), Channel<String>(), Channel<Double>())
        let reactor = try Reactor()
        try reactor.run {
            for wanted in ["number 7", "word hello", "sent"] {
                let chooser = reactor.spawn {
                    try await select {
                        numbers.receiving { "number \($0 ?? 0)" }
                        words.receiving { "word \($0 ?? "")" }
                        sink.sending(0.5) { "sent" }
                    }
                }
                try await parked(chooser)
                #expect([numbers.parkedCount, words.parkedCount, sink.parkedCount] == [1, 1, 1])
                switch wanted {
                case "number 7": try await numbers.send(7)
                case "word hello": try await words.send("hello")
                default: #expect(try await sink.receive() == 0.5)
                }
                #expect(try await chooser.join() == wanted)
                #expect([numbers.parkedCount, words.parkedCount, sink.parkedCount] == [0, 0, 0])
            }
        }
    }

    /// Both counterparts come before the select runs again, and the second must not match it.
    @Test("One arm commits when two counterparts come at once")
    func oneArmCommitsWhenTwoCounterpartsComeAtOnce() throws {
        let (first, second) = (Channel<Int>(), Channel<Int>())
        let reactor = try Reactor()
        try reactor.run {
            let chooser = reactor.spawn {
                try await select {
                    first.receiving { $0 }
                    second.receiving { $0 }
                    first.sending(3) { 3 }
                }
            }
            try await parked(chooser)
            #expect(try first.trySend(1))
            #expect(try !second.trySend(2))
            #expect(try first.tryReceive() == nil)
            #expect(try await chooser.join() == 1)
        }
        #expect([first.parkedCount, second.parkedCount] == [0, 0])
    }

    @Test("An arm's action runs once, and its error is thrown")
    func itsActionsRunOnceAndTheirErrorsPassThrough() throws {
        struct Refusal: Error {}
        let channel = Channel<Int>(.buffered(capacity: 3))
        let runs = Recorder<Int?>()
        try Reactor().run {
            for message in 1...3 { try await channel.send(message) }
            await #expect(throws: Refusal.self) {
                try await select {
                    channel.receiving { message in
                        runs.record(message)
                        throw Refusal()
                    }
                    otherwise { runs.record(nil) }
                }
            }
        }
        #expect(runs.values == [1])
        #expect(channel.bufferedCount == 2)
    }

    @Test("An arm's action may select again")
    func anActionMaySelectItself() throws {
        let channel = Channel<Int>(.buffered(capacity: 3))
        let sum = try Reactor().run {
            for message in 1...3 { try await channel.send(message) }
            return try await select {
                channel.receiving { first in
                    try await select { channel.receiving { second in (first ?? 0) * 10 + (second ?? 0) } }
                }
            }
        }
        #expect(sum == 12)
        #expect(channel.bufferedCount == 1)
    }

    @Test("Several arms may be of one channel")
    func severalArmsMayBeOfOneChannel() throws {
        let channel = Channel<Int>()
        let reactor = try Reactor()
        try reactor.run {
            let chooser = reactor.spawn {
                try await select(order: .first) {
                    channel.receiving { "first \($0 ?? 0)" }
                    channel.receiving { "second \($0 ?? 0)" }
                    channel.sending(8) { "sent" }
                }
            }
            try await parked(chooser)
            #expect(channel.parkedCount == 3)
            try await channel.send(7)
            #expect(try await chooser.join() == "first 7")
            #expect(channel.parkedCount == 0)
        }
    }

    @Test("A disabled arm counts as absent")
    func aDisabledArmIsNotThere() throws {
        let (ready, open) = (Channel<Int>(.buffered(capacity: 2)), Channel<Int>())
        let reactor = try Reactor()
        try reactor.run {
            try await ready.send(1)
            let chooser = reactor.spawn {
                try await select {
                    ready.receiving { _ in "disabled" }.when(false)
                    ready.sending(2) { "disabled" }.when(true).when(false)
                    open.receiving { _ in "enabled" }.when(true)
                    after(.zero) { "disabled" }.when(false)
                    otherwise { "disabled" }.when(false)
                }
            }
            try await parked(chooser)
            #expect([ready.parkedCount, open.parkedCount] == [0, 1])
            try await open.send(1)
            #expect(try await chooser.join() == "enabled")
        }
        #expect(ready.bufferedCount == 1)
    }

    @Test("Arms can come from conditions and loops")
    func armsComeFromConditionsAndLoops() throws {
        let channels = (0..<3).map { Channel<Int>(.buffered(capacity: 1), name: "c\($0)") }
        let taken = try Reactor().run { [flag = channels.count == 3] in
            try await channels[2].send(7)
            return try await select {
                for channel in channels.dropFirst() { channel.receiving { "\(channel.name): \($0 ?? 0)" } }
                if flag { channels[0].receiving { _ in "if" } }
                if flag { channels[0].receiving { _ in "then" } } else { otherwise { "else" } }
            }
        }
        #expect(taken == "c2: 7")
    }

    @Test("A send arm is ready when the buffer has a free place")
    func aFullBufferIsNoReadyArmAndAFreePlaceIs() throws {
        let channel = Channel<Int>(.buffered(capacity: 1))
        let reactor = try Reactor()
        try reactor.run {
            try await channel.send(1)
            let chooser = reactor.spawn { try await select { channel.sending(2) { "sent" } } }
            try await parked(chooser)
            #expect(try await channel.receive() == 1)
            #expect(try await chooser.join() == "sent")
            #expect(try await channel.receive() == 2)
        }
    }

    @Test("Every select gets the value of a write-once channel")
    func everySelectGetsAWriteOnceValue() throws {
        let channel = Channel<Int>(.once)
        let reactor = try Reactor()
        try reactor.run {
            let choosers = (0..<3).map { _ in reactor.spawn { try await select { channel.receiving { $0 } } } }
            try await parked(choosers)
            try await select { channel.sending(42) {} }
            for chooser in choosers { #expect(try await chooser.join() == 42) }
            let late = try await select { channel.receiving { $0 } }
            #expect(late == 42)
        }
        #expect(channel.parkedCount == 0)
    }
}
