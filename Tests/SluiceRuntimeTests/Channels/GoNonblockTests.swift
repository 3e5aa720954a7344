import TestSupport
import Testing

@testable import SluiceRuntime

/// The behaviour of Go's `test/chan/nonblock.go`: operations that do not wait, for elements of several sizes.
@Suite(.bounded) struct GoNonblockTests {
    private struct Large: Equatable, Sendable {
        var words = (1, 2, 3, 4, 5, 6, 7, 8)

        static func == (lhs: Large, rhs: Large) -> Bool {
            lhs.words.0 == rhs.words.0 && lhs.words.7 == rhs.words.7
        }
    }

    @Test(
        "trySend and tryReceive meet operations that are parked",
        arguments: [ChannelKind.rendezvous, .buffered(capacity: 1)])
    func operationsThatDoNotWaitMeetThoseThatDo(kind: ChannelKind) throws {
        try check(kind, 123 as Int32)
        try check(kind, 123_456 as Int64)
        try check(kind, true)
        try check(kind, "hello, which is too long to lie in the string itself")
        try check(kind, Large())
    }

    private func check<Element: Equatable & Sendable>(_ kind: ChannelKind, _ message: Element) throws {
        let channel = Channel<Element>(kind)
        let reactor = try Reactor()
        try reactor.run {
            #expect(try channel.tryReceive() == nil, "nothing was sent")

            let receiver = reactor.spawn { try await channel.receive() }
            try await parked(receiver)
            #expect(try channel.trySend(message), "a receiver waits")
            #expect(try await receiver.join() == message)

            let sender = reactor.spawn { try await channel.send(message) }
            if kind == .rendezvous { try await parked(sender) } else { try await sender.join() }
            #expect(try channel.tryReceive() == message, "a sender waits")
            try await sender.join()
            #expect(try channel.tryReceive() == nil, "once")

            if kind != .rendezvous { #expect(try channel.trySend(message), "there is room") }
            #expect(try !channel.trySend(message), "no receiver waits, and the buffer is full")
        }
        #expect(channel.parkedCount == 0)
    }
}
