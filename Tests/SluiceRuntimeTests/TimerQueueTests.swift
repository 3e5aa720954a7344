import SeededRandom
import Testing

@testable import SluiceRuntime

@Suite struct TimerQueueTests {
    @Test func firesTheEarliestFirstAndEqualsInTheOrderOfSetting() {
        var queue = TimerQueue<Int>()
        for (action, deadline) in [30, 10, 20, 10, 10].enumerated() { _ = queue.set(at: UInt64(deadline), action) }
        let (earliest, actions) = (queue.earliest, fired(&queue, until: 100))
        #expect(earliest == 10)
        #expect(actions == [1, 3, 4, 2, 0])
    }

    @Test func firesNothingBeforeItsTime() {
        var queue = TimerQueue<Int>()
        _ = queue.set(at: 10, 1)
        let (early, due) = (queue.popDue(at: 9), queue.popDue(at: 10))
        #expect(early == nil)
        #expect(due == 1)
    }

    @Test func aStaleHandleCancelsNothing() {
        var queue = TimerQueue<Int>()
        let first = queue.set(at: 10, 1)
        let fired = queue.popDue(at: 10)
        // The second timer takes the slot of the first.
        let second = queue.set(at: 20, 2)
        let cancelled = [queue.cancel(first), queue.cancel(second), queue.cancel(second)]
        #expect(fired == 1)
        #expect(cancelled == [false, true, false])
    }

    @Test(arguments: [1, 7333, 99, 2026])
    func agreesWithASortedListUnderRandomOperations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = TimerQueue<Int>()
        var model: [(deadline: UInt64, action: Int)] = []
        var handles: [(handle: TimerHandle, action: Int)] = []
        var now: UInt64 = 0
        for action in 0..<20_000 {
            switch UInt8.random(in: 0..<10, using: &random) {
            case 0..<6:
                let deadline = now + .random(in: 0..<500, using: &random)
                handles.append((queue.set(at: deadline, action), action))
                let place = model.firstIndex { $0.deadline > deadline } ?? model.count
                model.insert((deadline, action), at: place)
            case 6..<9:
                guard !handles.isEmpty else { continue }
                let (handle, cancelled) = handles.remove(at: .random(in: 0..<handles.count, using: &random))
                let place = model.firstIndex { $0.action == cancelled }
                let wasPending = queue.cancel(handle)
                #expect(wasPending == (place != nil))
                if let place { model.remove(at: place) }
            default:
                now += .random(in: 0..<200, using: &random)
                let due = model.prefix { $0.deadline <= now }.map(\.action)
                model.removeFirst(due.count)
                let actions = fired(&queue, until: now)
                #expect(actions == due)
            }
            let (count, earliest) = (queue.count, queue.earliest)
            #expect(count == model.count)
            #expect(earliest == model.first?.deadline)
        }
    }

    private func fired(_ queue: inout TimerQueue<Int>, until now: UInt64) -> [Int] {
        var actions: [Int] = []
        while let action = queue.popDue(at: now) { actions.append(action) }
        return actions
    }
}
