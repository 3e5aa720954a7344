import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct ChannelSequenceTests {
    @Test("A loop receives until the channel is closed and empty")
    func aLoopReceivesUntilTheChannelIsClosedAndEmpty() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>(.buffered(capacity: 2))
            reactor.spawn {
                for message in 0..<10 { try await channel.send(message) }
                channel.close()
            }
            var received: [Int] = []
            for try await message in channel { received.append(message) }
            #expect(received == Array(0..<10))
        }
    }

    @Test("A loop over a poisoned channel throws the poison")
    func aLoopThrowsThePoison() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>(name: "jobs")
            let loop = reactor.spawn { for try await _ in channel {} }
            try await parked(loop)
            channel.poison(reason: "over")
            #expect(await failure { try await loop.join() }?.code == .poisoned)
        }
    }

    @Test("A loop throws a typed SluiceError")
    func theFailureOfALoopIsTyped() throws {
        try Reactor().run {
            let channel = Channel<Int>()
            channel.poison()
            do throws(SluiceError) {
                for try await _ in channel {}
                Issue.record("the channel was poisoned")
            } catch {
                #expect(error.code == .poisoned)
            }
        }
    }

    @Test("A cancelled loop takes no message")
    func aCancelledLoopTakesNoMessage() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>()
            let loop = reactor.spawn { for try await _ in channel {} }
            try await parked(loop)
            loop.cancel()
            #expect(await failure { try await loop.join() }?.code == .cancelled)
            #expect(try channel.trySend(1) == false, "no receiver waits any more")
        }
    }

    @Test("Breaking out of a loop leaves the remaining messages to others")
    func leavingTheLoopLeavesTheRestToOthers() throws {
        try Reactor().run {
            let channel = Channel<Int>(.unbounded)
            for message in 1...3 { try await channel.send(message) }
            for try await _ in channel { break }
            #expect(try await channel.receive() == 2)
        }
    }

    @Test("Several loops over one channel share its messages")
    func loopsOverOneChannelShareItsMessages() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let loops = (0..<3).map { _ in
                reactor.spawn {
                    var received: [Int] = []
                    for try await message in receiving { received.append(message) }
                    return received
                }
            }
            try await parked(loops)
            for message in 0..<9 { try await sending.send(message) }
            sending.retire()
            var all: [[Int]] = []
            for loop in loops { all.append(try await loop.join()) }
            #expect(all.flatMap(\.self).sorted() == Array(0..<9))
            #expect(all.allSatisfy { !$0.isEmpty })
        }
    }

    @Test("The operations of AsyncSequence apply to channels")
    func theOperationsOfAsyncSequencesApply() throws {
        try Reactor().run {
            let channel = Channel<Int>(.unbounded)
            for message in 1...5 { try await channel.send(message) }
            channel.close()
            let sum = try await channel.filter { !$0.isMultiple(of: 2) }.map { $0 * 10 }.reduce(0, +)
            #expect(sum == 90)
        }
    }
}
