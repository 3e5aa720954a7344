import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct SelectOrderTests {
    /// The arms that a select takes, `count` times, of three that are always ready.
    private func choices(_ order: SelectOrder, _ count: Int) throws -> [Int] {
        let channels = (0..<3).map { Channel<Int>(.once, name: "c\($0)") }
        return try Reactor().run {
            for channel in channels { try await channel.send(0) }
            var taken: [Int] = []
            for _ in 0..<count {
                let choice = try await select(order: order) {
                    channels[0].receiving { _ in 0 }
                    channels[1].receiving { _ in 1 }
                    channels[2].receiving { _ in 2 }
                }
                taken.append(choice)
            }
            return taken
        }
    }

    @Test("The fair order takes the arm that was not taken for the longest time")
    func fairTakesTheArmThatWasNotTakenForTheLongestTime() throws {
        let taken = try choices(.fair, 30)
        #expect(taken == (0..<30).map { $0 % 3 })
    }

    @Test("The first order takes the first arm that is ready")
    func firstTakesTheFirstThatIsReady() throws {
        let taken = try choices(.first, 30)
        #expect(taken.allSatisfy { $0 == 0 })
    }

    /// By chance, an arm is never taken in one of 10^52 runs.
    @Test("The random order takes every arm sometimes")
    func randomTakesEveryArm() throws {
        let taken = try choices(.random, 300)
        #expect(Set(taken) == [0, 1, 2])
    }

    @Test("The fair order counts arms that were taken after a wait")
    func fairCountsArmsThatWereTakenAfterAWaitToo() throws {
        let (first, second) = (Channel<Int>(.buffered(capacity: 1)), Channel<Int>(.buffered(capacity: 1)))
        let reactor = try Reactor()
        let choose: @Sendable () async throws -> Int = {
            try await select {
                first.receiving { _ in 1 }
                second.receiving { _ in 2 }
            }
        }
        try reactor.run {
            let chooser = reactor.spawn("chooser", choose)
            try await parked(chooser)
            try await first.send(0)
            #expect(try await chooser.join() == 1)
            try await first.send(0)
            try await second.send(0)
            #expect(try await choose() == 2, "the first was taken last")
            #expect(try await choose() == 1)
        }
    }

    @Test("The fair order distinguishes the sides of a channel")
    func fairTellsTheSidesOfAChannelApart() throws {
        let channel = Channel<Int>(.buffered(capacity: 2))
        let taken = try Reactor().run {
            try await channel.send(0)
            var taken: [String] = []
            for _ in 0..<6 {
                let choice = try await select {
                    channel.receiving { _ in "receive" }
                    channel.sending(0) { "send" }
                }
                taken.append(choice)
            }
            return taken
        }
        #expect(taken == ["receive", "send", "receive", "send", "receive", "send"])
    }

    @Test("Arms for one side of a channel take turns in the fair order")
    func armsForOneChannelTakeTurns() throws {
        let (shared, other) = (Channel<Int>(.once), Channel<Int>(.once))
        let taken = try Reactor().run {
            try await shared.send(0)
            try await other.send(0)
            var taken: [String] = []
            for _ in 0..<6 {
                let choice = try await select {
                    shared.receiving { _ in "a" }
                    other.receiving { _ in "other" }
                    shared.receiving { _ in "b" }
                }
                taken.append(choice)
            }
            return taken
        }
        #expect(taken == ["a", "other", "b", "other", "a", "other"])
    }

    @Test("Arms for one side of a channel take turns when the select has to wait")
    func armsForOneChannelTakeTurnsAfterAWait() throws {
        let channel = Channel<Int>()
        let reactor = try Reactor()
        let taken = try reactor.run {
            reactor.spawn { for number in 0..<4 { try await channel.send(number) } }
            var taken: [String] = []
            for _ in 0..<4 {
                let choice = try await select {
                    channel.receiving { _ in "a" }
                    channel.receiving { _ in "b" }
                }
                taken.append(choice)
            }
            return taken
        }
        #expect(taken == ["a", "b", "a", "b"])
    }

    @Test("A busy arm does not starve another")
    func aBusyArmDoesNotStarveAnother() throws {
        let (busy, rare) = (Channel<Int>(), Channel<Int>())
        let reactor = try Reactor()
        let taken = try reactor.run {
            for channel in [busy, busy, busy, rare] {
                reactor.spawn { while true { try await channel.send(0) } }
            }
            var taken = (busy: 0, rare: 0)
            for _ in 0..<1000 {
                try await select {
                    busy.receiving { _ in taken.busy += 1 }
                    rare.receiving { _ in taken.rare += 1 }
                }
            }
            return taken
        }
        #expect(taken.rare >= 300, "\(taken)")
    }
}
