import SeededRandom
import Testing

@testable import SluiceRuntime

@Suite struct IndexedHeapTests {
    @Test("The heap pops the earliest first, and equal ones in order of insertion")
    func popsTheEarliestFirst() {
        var queue = IndexedHeap<Int>()
        for (action, deadline) in [30, 10, 20, 10, 10].enumerated() { _ = queue.insert(action, at: UInt64(deadline)) }
        let (earliest, actions) = (queue.leastPriority, fired(&queue, until: 100))
        #expect(earliest == 10)
        #expect(actions == [1, 3, 4, 2, 0])
    }

    @Test("The heap pops nothing before its time")
    func popsNothingBeforeItsTime() {
        var queue = IndexedHeap<Int>()
        _ = queue.insert(1, at: 10)
        let (early, due) = (queue.popFirst(upTo: 9), queue.popFirst(upTo: 10))
        #expect(early == nil)
        #expect(due == 1)
    }

    @Test("A stale handle removes nothing")
    func aStaleHandleRemovesNothing() {
        var queue = IndexedHeap<Int>()
        let first = queue.insert(1, at: 10)
        let fired = queue.popFirst(upTo: 10)
        // The second timer reuses the slot of the first.
        let second = queue.insert(2, at: 20)
        let cancelled = [queue.remove(first), queue.remove(second), queue.remove(second)]
        #expect(fired == 1)
        #expect(cancelled == [nil, 2, nil])
    }

    @Test("The heap agrees with a sorted list under random operations", arguments: [1, 7333, 99, 2026])
    func agreesWithASortedListUnderRandomOperations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = IndexedHeap<Int>()
        var model: [(deadline: UInt64, action: Int)] = []
        var handles: [(handle: HeapHandle, action: Int)] = []
        var now: UInt64 = 0
        for action in 0..<20_000 {
            switch UInt8.random(in: 0..<10, using: &random) {
            case 0..<6:
                let deadline = now + .random(in: 0..<500, using: &random)
                handles.append((queue.insert(action, at: deadline), action))
                let place = model.firstIndex { $0.deadline > deadline } ?? model.count
                model.insert((deadline, action), at: place)
            case 6..<9:
                guard !handles.isEmpty else { continue }
                let (handle, cancelled) = handles.remove(at: .random(in: 0..<handles.count, using: &random))
                let place = model.firstIndex { $0.action == cancelled }
                let withdrawn = queue.remove(handle)
                #expect(withdrawn == (place == nil ? nil : cancelled))
                if let place { model.remove(at: place) }
            default:
                now += .random(in: 0..<200, using: &random)
                let due = model.prefix { $0.deadline <= now }.map(\.action)
                model.removeFirst(due.count)
                let actions = fired(&queue, until: now)
                #expect(actions == due)
            }
            let (count, earliest) = (queue.count, queue.leastPriority)
            #expect(count == model.count)
            #expect(earliest == model.first?.deadline)
        }
    }

    private func fired(_ queue: inout IndexedHeap<Int>, until now: UInt64) -> [Int] {
        var actions: [Int] = []
        while let action = queue.popFirst(upTo: now) { actions.append(action) }
        return actions
    }
}
