import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct NurseryDeadlineTests {
    @Test("The deadline cancels everything and is thrown")
    func theDeadlineCancelsEverythingAndIsThrown() throws {
        let clock = ManualReactorClock()
        let ends = Recorder<String>()
        try Reactor(clock: clock).run {
            let error = await failure {
                try await withNursery("crawl", timeout: .seconds(3)) { nursery in
                    let child = nursery.spawn {
                        let error = await failure { _ = try await Channel<Int>().receive() }
                        ends.record(error?.code.description ?? "no error")
                        try await sleep(for: .seconds(1000))
                    }
                    try await parked(child)
                    clock.advance(by: .seconds(3))
                    _ = try await Channel<Int>().receive()
                }
            }
            #expect(error?.code == .timedOut)
            #expect(error?.message.contains("crawl") == true)
        }
        #expect(ends.values == ["cancelled"])
    }

    @Test("The deadline also counts while only children are left")
    func theDeadlineCountsWhileOnlyChildrenAreLeft() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let group = reactor.spawn {
                try await withNursery(timeout: .seconds(3)) { nursery in
                    nursery.spawn { try await sleep(for: .seconds(1000)) }
                }
            }
            try await parked(group)
            clock.advance(by: .seconds(2))
            try await turn(of: reactor)
            #expect(group.isParked)
            clock.advance(by: .seconds(1))
            #expect(await failure { _ = try await group.join() }?.code == .timedOut)
        }
    }

    @Test("A deadline that is not reached changes nothing")
    func aDeadlineThatIsNotReachedChangesNothing() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let result = try await withNursery(timeout: .seconds(3)) { nursery in try await nursery.spawn { 1 }.join() }
            #expect(result == 1)
            clock.advance(by: .seconds(10))
            try await turn(of: reactor)
            try await sleep(for: .zero)
        }
    }

    @Test("A message received at the moment of the deadline is not lost")
    func whatWasReceivedAtTheMomentOfTheDeadlineIsNotLost() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let channel = Channel<Int>()
            let receiver = reactor.spawn {
                try await withNursery(timeout: .seconds(1)) { _ in try await channel.receive() }
            }
            try await parked(receiver)
            // The receiver's time runs out after it was given the message, and before it runs again.
            #expect(try channel.trySend(7))
            clock.advance(by: .seconds(1))
            #expect(try await receiver.join() == 7)
        }
    }
}
