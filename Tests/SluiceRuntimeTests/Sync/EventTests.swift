import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__event.py`, Go's `waitgroup_test.go` and `cond_test.go`, and JCSP's barriers.
@Suite(.bounded) struct EventTests {
    @Test("Setting an event wakes all that wait, even if it is cleared at once")
    func setAndClear() throws {
        let reactor = try Reactor()
        try reactor.run {
            let event = Event()
            let waiters = (0..<3).map { _ in reactor.spawn { try await event.wait() } }
            try await parked(waiters)
            event.set()
            event.clear()
            for waiter in waiters { try await waiter.join() }
            #expect(!event.isSet)
            let next = reactor.spawn { try await event.wait() }
            try await parked(next)
            event.set()
            event.set()
            try await next.join()
            try await event.wait()
            #expect(event.isSet)
        }
    }

    @Test("A select that was woken does not withdraw a wait that began after the event was cleared")
    func aStaleTicket() throws {
        let reactor = try Reactor()
        try reactor.run {
            let event = Event()
            let chosen = reactor.spawn { try await SluiceRuntime.select { event.waiting {} } }
            try await parked(chosen)
            reactor.spawn {
                try await chosen.join()
                event.set()
            }
            event.set()
            event.clear()
            // This wait begins before the select runs again.
            try await event.wait()
            #expect(chosen.hasEnded)
        }
    }

    @Test("A wait for an event that is not set times out")
    func timeout() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let event = Event()
            let waiter = reactor.spawn { try await event.wait(timeout: .seconds(1)) }
            try await parked(waiter)
            clock.advance(by: .seconds(1))
            #expect(await failure { try await waiter.join() }?.code == .timedOut)
            #expect(event.waitingCount == 0)
        }
    }

    @Test("A select waits for an event and for a wait group")
    func select() throws {
        try Reactor().run {
            let (stop, group) = (Event(isSet: true), WaitGroup())
            group.add()
            let choose: @Sendable () async throws -> String = {
                try await SluiceRuntime.select {
                    stop.waiting { "stop" }
                    group.waiting { "done" }
                    otherwise { "nothing" }
                }
            }
            var choices = [try await choose()]
            stop.clear()
            choices.append(try await choose())
            group.done()
            choices.append(try await choose())
            #expect(choices == ["stop", "nothing", "done"])
        }
    }

    @Test("A wait group wakes its waiters when everything has ended, again and again")
    func waitGroup() throws {
        let reactor = try Reactor()
        try reactor.run {
            let group = WaitGroup()
            try await group.wait()
            for _ in 0..<2 {
                group.add(3)
                let waiters = (0..<2).map { _ in reactor.spawn { try await group.wait() } }
                try await parked(waiters)
                for left in [2, 1, 0] {
                    #expect(waiters.allSatisfy { !$0.hasEnded })
                    reactor.spawn { group.done() }
                    try await until("\(left) are left") { group.count == left }
                }
                for waiter in waiters { try await waiter.join() }
            }
        }
    }

    @Test("A barrier lets its parties pass together, in every round")
    func barrier() throws {
        let reactor = try Reactor()
        try reactor.run {
            let barrier = Barrier(parties: 3)
            let steps = Recorder<Int>()
            let places = try await parallelMap(0..<3) { _ in
                var places: [Int] = []
                for round in 0..<4 {
                    steps.record(round)
                    places.append(try await barrier.arriveAndWait())
                }
                return places
            }
            #expect(steps.values == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
            for round in 0..<4 { #expect(places.map { $0[round] }.sorted() == [0, 1, 2]) }
            #expect(barrier.waitingCount == 0)
        }
    }

    @Test("A party whose wait is cut short has not arrived")
    func aPartyLeaves() throws {
        let reactor = try Reactor()
        try reactor.run {
            let barrier = Barrier(parties: 2)
            let left = reactor.spawn { try await barrier.arriveAndWait() }
            try await parked(left)
            left.cancel()
            #expect(await failure { _ = try await left.join() }?.code == .cancelled)
            let first = reactor.spawn { try await barrier.arriveAndWait() }
            try await parked(first)
            #expect(barrier.waitingCount == 1)
            #expect(try await barrier.arriveAndWait() == 1)
            #expect(try await first.join() == 0)
        }
    }

    @Test("A condition wakes one task for each signal, in order, and all for a broadcast")
    func condition() throws {
        let reactor = try Reactor()
        try reactor.run {
            let mutex = TaskMutex()
            let condition = Condition(mutex)
            let woken = Recorder<Int>()
            let waiters = (0..<4).map { number in
                reactor.spawn {
                    try await mutex.withLock {
                        try await condition.wait()
                        #expect(mutex.isLocked)
                        woken.record(number)
                    }
                }
            }
            try await until("all wait") { condition.waitingCount == 4 }
            #expect(!mutex.isLocked)
            #expect(condition.signal())
            try await waiters[0].join()
            #expect(woken.values == [0])
            condition.broadcast()
            for waiter in waiters { try await waiter.join() }
            #expect(woken.values == [0, 1, 2, 3])
            #expect(!condition.signal(), "nobody waits")
        }
    }

    @Test("A task that is cancelled at a condition has the mutex again", arguments: [false, true])
    func cancelledAtACondition(_ isChildTask: Bool) throws {
        let reactor = try Reactor()
        try reactor.run {
            let mutex = TaskMutex()
            let condition = Condition(mutex)
            let hadMutex = Event()
            let body: @Sendable () async throws -> Void = {
                try await mutex.lock()
                let error = await failure { try await condition.wait() }
                #expect(error?.code == .cancelled)
                #expect(mutex.isLocked)
                hadMutex.set()
                mutex.unlock()
            }
            let waiter = reactor.spawn {
                guard isChildTask else { return try await body() }
                async let child: Void = body()
                try await child
            }
            try await until("it waits") { condition.waitingCount == 1 }
            try await mutex.lock()
            waiter.cancel()
            try await until("it waits for the mutex") { mutex.waitingCount == 1 }
            #expect(!hadMutex.isSet)
            mutex.unlock()
            try await waiter.join()
            #expect(hadMutex.isSet)
            #expect(!mutex.isLocked)
        }
    }

    @Test("A task waits at a condition until what it waits for is true")
    func untilTrue() throws {
        let reactor = try Reactor()
        try reactor.run {
            let mutex = TaskMutex()
            let changed = Condition(mutex)
            let stock = Recorder<Int>()
            let consumer = reactor.spawn {
                try await mutex.withLock {
                    try await changed.wait(until: { stock.values.count == 2 })
                    return stock.values
                }
            }
            for number in 0..<2 {
                try await until("it waits") { changed.waitingCount == 1 }
                try await mutex.withLock {
                    stock.record(number)
                    changed.signal()
                }
            }
            #expect(try await consumer.join() == [0, 1])
        }
    }
}
