import SeededRandom
import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__queue.py` and Python's `test_queue.py`.
@Suite(.bounded) struct WorkQueueTests {
    private func drain(_ order: WorkOrder<Int>, _ numbers: [Int]) throws -> [Int] {
        try Reactor().run {
            let queue = WorkQueue<Int>(order)
            for number in numbers { try await queue.put(number) }
            queue.close()
            var taken: [Int] = []
            while let number = try await queue.take() { taken.append(number) }
            return taken
        }
    }

    @Test("A queue gives its elements out in its order")
    func orders() throws {
        let numbers = [3, 1, 4, 1, 5, 9, 2, 6]
        #expect(try drain(.oldestFirst, numbers) == numbers)
        #expect(try drain(.newestFirst, numbers) == numbers.reversed())
        #expect(try drain(.priority(by: <), numbers) == numbers.sorted())
        #expect(try drain(.priority(by: >), numbers) == numbers.sorted(by: >))
    }

    @Test("Of elements with the same priority, the oldest comes first")
    func stability() throws {
        let numbers = Array(0..<100)
        #expect(
            try drain(.priority(by: { $0 % 3 < $1 % 3 }), numbers) == numbers.sorted { ($0 % 3, $0) < ($1 % 3, $1) })
    }

    @Test("Takers that wait are served in the order in which they came")
    func fairness() throws {
        let reactor = try Reactor()
        try reactor.run {
            let queue = WorkQueue<Int>(name: "q")
            let takers = (0..<3).map { _ in reactor.spawn { try await queue.take() } }
            try await parked(takers)
            #expect(takers[0].report == "unnamed: take from queue 'q'")
            for number in 0..<3 { try await queue.put(number) }
            for (number, taker) in takers.enumerated() { #expect(try await taker.join() == number) }
            #expect(queue.tryTake() == nil)
        }
    }

    @Test("A full queue makes the putter wait; a wait that is cut short puts nothing")
    func capacity() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let queue = WorkQueue<Int>(.newestFirst, capacity: 2)
            try await queue.put(1)
            #expect(try queue.tryPut(2))
            #expect(try !queue.tryPut(3))
            let late = reactor.spawn { try await queue.put(4, timeout: .seconds(1)) }
            let patient = reactor.spawn { try await queue.put(5) }
            try await parked([late, patient])
            clock.advance(by: .seconds(1))
            #expect(await failure { try await late.join() }?.code == .timedOut)
            #expect(queue.count == 2)
            #expect(try await queue.take() == 2)
            try await patient.join()
            #expect(queue.tryTake() == 5)
            #expect(queue.tryTake() == 1)
        }
    }

    @Test("A closed queue refuses elements, and gives out those that it has")
    func close() throws {
        let reactor = try Reactor()
        try reactor.run {
            let queue = WorkQueue<Int>(.priority(by: <), capacity: 2)
            try await queue.put(2)
            try await queue.put(1)
            let putter = reactor.spawn { try await queue.put(3) }
            try await parked(putter)
            queue.close()
            #expect([.closed, .poisoned].contains(await failure { try await putter.join() }?.code))
            #expect([.closed, .poisoned].contains(await failure { try await queue.put(4) }?.code))
            #expect(queue.unfinishedCount == 2)
            #expect(try await queue.take() == 1)
            #expect(try await queue.take() == 2)
            #expect(try await queue.take() == nil)
            let endless = WorkQueue<Int>()
            endless.close()
            #expect(await failure { try await endless.put(1) }?.code == .closed)
            #expect(endless.count == 0)
            #expect(endless.unfinishedCount == 0)
        }
    }

    @Test("A join waits until all work is finished, and not only taken")
    func join() throws {
        let reactor = try Reactor()
        try reactor.run {
            let queue = WorkQueue<Int>()
            try await queue.join()
            for number in 0..<2 { try await queue.put(number) }
            let joiner = reactor.spawn { try await queue.join() }
            for _ in 0..<2 { _ = try await queue.take() }
            try await parked(joiner)
            queue.finish()
            await Task.yield()
            #expect(!joiner.hasEnded)
            queue.finish()
            try await joiner.join()
        }
    }

    @Test("A select takes from the queue that has an element")
    func select() throws {
        try Reactor().run {
            let (empty, queue) = (WorkQueue<Int>(), WorkQueue<Int>(.newestFirst))
            for number in 0..<3 { try await queue.put(number) }
            let taken = try await SluiceRuntime.select {
                empty.taking { $0 }
                queue.taking { $0 }
            }
            #expect(taken == 2)
            #expect(queue.count == 2)
        }
    }

    @Test("Putters and takers on several threads lose and repeat nothing", arguments: [nil, 3])
    func threads(_ capacity: Int?) async throws {
        let queue = WorkQueue<Int>(.priority(by: <), capacity: capacity)
        let taken = Recorder<Int>()
        try await withStartedReactor { first in
            try await withStartedReactor { second in
                let takers = [first, second].map { reactor in
                    reactor.spawn {
                        while let number = try await queue.take() {
                            taken.record(number)
                            queue.finish()
                        }
                    }
                }
                let putters = [first, second].enumerated().map { place, reactor in
                    reactor.spawn { for number in 0..<300 { try await queue.put(2 * number + place) } }
                }
                for putter in putters { try await putter.join() }
                try await queue.join()
                queue.close()
                for taker in takers { try await taker.join() }
            }
        }
        #expect(taken.values.sorted() == Array(0..<600))
    }
}
