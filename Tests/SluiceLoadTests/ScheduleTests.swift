import Testing

@testable import sluice_load

@Suite("Schedule")
struct ScheduleTests {
    @Test("operations are due at even intervals")
    func due() {
        var schedule = Schedule(rate: 1000, from: 5_000_000)
        func next(until now: Int) -> Int? { schedule.next(until: now)?.time }
        #expect(next(until: 4_999_999) == nil)
        #expect(next(until: 5_000_000) == 5_000_000)
        #expect(next(until: 5_999_999) == nil)
        #expect(schedule.nextTime == 6_000_000)
        // After a pause all of those are due that fell into it.
        let late = (0..<3).map { _ in next(until: 8_100_000) }
        #expect(late == [6_000_000, 7_000_000, 8_000_000])
        #expect(next(until: 8_100_000) == nil)
    }

    @Test("an operation counts from when it was to begin, however long it has waited for its place")
    func coordinatedOmission() throws {
        var places = Places(1)
        var recorder = Recorder()
        /// Ends what was to begin at that time, which is what comes of it.
        func answer(_ intended: Int, at now: Int) {
            let begun = places.take(intended).flatMap { places.finish($0) }
            #expect(begun == intended)
            recorder.time(from: begun ?? now, to: now)
        }
        let first = places.take(1000)
        // The server stands still, and others fall due.
        for intended in [2000, 3000, 4000] {
            #expect(places.isFull)
            places.wait(intended)
        }
        #expect(places.waitingCount == 3)

        let resumed = 1_000_000
        let begun = first.flatMap { places.finish($0) }
        recorder.time(from: begun ?? resumed, to: resumed)
        while let intended = places.nextWaiting {
            places.removeWaiting()
            answer(intended, at: resumed)
        }
        // Each of the four was as late as the pause made it, and not just the first.
        let slice = recorder.take()
        let latency = try #require(Latency(slice.histogram))
        #expect(latency.count == 4)
        #expect(latency.leastNanoseconds >= 990_000)
    }

    @Test("an answer at a place where nothing is on its way is none")
    func wrongPlace() {
        var places = Places(2)
        func finish(_ place: Int) -> Int? { places.finish(place) }
        func take() -> Int? { places.take(1) }
        #expect(finish(0) == nil)
        #expect(finish(7) == nil)
        #expect(take() == 0)
        #expect(take() == 1)
        #expect(take() == nil)
        #expect(finish(1) == 1)
        #expect(finish(1) == nil)
        #expect(take() == 1)
    }

    @Test("a ring is a queue", arguments: 0..<10 as Range<UInt64>)
    func ring(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var ring = Ring()
        var model: [Int] = []
        for number in 0..<1000 {
            if Int.random(in: 0..<5, using: &random) < 3 {
                ring.append(number)
                model.append(number)
            } else if !model.isEmpty {
                #expect(ring.first == model.removeFirst())
                ring.removeFirst()
            }
            #expect(ring.count == model.count)
            #expect(ring.first == model.first)
        }
    }

    @Test("threads share connections and operations without a rest", arguments: [1, 2, 3, 7])
    func shares(threads: Int) throws {
        var plan = Plan(workload: .handoff, contestant: .sluice, address: try ServerAddress("127.0.0.1:1"))
        plan.threads = threads
        for count in [0, 1, 5, 50, 51] {
            #expect((0..<threads).reduce(0) { $0 + plan.share(of: count, for: $1) } == count)
        }
    }

    @Test("percentiles go as far as the count can tell, and the table's are among them")
    func percentiles() throws {
        var recorder = Recorder()
        for value in 1...1000 { recorder.time(from: 0, to: value * 1000) }
        let slice = recorder.take()
        let latency = try #require(Latency(slice.histogram))
        for percent in Latency.shown { #expect(latency.nanoseconds(at: percent) != nil) }
        let median = try #require(latency.nanoseconds(at: 50))
        #expect((495_000...505_000).contains(median))
        #expect(latency.percentiles.map(\.percent) == latency.percentiles.map(\.percent).sorted())
        #expect(latency.percentiles.map(\.nanoseconds) == latency.percentiles.map(\.nanoseconds).sorted())
        #expect(latency.percentiles.last?.percent == 100)
        let nothing = recorder.take()
        #expect(Latency(nothing.histogram) == nil)
    }
}
