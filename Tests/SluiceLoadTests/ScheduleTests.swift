import Testing

@testable import sluice_load

@Suite("Schedule")
struct ScheduleTests {
    @Test("Operations are due at even intervals")
    func due() {
        var schedule = Schedule(rate: 1000, from: 5_000_000)
        func next(until now: Int) -> Int? { schedule.next(until: now)?.time }
        #expect(next(until: 4_999_999) == nil)
        #expect(next(until: 5_000_000) == 5_000_000)
        #expect(next(until: 5_999_999) == nil)
        #expect(schedule.nextTime == 6_000_000)
        // After a pause, all operations of the pause are due.
        let late = (0..<3).map { _ in next(until: 8_100_000) }
        #expect(late == [6_000_000, 7_000_000, 8_000_000])
        #expect(next(until: 8_100_000) == nil)
    }

    @Test("Latency counts from the intended time, however long an operation waited for its place")
    func coordinatedOmission() throws {
        var places = Places(1)
        var recorder = OperationRecorder()
        /// Begins and finishes an operation with this intended time.
        func answer(_ intended: Int, at now: Int) {
            let begun = places.occupy(intended).flatMap { places.release($0) }
            #expect(begun == intended)
            recorder.time(from: begun ?? now, to: now)
        }
        let first = places.occupy(1000)
        // The server stalls while more operations become due.
        for intended in [2000, 3000, 4000] {
            #expect(places.isFull)
            places.wait(intended)
        }
        #expect(places.waitingCount == 3)

        let resumed = 1_000_000
        let begun = first.flatMap { places.release($0) }
        recorder.time(from: begun ?? resumed, to: resumed)
        while let intended = places.nextWaiting {
            places.removeWaiting()
            answer(intended, at: resumed)
        }
        // All four operations are late, and not just the first.
        let slice = recorder.takeSlice()
        let latency = try #require(Latency(slice.histogram))
        #expect(latency.count == 4)
        #expect(latency.leastNanoseconds >= 990_000)
    }

    @Test("A place without an operation cannot be released")
    func wrongPlace() {
        var places = Places(2)
        func release(_ place: Int) -> Int? { places.release(place) }
        func occupy() -> Int? { places.occupy(1) }
        #expect(release(0) == nil)
        #expect(release(7) == nil)
        #expect(occupy() == 0)
        #expect(occupy() == 1)
        #expect(occupy() == nil)
        #expect(release(1) == 1)
        #expect(release(1) == nil)
        #expect(occupy() == 1)
    }

    @Test("A ring is a first-in, first-out queue", arguments: 0..<10 as Range<UInt64>)
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

    @Test("The shares of all threads add up to the count", arguments: [1, 2, 3, 7])
    func shares(threads: Int) throws {
        var plan = RunPlan(workload: .handoff, contestant: .sluice, address: try ServerAddress("127.0.0.1:1"))
        plan.threads = threads
        for count in [0, 1, 5, 50, 51] {
            #expect((0..<threads).reduce(0) { $0 + plan.share(of: count, for: $1) } == count)
        }
    }

    @Test("Percentiles end at the last that the count can resolve, and include the table's")
    func percentiles() throws {
        var recorder = OperationRecorder()
        for value in 1...1000 { recorder.time(from: 0, to: value * 1000) }
        let slice = recorder.takeSlice()
        let latency = try #require(Latency(slice.histogram))
        for percent in Latency.shown { #expect(latency.nanoseconds(at: percent) != nil) }
        let median = try #require(latency.nanoseconds(at: 50))
        #expect((495_000...505_000).contains(median))
        #expect(latency.percentiles.map(\.percent) == latency.percentiles.map(\.percent).sorted())
        #expect(latency.percentiles.map(\.nanoseconds) == latency.percentiles.map(\.nanoseconds).sorted())
        #expect(latency.percentiles.last?.percent == 100)
        let nothing = recorder.takeSlice()
        #expect(Latency(nothing.histogram) == nil)
    }
}
