import TestSupport
import Testing

@testable import SluiceRuntime

/// After JCSP's `AltingBarrier` and `Bucket`.
@Suite(.bounded) struct BarrierArmTests {
    @Test("Selects meet at a barrier when the last party arrives, and all of them take that arm")
    func allMeet() throws {
        let reactor = try Reactor()
        try reactor.run {
            let barrier = Barrier(parties: 3, name: "start")
            let news = Channel<Int>()
            let selects = (0..<2).map { _ in
                reactor.spawn {
                    try await select {
                        news.receiving { _ in "news" }
                        barrier.arriving { "met" }
                    }
                }
            }
            try await parked(selects)
            #expect(barrier.waitingCount == 2)
            #expect(try await barrier.arriveAndWait() == 2)
            for select in selects { #expect(try await select.join() == "met") }
            #expect(news.parkedCount == 0)
            #expect(barrier.waitingCount == 0)
        }
    }

    @Test("A select that takes another arm has left the barrier")
    func aSelectLeaves() throws {
        let reactor = try Reactor()
        try reactor.run {
            let barrier = Barrier(parties: 2)
            let news = Channel<Int>()
            let fickle = reactor.spawn {
                try await select {
                    barrier.arriving { "met" }
                    news.receiving { _ in "news" }
                }
            }
            try await parked(fickle)
            // The select has not run again when the other party arrives.
            #expect(try news.trySend(1))
            let party = reactor.spawn { try await barrier.arriveAndWait() }
            #expect(try await fickle.join() == "news")
            try await parked(party)
            #expect(barrier.waitingCount == 1)
            #expect(try await barrier.arriveAndWait() == 1)
            _ = try await party.join()
        }
    }

    @Test("A select is the last party, at once or with otherwise")
    func theSelectIsLast() throws {
        let reactor = try Reactor()
        try reactor.run {
            let barrier = Barrier(parties: 2)
            let choose: @Sendable () async throws -> String = {
                try await select {
                    barrier.arriving { "met" }
                    otherwise { "alone" }
                }
            }
            #expect(try await choose() == "alone")
            #expect(barrier.waitingCount == 0)
            let party = reactor.spawn { try await barrier.arriveAndWait() }
            try await parked(party)
            #expect(try await choose() == "met")
            #expect(try await party.join() == 0)
        }
    }

    @Test("Two arms of a select for one barrier are one party")
    func twoArms() throws {
        let reactor = try Reactor()
        try reactor.run {
            let barrier = Barrier(parties: 2)
            let twice = reactor.spawn {
                try await select {
                    barrier.arriving { 1 }
                    barrier.arriving { 2 }
                }
            }
            try await parked(twice)
            #expect(barrier.waitingCount == 1)
            try await barrier.arriveAndWait()
            #expect(try await twice.join() == 1)
        }
    }

    @Test("A select at a barrier is cancelled, and a deadlock names the barrier")
    func cancelledAndReported() throws {
        let reactor = try Reactor()
        let deadlock = #expect(throws: Deadlock.self) {
            try reactor.run {
                let barrier = Barrier(parties: 2, name: "start")
                let party = reactor.spawn { try await select { barrier.arriving {} } }
                try await parked(party)
                party.cancel()
                #expect(await failure { try await party.join() }?.code == .cancelled)
                #expect(barrier.waitingCount == 0)
                try await select { barrier.arriving {} }
            }
        }
        #expect(deadlock?.tasks == ["'main': select among wait at barrier 'start'"])
    }

    @Test("Selects at two barriers on several threads take one arm each", arguments: NetworkPlace.allCases)
    func twoBarriers(_ place: NetworkPlace) async throws {
        let (first, second) = (Barrier(parties: 2), Barrier(parties: 2))
        let stop = Event()
        let met = Recorder<Int>()
        try await place.run(
            (0..<4).map { _ in
                {
                    while !stop.isSet {
                        let barrier = try await select(order: .random) {
                            first.arriving { 1 }
                            second.arriving { 2 }
                            stop.waiting { 0 }
                        }
                        if barrier > 0 { met.record(barrier) }
                        if met.values.count >= 800 { stop.set() }
                    }
                }
            })
        #expect(met.values.count { $0 == 1 }.isMultiple(of: 2))
        #expect(met.values.count { $0 == 2 }.isMultiple(of: 2))
        #expect(first.waitingCount + second.waitingCount == 0)
    }

    @Test("Selects at a barrier race with messages, and nothing is lost", arguments: NetworkPlace.allCases)
    func aBarrierAndMessages(_ place: NetworkPlace) async throws {
        let barrier = Barrier(parties: 2)
        let messages = Channel<Int>()
        let ledger = Ledger()
        let meetings = Recorder<Int>()
        let total = 400
        // Two parties receive until the channel is closed, and meet whenever both are there.
        let party: @Sendable () async throws -> Void = {
            var isOpen = true
            while isOpen {
                try await select {
                    messages.receiving { message in
                        if let message { ledger.noteReceived(message) } else { isOpen = false }
                    }
                    barrier.arriving { meetings.record(1) }
                }
            }
        }
        let sender: @Sendable () async throws -> Void = {
            for message in 0..<total {
                ledger.noteSent(message)
                try await messages.send(message)
            }
            messages.close()
        }
        try await place.run([party, sender, party])
        #expect(ledger.balances)
        #expect(meetings.values.count.isMultiple(of: 2))
    }

    @Test("Flushing a bucket lets those continue that wait, and not those that come afterwards")
    func bucket() throws {
        let reactor = try Reactor()
        try reactor.run {
            let bucket = Bucket(name: "tick")
            #expect(bucket.flush() == 0)
            let rounds = Recorder<Int>()
            let tasks = (0..<3).map { _ in
                reactor.spawn {
                    for round in 0..<2 {
                        try await bucket.wait()
                        rounds.record(round)
                    }
                }
            }
            for round in 0..<2 {
                try await parked(tasks)
                #expect(bucket.waitingCount == 3)
                #expect(bucket.flush() == 3)
                try await until("round \(round)") { rounds.values.count == 3 * (round + 1) }
            }
            for task in tasks { try await task.join() }
            #expect(rounds.values == [0, 0, 0, 1, 1, 1])
        }
    }

    @Test("A wait in a bucket times out, and a select waits in one")
    func bucketInASelect() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let bucket = Bucket()
            let late = reactor.spawn { try await bucket.wait(timeout: .seconds(1)) }
            try await parked(late)
            clock.advance(by: .seconds(1))
            #expect(await failure { try await late.join() }?.code == .timedOut)
            let chosen = reactor.spawn { try await select { bucket.waiting { "flushed" } } }
            try await parked(chosen)
            #expect(bucket.flush() == 1)
            #expect(try await chosen.join() == "flushed")
        }
    }
}
