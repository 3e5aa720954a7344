import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct TimerReactorTests {
    @Test("A hundred thousand timers fire in order, except the cancelled ones")
    func aHundredThousandTimersFireInOrderButForTheCancelledOnes() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let count = 100_000
        let fired = Recorder<Int>()
        try reactor.run {
            // 7919 and the count have no common divisor, so each millisecond comes up once, in a scattered order.
            let handles = (0..<count).map { step in
                let milliseconds = step * 7919 % count + 1
                return reactor.setTimer(after: .milliseconds(milliseconds), .call { fired.record(milliseconds) })
            }
            for (step, handle) in handles.enumerated() where (step * 7919 % count + 1).isMultiple(of: 2) {
                reactor.cancelTimer(handle)
            }
            clock.advance(by: .milliseconds(count))
            try await sleep(for: .zero)
        }
        #expect(fired.values == Array(stride(from: 1, through: count, by: 2)))
    }

    @Test("Sleepers wake in the order of their deadlines")
    func sleepersWakeInTheOrderOfTheirDeadlines() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let woken = Recorder<Int>()
        try reactor.run {
            let tasks = (0..<1000).map { step in
                reactor.spawn {
                    try await sleep(for: .seconds(step * 7 % 1000 + 1))
                    woken.record(step * 7 % 1000 + 1)
                }
            }
            try await parked(tasks)
            clock.advance(by: .seconds(1000))
            for task in tasks { try await task.join() }
        }
        #expect(woken.values == Array(1...1000))
    }

    @Test("A timer that a timer sets fires in the next turn, also if others are set")
    func aTimerThatATimerSetsFiresInTheNextTurn() throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        let fired = Recorder<Int>()
        try reactor.runByHand {
            for _ in 0..<3 { _ = reactor.call(after: .seconds(1)) {} }
            _ = reactor.call(after: .zero) {
                fired.record(1)
                _ = reactor.call(after: .zero) { fired.record(2) }
            }
            _ = reactor.takeTurnByHand()
            #expect(fired.values == [1])
            _ = reactor.takeTurnByHand()
        }
        #expect(fired.values == [1, 2])
    }
}
