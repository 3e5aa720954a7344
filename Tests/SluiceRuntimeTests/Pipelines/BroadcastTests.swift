import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct BroadcastTests {
    @Test("Every tap gets every message in order")
    func everyTapGetsEveryMessageInOrder() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let kinds: [ChannelKind] = [.rendezvous, .buffered(capacity: 3), .unbounded, .rendezvous]
            let readers = kinds.map { kind in
                let tap = broadcast.tap(kind)
                return reactor.spawn { try await tap.reduce(into: []) { $0.append($1) } }
            }
            for message in 0..<100 { try await source.send(message) }
            source.close()
            for reader in readers {
                let received: [Int] = try await reader.join()
                #expect(received == Array(0..<100))
            }
        }
    }

    @Test("The slowest tap sets the pace")
    func theSlowestTapGates() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let (slow, fast) = (broadcast.tap(), broadcast.tap())
            let reader = reactor.spawn { try await fast.reduce(into: []) { $0.append($1) } }
            try await source.send(0)
            let sender = reactor.spawn { for message in 1...3 { try await source.send(message) } }
            try await parked([sender, reader])
            #expect(sender.isParked, "the second message waits until every tap has the first")
            for message in 0..<2 { #expect(try await slow.receive() == message) }
            slow.retire()
            try await sender.join()
            source.close()
            let received: [Int] = try await reader.join()
            #expect(received == Array(0...3))
        }
    }

    /// If the taps were offered a message one after the other, the second would wait for the first forever.
    @Test("A message is offered to all taps at once")
    func aMessageIsOfferedToAllTapsAtOnce() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let taps = (0..<5).map { _ in broadcast.tap() }
            reactor.spawn { for message in 0..<20 { try await source.send(message) } }
            for message in 0..<20 {
                for tap in message.isMultiple(of: 2) ? taps : taps.reversed() {
                    #expect(try await tap.receive() == message)
                }
            }
        }
    }

    @Test("A tap that drops messages does not hold up the others")
    func aTapThatDropsHoldsNobodyUp() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let latest = broadcast.tap(.droppingOldest(capacity: 1))
            let all = broadcast.tap()
            let reader = reactor.spawn { try await all.reduce(into: []) { $0.append($1) } }
            for message in 0..<10 { try await source.send(message) }
            source.close()
            let received: [Int] = try await reader.join()
            #expect(received == Array(0..<10))
            #expect(try await latest.receive() == 9)
            #expect(try await latest.receive() == nil)
        }
    }

    @Test("A tap that retires does not hold up the others")
    func aTapThatRetiresHoldsNobodyUp() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let (staying, retiring) = (broadcast.tap(), broadcast.tap())
            let reader = reactor.spawn { try await staying.reduce(into: []) { $0.append($1) } }
            try await source.send(1)
            // The tap retires while the message is offered to it.
            try await parked(reader)
            retiring.retire()
            try await source.send(2)
            broadcast.tap().retire()
            try await source.send(3)
            broadcast.tap().poison()
            try await source.send(4)
            source.close()
            let received: [Int] = try await reader.join()
            #expect(received == [1, 2, 3, 4])
        }
    }

    @Test("A new tap begins with the next message")
    func aTapThatComesLateBeginsWithTheNextMessage() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let first = broadcast.tap(.unbounded)
            for message in 0..<3 { try await source.send(message) }
            try await until("the first tap holds three messages") { first.bufferedCount == 3 }
            let second = broadcast.tap(.unbounded)
            for message in 3..<6 { try await source.send(message) }
            source.close()
            #expect(try await second.reduce(into: []) { $0.append($1) } == [3, 4, 5])
            #expect(try await first.reduce(into: []) { $0.append($1) } == Array(0..<6))
        }
    }

    @Test("Without a tap, nothing is received from the source")
    func withoutATapNothingIsTaken() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let sender = reactor.spawn { for message in 1...3 { try await source.send(message) } }
            try await parked(sender)
            let tap = broadcast.tap()
            #expect(try await tap.receive() == 1)
            tap.retire()
            // The second message may be on offer to the tap that has just retired; it is not lost.
            let next = broadcast.tap()
            #expect(try await next.receive() == 2)
            #expect(try await next.receive() == 3)
        }
    }

    @Test("The close and the poison of the source reach every tap")
    func theEndAndThePoisonOfTheSourceReachEveryTap() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>(name: "disk")
            let broadcast = try Broadcast(of: source)
            let readers = (0..<3).map { _ in
                let tap = broadcast.tap()
                return reactor.spawn { try await tap.receive() }
            }
            try await parked(readers)
            source.poison(reason: "no space left")
            for reader in readers {
                let error = await failure { _ = try await reader.join() }
                #expect(error?.code == .poisoned)
                #expect(error?.message.contains("no space left") == true)
            }
            #expect(await failure { _ = try await broadcast.tap().receive() }?.code == .poisoned)

            let closed = Channel<Int>()
            let ended = try Broadcast(of: closed)
            closed.close()
            #expect(try await ended.tap().receive() == nil)
            #expect(try await ended.tap().receive() == nil)
        }
    }

    @Test("The broadcast's task ends when no tap can be made any more")
    func itsTaskEndsWhenNobodyCanListenAnyMore() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let tap = try Broadcast(of: receiving).tap(.unbounded)
            try await sending.send(1)
            #expect(try await tap.receive() == 1, "its taps keep it alive")
            tap.retire()
            #expect(await failure { while true { try await sending.send(2) } }?.code == .closed)
            #expect(reactor.tasks.count == 1)
        }
    }

    @Test("A broadcast that is released unused ends")
    func aBroadcastReleasedUnusedEnds() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            _ = try Broadcast(of: receiving)
            #expect(await failure { try await sending.send(1) }?.code == .closed)
            #expect(reactor.tasks.count == 1)
        }
    }

    @Test("Taps that come and go cost the others no message")
    func tapsComeAndGoWithoutLosingAMessageForThoseWhoStay() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let broadcast = try Broadcast(of: source)
            let staying = broadcast.tap()
            let reader = reactor.spawn { try await staying.reduce(into: []) { $0.append($1) } }
            reactor.spawn {
                for message in 0..<300 { try await source.send(message) }
                source.close()
            }
            var isOver = false
            while !isOver {
                let visitor = broadcast.tap()
                let first = try await visitor.receive()
                if let first, let second = try await visitor.receive() { #expect(second == first + 1) }
                isOver = first == nil
                visitor.retire()
            }
            let received: [Int] = try await reader.join()
            #expect(received == Array(0..<300))
        }
    }
}
