import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct TimerChannelTests {
    @Test("Channel.after yields one message and ends")
    func afterYieldsOneMessageAndEnds() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let timer = try Channel.after(.seconds(2))
            let reader = reactor.spawn {
                var received: [Duration] = []
                for try await elapsed in timer { received.append(elapsed) }
                return received
            }
            try await parked(reader)
            clock.advance(by: .seconds(1))
            try await turn(of: reactor)
            #expect(reader.isParked)
            clock.advance(by: .seconds(2))
            #expect(try await reader.join() == [.seconds(3)])
        }
    }

    @Test("Channel.after keeps its message for a late reader")
    func afterIsKeptForAReaderThatComesLate() throws {
        let clock = ManualReactorClock()
        try Reactor(clock: clock).run {
            let timer = try Channel.after(.zero)
            #expect(try await timer.receive() == .zero)
            #expect(try await timer.receive() == nil)
            let late = try Channel.after(.seconds(1))
            clock.advance(by: .seconds(1))
            try await sleep(for: .zero)
            #expect(try late.tryReceive() == .seconds(1))
        }
    }

    @Test("Ticks come at multiples of the interval")
    func ticksComeAtMultiplesOfTheInterval() throws {
        let clock = ManualReactorClock()
        try Reactor(clock: clock).run {
            let ticks = try Channel.every(.seconds(10))
            var times: [Duration] = []
            // The reactor is late for each tick, by a second more each time.
            for delay in 0..<5 {
                clock.advance(by: .seconds(10 + (delay == 0 ? 0 : 1)))
                times.append(try await ticks.receive() ?? .zero)
            }
            #expect(times == [10, 21, 32, 43, 54].map { .seconds($0) })
            clock.advance(by: .seconds(6))
            #expect(try await ticks.receive() == .seconds(60), "the next is due at a multiple, and no later")
        }
    }

    @Test("A late reader finds only the last tick")
    func aLateReaderFindsOnlyTheLastTick() throws {
        let clock = ManualReactorClock()
        try Reactor(clock: clock).run {
            let ticks = try Channel.every(.seconds(1))
            for _ in 0..<5 {
                clock.advance(by: .seconds(1))
                try await sleep(for: .zero)
            }
            #expect(try ticks.tryReceive() == .seconds(5))
            #expect(try ticks.tryReceive() == nil)
            clock.advance(by: .seconds(7))
            #expect(try await ticks.receive() == .seconds(12), "one tick for all that were missed")
            #expect(try ticks.tryReceive() == nil)
        }
    }

    /// The reactor reports a deadlock only when no timer is left that could wake a task.
    @Test("A ticker stops when its last end has retired")
    func aTickerStopsWhenItsLastEndHasRetired() throws {
        #expect(throws: Deadlock.self) {
            try Reactor(clock: ManualReactorClock()).run {
                let ticks = try Channel.every(.seconds(1))
                let copy = try ticks.copy()
                ticks.retire()
                copy.retire()
                let timer = try Channel.after(.seconds(1))
                timer.retire()
                let poisoned = try Channel.after(.seconds(1))
                poisoned.poison()
                _ = try await Channel<Int>().receive()
                withExtendedLifetime((copy, timer, poisoned)) {}
            }
        }
    }

    @Test("A ticker stops when nothing refers to it any more")
    func aTickerStopsWhenNothingRefersToItAnyMore() throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        #expect(throws: Deadlock.self) {
            try reactor.run {
                let reader = reactor.spawn {
                    _ = try await withTimeout(.zero) { try await Channel.every(.seconds(1)).receive() }
                }
                #expect(await failure { try await reader.join() }?.code == .timedOut)
                _ = try await Channel<Int>().receive()
            }
        }
    }

    @Test("A ticker goes on while one of its ends is left")
    func aTickerGoesOnAsLongAsOneOfItsEndsIsThere() throws {
        let clock = ManualReactorClock()
        try Reactor(clock: clock).run {
            let ticks = try Channel.every(.seconds(1))
            let copy = try ticks.copy()
            ticks.retire()
            clock.advance(by: .seconds(1))
            #expect(try await copy.receive() == .seconds(1))
        }
    }

    @Test("Timer channels can be arms of a select")
    func timersAreArmsOfASelect() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let work = Channel<Int>()
            let chooser = reactor.spawn {
                let (ticks, deadline) = (try Channel.every(.seconds(2)), try Channel.after(.seconds(5)))
                var log: [String] = []
                while log.last != "deadline" {
                    log.append(
                        try await select(order: .first) {
                            work.receiving { "work \($0 ?? 0)" }
                            ticks.receiving { "tick \($0 ?? .zero)" }
                            deadline.receiving { _ in "deadline" }
                        })
                }
                return log
            }
            for step in 1...5 {
                try await parked(chooser)
                if step == 3 { try await work.send(step) }
                clock.advance(by: .seconds(1))
                try await turn(of: reactor)
            }
            #expect(try await chooser.join() == ["tick 2.0 seconds", "work 3", "tick 4.0 seconds", "deadline"])
        }
    }

    @Test("Off the reactors, a timer channel needs a reactor as an argument")
    func aTimerChannelNeedsAReactor() async throws {
        #expect(await failure { _ = try Channel.every(.seconds(1)) }?.code == .misuse)
        #expect(await failure { _ = try Channel.after(.seconds(1)) }?.code == .misuse)
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.start()
        defer { reactor.stop() }
        let timer = try Channel.after(.seconds(1), on: reactor)
        clock.advance(by: .seconds(1))
        #expect(try await timer.receive() == .seconds(1))
    }

    @Test("An interval must be positive")
    func anIntervalIsPositive() throws {
        try Reactor().run {
            for interval in [Duration.zero, .seconds(-1)] {
                #expect(await failure { _ = try Channel.every(interval) }?.code == .misuse)
            }
        }
    }

    @Test("A reactor can call a closure at each tick")
    func aReactorTicksWithoutAChannel() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let ticks = Recorder<Duration>()
        try reactor.run {
            let ticker = try reactor.tick(every: .milliseconds(100)) { ticks.record($0) }
            for advance in [50, 50, 100, 350, 50] {
                clock.advance(by: .milliseconds(advance))
                try await turn(of: reactor)
                try await sleep(for: .zero)
            }
            ticker.stop()
            clock.advance(by: .seconds(1))
            try await turn(of: reactor)
            try await sleep(for: .zero)
        }
        #expect(ticks.values == [100, 200, 550, 600].map { .milliseconds($0) })
    }
}
