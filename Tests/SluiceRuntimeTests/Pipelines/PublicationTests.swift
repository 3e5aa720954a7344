import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct PublicationTests {
    @Test("A subscriber gets the messages of its key")
    func aSubscriberGetsTheMessagesOfItsKey() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let publication = try Publication(of: source, by: { $0 % 3 })
            let readers = [0, 1, 1].map { key in
                let subscription = publication.subscribe(to: key)
                return reactor.spawn { try await subscription.reduce(into: []) { $0.append($1) } }
            }
            for message in 0..<10 { try await source.send(message) }
            source.close()
            var received: [[Int]] = []
            for reader in readers { received.append(try await reader.join()) }
            #expect(received == [[0, 3, 6, 9], [1, 4, 7], [1, 4, 7]])
        }
    }

    @Test("A message without a subscriber is dropped")
    func aMessageNobodySubscribedToIsDropped() throws {
        try Reactor().run {
            let source = Channel<String>()
            let publication = try Publication(of: source, by: \.count)
            let short = publication.subscribe(to: 1, .unbounded)
            for message in ["a", "long", "b"] { try await source.send(message) }
            source.close()
            #expect(try await short.reduce(into: []) { $0.append($1) } == ["a", "b"])
            #expect(try await publication.subscribe(to: 4).receive() == nil)
        }
    }

    @Test("A slow subscriber sets the pace unless it buffers or drops")
    func aSlowSubscriberGatesUnlessItBuffersOrDrops() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let publication = try Publication(of: source, by: { $0.isMultiple(of: 2) })
            let latestEven = publication.subscribe(to: true, .droppingOldest(capacity: 1))
            let odd = publication.subscribe(to: false)
            for message in [0, 2, 4, 1] { try await source.send(message) }
            let sender = reactor.spawn { try await source.send(6) }
            try await parked(sender)
            #expect(sender.isParked, "the odd one has not been received")
            #expect(try await odd.receive() == 1)
            try await sender.join()
            source.close()
            #expect(try await odd.receive() == nil)
            #expect(try await latestEven.receive() == 6)
        }
    }

    @Test("A subscriber that retires does not hold up the others")
    func aSubscriberThatRetiresHoldsNobodyUp() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let publication = try Publication(of: source, by: { $0 })
            let (one, two) = (publication.subscribe(to: 1), publication.subscribe(to: 2))
            try await source.send(1)
            let sender = reactor.spawn { try await source.send(2) }
            try await parked(sender)
            one.retire()
            #expect(try await two.receive() == 2)
            try await sender.join()
        }
    }

    @Test("Without a subscriber, nothing is received from the source")
    func withoutASubscriberNothingIsTaken() throws {
        let reactor = try Reactor()
        try reactor.run {
            let source = Channel<Int>()
            let publication = try Publication(of: source, by: { $0 })
            let sender = reactor.spawn { for message in 1...2 { try await source.send(message) } }
            try await parked(sender)
            let two = publication.subscribe(to: 2)
            #expect(try await two.receive() == 2)
        }
    }

    @Test("The poison of the source reaches every subscriber")
    func thePoisonOfTheSourceReachesEverySubscriber() throws {
        try Reactor().run {
            let source = Channel<Int>()
            let publication = try Publication(of: source, by: { $0 })
            let subscriptions = (0..<3).map { publication.subscribe(to: $0) }
            source.poison(reason: "over")
            for subscription in subscriptions {
                #expect(await failure { _ = try await subscription.receive() }?.code == .poisoned)
            }
        }
    }

    @Test("The publication's task ends when nobody can subscribe any more")
    func itsTaskEndsWhenNobodyCanSubscribeAnyMore() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let subscription = try Publication(of: receiving, by: { $0 }).subscribe(to: 1)
            subscription.retire()
            #expect(await failure { while true { try await sending.send(2) } }?.code == .closed)
            #expect(reactor.tasks.count == 1)
        }
    }

    @Test("Subscribers on other threads miss nothing")
    func subscribersOnOtherThreadsMissNothing() async throws {
        let reactor = try Reactor()
        try reactor.start()
        defer { reactor.stop() }
        let source = Channel<Int>()
        let publication = try Publication(of: source, by: { $0 % 4 }, on: reactor)
        try await withThrowingTaskGroup(of: [Int].self) { group in
            for key in 0..<4 {
                let subscription = publication.subscribe(to: key)
                group.addTask { try await subscription.reduce(into: []) { $0.append($1) } }
            }
            for message in 0..<400 { try await source.send(message) }
            source.close()
            for try await received in group {
                let key = (received.first ?? 0) % 4
                #expect(received == Array(stride(from: key, to: 400, by: 4)))
            }
        }
    }
}
