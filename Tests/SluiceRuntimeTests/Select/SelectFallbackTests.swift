import TestSupport
import Testing

@testable import SluiceRuntime

/// `after` and `otherwise`.
@Suite(.bounded) struct SelectFallbackTests {
    private let clock = ManualReactorClock()

    @Test("otherwise is taken only when no arm is ready")
    func otherwiseIsTakenWhenNoArmIsReadyAndOnlyThen() throws {
        let channel = Channel<Int>(.buffered(capacity: 1))
        let choose: @Sendable () async throws -> String = {
            try await select {
                otherwise { "otherwise" }
                channel.receiving { "\($0 ?? 0)" }
                after(.zero) { "after" }
            }
        }
        try Reactor().run {
            #expect(try await choose() == "otherwise")
            try await channel.send(7)
            #expect(try await choose() == "7")
        }
        #expect(channel.parkedCount == 0)
    }

    @Test("The earliest after is taken at its time, not before")
    func theEarliestAfterIsTakenAtItsTimeAndNotBefore() throws {
        let channel = Channel<Int>()
        let reactor = try Reactor(clock: clock)
        try reactor.run { [clock] in
            let chooser = reactor.spawn {
                try await select {
                    after(.seconds(3)) { "three" }
                    channel.receiving { _ in "received" }
                    after(.seconds(2)) { "two" }
                    after(.seconds(1)) { "disabled" }.when(false)
                }
            }
            try await parked(chooser)
            clock.advance(by: .nanoseconds(1_999_999_999))
            try await turn(of: reactor)
            #expect(chooser.outcome == nil)
            clock.advance(by: .nanoseconds(1))
            #expect(try await chooser.join() == "two")
        }
        #expect(channel.parkedCount == 0)
    }

    @Test("An after is not taken once an arm was")
    func anAfterIsNotTakenWhenAnArmWas() throws {
        let channel = Channel<Int>()
        let reactor = try Reactor(clock: clock)
        let taken = Recorder<String>()
        try reactor.run { [clock] in
            let chooser = reactor.spawn {
                try await select {
                    channel.receiving { _ in taken.record("received") }
                    after(.seconds(1)) { taken.record("after") }
                }
            }
            try await parked(chooser)
            try await channel.send(1)
            try await chooser.join()
            clock.advance(by: .seconds(2))
            try await turn(of: reactor)
        }
        #expect(taken.values == ["received"])
    }

    @Test("A select with only an after is a sleep")
    func anAfterWithoutChannelsIsASleep() throws {
        let reactor = try Reactor(clock: clock)
        try reactor.run { [clock] in
            let chooser = reactor.spawn { try await select { after(.seconds(1)) { "after" } } }
            try await parked(chooser)
            clock.advance(by: .seconds(1))
            #expect(try await chooser.join() == "after")
        }
    }

    @Test("Ready arms come before an after of no time", arguments: [Duration.zero, .seconds(-1)])
    func anAfterWithoutTimeStillLetsReadyArmsGoFirst(delay: Duration) throws {
        let channel = Channel<Int>(.buffered(capacity: 1))
        let choose: @Sendable () async throws -> String = {
            try await select {
                after(delay) { "after" }
                channel.receiving { "\($0 ?? 0)" }
            }
        }
        try Reactor(clock: clock).run {
            #expect(try await choose() == "after")
            try await channel.send(7)
            #expect(try await choose() == "7")
        }
    }

    @Test("after and otherwise work off the reactors too")
    func worksOffTheReactors() async throws {
        let channel = Channel<Int>()
        let late = try await select {
            channel.receiving { _ in "received" }
            after(.microseconds(1)) { "after" }
        }
        let atOnce = try await select {
            channel.receiving { _ in "received" }
            otherwise { "otherwise" }
        }
        #expect(late == "after")
        #expect(atOnce == "otherwise")
        #expect(channel.parkedCount == 0)
    }
}
