import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct ChannelEndTests {
    @Test("The channel closes when its last sending end retires")
    func theLastSendingEndToRetireClosesTheChannel() throws {
        try Reactor().run {
            let (first, receiving) = Channel<Int>.ends(.buffered(capacity: 2))
            let second = try first.copy()
            try await first.send(1)
            first.retire()
            #expect(receiving.ending == nil)
            try await second.send(2)
            second.retire()
            #expect(try await receiving.receive() == 1, "what is buffered is still received")
            #expect(try await receiving.receive() == 2)
            #expect(try await receiving.receive() == nil)
        }
    }

    @Test("Sends fail once the last receiving end has retired")
    func theLastReceivingEndToRetireRefusesTheSenders() throws {
        try Reactor().run {
            let (sending, first) = Channel<Int>.ends()
            let second = try first.copy()
            let sender = Reactor.current?.spawn { try await sending.send(1) }
            try await parked(try #require(sender))
            first.retire()
            #expect(sender?.isParked == true)
            second.retire()
            #expect(await failure { try await sender?.join() }?.code == .closed)
            #expect(await failure { try await sending.send(2) }?.code == .closed)
            #expect(await failure { _ = try sending.trySend(3) }?.code == .closed)
        }
    }

    @Test("An end retires when nothing refers to it any more")
    func anUnreferencedEndRetires() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let consumer = reactor.spawn {
                var received: [Int] = []
                while let message = try await receiving.receive() { received.append(message) }
                return received
            }
            // Only the tasks' closures refer to the copies, and they are released with the tasks.
            for sender in 0..<3 {
                let end = try sending.copy()
                reactor.spawn { for step in 0..<10 { try await end.send(sender * 10 + step) } }
            }
            sending.retire()
            #expect(try await consumer.join().sorted() == Array(0..<30))
        }
    }

    @Test("A consumer that fails ends its producer's send")
    func aConsumerThatFailsFreesItsProducer() throws {
        struct Broken: Error {}
        let reactor = try Reactor()
        try reactor.run {
            let producer: GreenTask<Void>
            do {
                let (sending, receiving) = Channel<Int>.ends()
                producer = reactor.spawn { while true { try await sending.send(1) } }
                reactor.spawn {
                    _ = try await receiving.receive()
                    throw Broken()
                }
            }
            #expect(await failure { try await producer.join() }?.code == .closed)
        }
    }

    @Test("Retiring an end twice counts once")
    func retiringTwiceCountsOnce() throws {
        try Reactor().run {
            let (first, receiving) = Channel<Int>.ends(.buffered(capacity: 1))
            let second = try first.copy()
            first.retire()
            first.retire()
            try await second.send(1)
            #expect(receiving.ending == nil)
            withExtendedLifetime(second) {}
        }
    }

    @Test("Every operation on a retired end is misuse")
    func aRetiredEndIsOfNoUse() throws {
        try Reactor().run {
            let (sending, receiving) = Channel<Int>.ends(.buffered(capacity: 8))
            let (keptSending, keptReceiving) = (try sending.copy(), try receiving.copy())
            try await sending.send(1)
            sending.retire()
            receiving.retire()
            #expect(await failure { try await sending.send(2) }?.code == .misuse)
            #expect(await failure { _ = try sending.trySend(2) }?.code == .misuse)
            #expect(await failure { _ = try sending.copy() }?.code == .misuse)
            #expect(await failure { _ = try await receiving.receive() }?.code == .misuse)
            #expect(await failure { _ = try receiving.tryReceive() }?.code == .misuse)
            #expect(await failure { _ = try receiving.copy() }?.code == .misuse)
            #expect(await failure { for try await _ in receiving {} }?.code == .misuse)
            let arm = try await select {
                sending.sending(3) { "sent" }
                receiving.receiving { _ in "received" }
                otherwise { "neither" }
            }
            #expect(arm == "neither")
            #expect(try keptReceiving.tryReceive() == 1)
            #expect(try keptReceiving.tryReceive() == nil)
            withExtendedLifetime(keptSending) {}
        }
    }

    @Test("A select's arm keeps its end in use")
    func anArmKeepsItsEndInUse() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends()
            let chooser = reactor.spawn { [receiving] in
                try await select { receiving.receiving { $0 } }
            }
            try await parked(chooser)
            let second = reactor.spawn { try await select { sending.sending(7) { "sent" } } }
            #expect(try await chooser.join() == 7)
            #expect(try await second.join() == "sent")
        }
    }

    @Test("Poisoning one end poisons both sides")
    func anEndPoisonsBothSides() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (sending, receiving) = Channel<Int>.ends(name: "jobs")
            let receiver = reactor.spawn { try await receiving.receive() }
            try await parked(receiver)
            sending.poison(reason: "the disk is full")
            let error = await failure { _ = try await receiver.join() }
            #expect(error?.code == .poisoned)
            #expect(error?.message.contains("the disk is full") == true)
        }
    }

    /// The races of PyCSP's `retire`: in whatever order the ends retire, the last one ends the channel.
    @Test("No message is lost while ends are copied and retired on several threads")
    func nothingIsLostWhileEndsAreCopiedAndRetired() async throws {
        let (sending, receiving) = Channel<Int>.ends(.buffered(capacity: 3))
        let received = Recorder<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for consumer in 0..<4 {
                let end = try receiving.copy()
                group.addTask {
                    for try await message in end { received.record(message) }
                    if consumer.isMultiple(of: 2) { end.retire() }
                }
            }
            for producer in 0..<8 {
                let end = try sending.copy()
                group.addTask {
                    for step in 0..<50 {
                        let own = try end.copy()
                        try await own.send(producer * 50 + step)
                        if step.isMultiple(of: 3) { own.retire() }
                    }
                }
            }
            sending.retire()
            receiving.retire()
            try await group.waitForAll()
        }
        #expect(received.values.sorted() == Array(0..<400))
    }
}
