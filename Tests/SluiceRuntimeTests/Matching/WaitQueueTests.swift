import SeededRandom
import Testing

@testable import SluiceRuntime

@Suite struct WaitQueueTests {
    @Test("Entries are popped in the order of insertion")
    func entriesArePoppedInOrder() {
        var queue = WaitQueue<Int>()
        for entry in 0..<200 { queue.append(entry) }
        let left = drained(&queue)
        #expect(left == Array(0..<200))
    }

    @Test(
        "An entry can be removed from any place",
        arguments: [[0], [1], [2], [0, 1], [1, 2], [0, 2], [2, 0], [1, 0, 2]])
    func anEntryIsRemovedFromAnyPlace(places: [Int]) {
        var queue = WaitQueue<Int>()
        let tickets = (0..<3).map { queue.append($0) }
        for place in places {
            let entry = queue.remove(tickets[place])
            #expect(entry == place)
        }
        queue.append(3)
        let (count, left) = (queue.count, drained(&queue))
        #expect(count == 4 - places.count)
        #expect(left == (0..<4).filter { !places.contains($0) })
    }

    @Test("A ticket matches once")
    func aTicketMatchesOnce() {
        var queue = WaitQueue<Int>()
        let ticket = queue.append(1)
        let (first, second) = (queue.remove(ticket), queue.remove(ticket))
        #expect(first == 1)
        #expect(second == nil)
    }

    @Test("The ticket of a popped entry does not match a later one in its place")
    func theTicketOfAnEntryThatWasTakenMatchesNoLaterOneInItsPlace() {
        var queue = WaitQueue<Int>()
        let stale = queue.append(1)
        _ = queue.popFirst()
        let fresh = queue.append(2)
        #expect(fresh.index == stale.index, "the node is used again")
        let (wrong, right) = (queue.remove(stale), queue.remove(fresh))
        #expect(wrong == nil)
        #expect(right == 2)
    }

    @Test("No stale ticket matches after a large queue has freed its memory")
    func noTicketMatchesAfterALargeQueueGaveItsMemoryBack() {
        var queue = WaitQueue<Int>()
        let stale = (0..<1000).map { queue.append($0) }
        _ = drained(&queue)
        let isEmpty = queue.table.slots.isEmpty
        #expect(isEmpty)
        let fresh = queue.append(1)
        let wrong = stale.compactMap { queue.remove($0) }
        let right = queue.remove(fresh)
        #expect(wrong.isEmpty)
        #expect(right == 1)
    }

    @Test("No entry gets the serial number that marks a free node")
    func theSerialNumberThatMarksAFreeNodeNamesNoEntry() {
        var queue = WaitQueue<Int>()
        queue.table.lastSerial = .max - 1
        let tickets = (0..<3).map { queue.append($0) }
        #expect(tickets.map(\.serial) == [.max, 1, 2])
        let left = tickets.map { queue.remove($0) }
        #expect(left == [0, 1, 2])
    }

    @Test("An unused queue holds no memory, and a used one only its nodes")
    func anUnusedQueueHoldsNoMemoryAndAUsedOneItsNodesOnly() {
        var queue = WaitQueue<Int>()
        let capacity = queue.table.slots.capacity
        #expect(capacity == 0)
        for round in 0..<1000 {
            queue.append(round)
            _ = queue.popFirst()
        }
        let count = queue.table.slots.count
        #expect(count == 1)
    }

    @Test("The queue releases popped and removed entries")
    func itReleasesEntries() {
        final class Held {}
        var queue = WaitQueue<Held>()
        weak var popped: Held?
        weak var removed: Held?
        do {
            let (first, second) = (Held(), Held())
            (popped, removed) = (first, second)
            queue.append(first)
            let ticket = queue.append(second)
            _ = queue.remove(ticket)
            _ = queue.popFirst()
        }
        #expect(popped == nil)
        #expect(removed == nil)
    }

    @Test("The queue agrees with an array under random operations", arguments: [1, 7333, 99, 2026])
    func agreesWithAnArrayUnderRandomOperations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = WaitQueue<Int>()
        var model: [Int] = []
        var tickets: [(ticket: WaitTicket, entry: Int)] = []
        for entry in 0..<10_000 {
            // The queue grows and shrinks in turn, so that it also frees its slabs.
            let appends = entry / 1000 % 2 == 0 ? 6 : 3
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<appends:
                tickets.append((queue.append(entry), entry))
                model.append(entry)
            case appends..<8:
                let popped = queue.popFirst()
                #expect(popped == (model.isEmpty ? nil : model.removeFirst()))
            default:
                // Stale tickets too.
                guard let (ticket, named) = tickets.randomElement(using: &random) else { continue }
                let removed = queue.remove(ticket)
                #expect(removed == (model.contains(named) ? named : nil))
                model.removeAll { $0 == named }
            }
            let (count, isEmpty) = (queue.count, queue.isEmpty)
            #expect(count == model.count)
            #expect(isEmpty == model.isEmpty)
        }
        var visited: [Int] = []
        queue.forEach { visited.append($0) }
        #expect(visited == model)
    }

    private func drained<Entry>(_ queue: inout WaitQueue<Entry>) -> [Entry] {
        var entries: [Entry] = []
        while let entry = queue.popFirst() { entries.append(entry) }
        return entries
    }
}
