import TestSupport
import Testing

@testable import SluiceRuntime

/// The behaviour of Go's `test/chan/select3.go`: what blocks and what does not. For a nil channel, an arm has
/// `when(false)`.
///
/// Go's test waits to see that an operation blocks forever; here the deadlock report proves it.
@Suite(.bounded) struct GoSelect3Tests {
    private func blocks(_ body: @escaping @Sendable () async throws -> Void) throws -> Bool {
        do {
            try Reactor().run("main", body)
            return false
        } catch is Deadlock {
            return true
        }
    }

    private func closedChannel() -> Channel<Int> {
        let channel = Channel<Int>()
        channel.close()
        return channel
    }

    @Test("Sending to a channel with space never blocks")
    func sendingToAChannelWithSpaceNeverBlocks() throws {
        #expect(try !blocks { try await Channel<Int>(.buffered(capacity: 1)).send(7) })
    }

    @Test("Receiving from a closed channel never blocks")
    func receivingFromAClosedChannelNeverBlocks() throws {
        let closed = closedChannel()
        let received: [Int?] = try Reactor().run { [try await closed.receive(), try await closed.receive()] }
        #expect(received == [nil, nil])
    }

    @Test("Sending to a closed channel fails")
    func sendingToAClosedChannelFails() throws {
        let closed = closedChannel()
        try Reactor().run {
            #expect(await failure { try await closed.send(7) }?.code == .closed)
            #expect(await failure { try await select { closed.sending(7) {} } }?.code == .closed)
        }
    }

    @Test("Receiving from a channel that is not ready blocks")
    func receivingFromAChannelThatIsNotReadyBlocks() throws {
        #expect(try blocks { _ = try await Channel<Int>().receive() })
        #expect(try blocks { try await select { Channel<Int>().receiving { _ in } } })
    }

    @Test("A select without arms blocks")
    func aSelectWithoutArmsBlocks() throws {
        #expect(try blocks { try await select { [SelectArm<Void>]() } })
    }

    @Test("A select whose arms are all disabled blocks")
    func aSelectWhoseArmsAreAllDisabledBlocks() throws {
        let ready = Channel<Int>(.buffered(capacity: 2))
        #expect(try ready.trySend(1))
        #expect(try blocks { try await select { ready.receiving { _ in }.when(false) } })
        #expect(try blocks { try await select { ready.sending(7) {}.when(false) } })
        #expect(
            try blocks {
                try await select {
                    ready.receiving { _ in }.when(false)
                    ready.sending(7) {}.when(false)
                }
            })
        #expect(ready.bufferedCount == 1)
    }

    @Test("A select with a default never blocks")
    func aSelectWithADefaultNeverBlocks() throws {
        let ready = Channel<Int>(.buffered(capacity: 2))
        #expect(try ready.trySend(1))
        try Reactor().run {
            let only = try await select { otherwise { "default" } }
            #expect(only == "default")
            let taken = try await select {
                ready.receiving { _ in "received" }.when(false)
                ready.sending(7) { "sent" }.when(false)
                otherwise { "default" }
            }
            #expect(taken == "default")
        }
    }

    @Test("A select takes a ready channel rather than the default")
    func aSelectWithAReadyChannelTakesItRatherThanTheDefault() throws {
        let channel = Channel<Int>(.buffered(capacity: 1))
        try Reactor().run {
            let sent = try await select {
                channel.sending(7) { "sent" }
                otherwise { "default" }
            }
            let received = try await select {
                channel.receiving { "received \($0 ?? 0)" }
                otherwise { "default" }
            }
            #expect(sent == "sent")
            #expect(received == "received 7")
        }
    }

    @Test("A select on a closed channel behaves like an ordinary receive")
    func aSelectWithAClosedChannelBehavesLikeAnOrdinaryReceive() throws {
        let closed = closedChannel()
        let received = try Reactor().run { try await select { closed.receiving { $0 } } }
        #expect(received == nil)
    }

    @Test("A select does not meet itself")
    func aSelectDoesNotMeetItself() throws {
        let channel = Channel<Int>()
        #expect(
            try blocks {
                try await select {
                    channel.sending(1) {}
                    channel.receiving { _ in }
                }
            })
    }
}
