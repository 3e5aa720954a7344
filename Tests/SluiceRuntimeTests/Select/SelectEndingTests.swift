import TestSupport
import Testing

@testable import SluiceRuntime

/// Selects and channels that end.
@Suite(.bounded) struct SelectEndingTests {
    enum Ending: CaseIterable, Sendable {
        case close, poison

        func end(_ channel: Channel<Int>) {
            switch self {
            case .close: channel.close(reason: "over")
            case .poison: channel.poison(reason: "over")
            }
        }
    }

    enum Side: CaseIterable, Sendable {
        case send, receive
    }

    /// Selects on `channel`. Returns nil when a receive finds the channel's end.
    private static func choose(_ side: Side, _ channel: Channel<Int>, _ other: Channel<Int>) async throws -> Int? {
        try await select {
            other.receiving { _ in -1 }
            switch side {
            case .send: channel.sending(7) { 7 }
            case .receive: channel.receiving { $0 }
            }
        }
    }

    private static func expectEnd(_ ending: Ending, _ side: Side, _ body: () async throws -> Int?) async {
        var received: Int? = -1
        let error = await failure { received = try await body() }
        switch (ending, side) {
        case (.close, .receive):
            #expect(error == nil)
            #expect(received == nil)
        case (.close, .send):
            #expect(error?.code == .closed)
            #expect(error?.message == "channel 'c' is closed: over")
        case (.poison, .send), (.poison, .receive):
            #expect(error?.code == .poisoned)
            #expect(error?.message == "channel 'c' was poisoned: over")
        }
    }

    @Test("An arm of an ended channel is ready", arguments: Ending.allCases, Side.allCases)
    func anArmOfAnEndedChannelIsReady(ending: Ending, side: Side) throws {
        let (channel, other) = (Channel<Int>(name: "c"), Channel<Int>())
        try Reactor().run {
            ending.end(channel)
            await Self.expectEnd(ending, side) { try await Self.choose(side, channel, other) }
        }
        #expect([channel.parkedCount, other.parkedCount] == [0, 0])
    }

    @Test("Poison resumes a parked select")
    func poisonResumesAParkedSelect() throws {
        let (channel, other) = (Channel<Int>(name: "c"), Channel<Int>())
        let reactor = try Reactor()
        try reactor.run {
            for side in Side.allCases {
                let (channel, other) = (Channel<Int>(name: "c"), Channel<Int>())
                let chooser = reactor.spawn { try await Self.choose(side, channel, other) }
                try await parked(chooser)
                channel.poison(reason: "over")
                await Self.expectEnd(.poison, side) { try await chooser.join() }
                #expect([channel.parkedCount, other.parkedCount] == [0, 0])
            }
        }
        #expect([channel.parkedCount, other.parkedCount] == [0, 0])
    }

    @Test("Closing resumes a select that is parked to receive")
    func closingResumesASelectParkedToReceive() throws {
        let (channel, other) = (Channel<Int>(name: "c"), Channel<Int>())
        let reactor = try Reactor()
        try reactor.run {
            let chooser = reactor.spawn { try await Self.choose(.receive, channel, other) }
            try await parked(chooser)
            channel.close()
            #expect(try await chooser.join() == nil)
        }
        #expect([channel.parkedCount, other.parkedCount] == [0, 0])
    }

    @Test("A closed channel still takes the message of a select parked to send")
    func aSelectThatIsParkedToSendIsStillServedByAClosedChannel() throws {
        let (channel, other) = (Channel<Int>(name: "c"), Channel<Int>())
        let reactor = try Reactor()
        try reactor.run {
            let chooser = reactor.spawn { try await Self.choose(.send, channel, other) }
            try await parked(chooser)
            channel.close()
            #expect(try await channel.receive() == 7)
            #expect(try await chooser.join() == 7)
            #expect(try await channel.receive() == nil)
        }
        #expect([channel.parkedCount, other.parkedCount] == [0, 0])
    }

    @Test("An ending does not reach a select that has committed elsewhere")
    func anEndingDoesNotReachACommittedSelect() throws {
        let (channel, other) = (Channel<Int>(name: "c"), Channel<Int>())
        let reactor = try Reactor()
        try reactor.run {
            let chooser = reactor.spawn { try await Self.choose(.receive, channel, other) }
            try await parked(chooser)
            #expect(try other.trySend(1))
            channel.poison(reason: "too late")
            other.poison(reason: "too late")
            #expect(try await chooser.join() == -1)
        }
    }
}
