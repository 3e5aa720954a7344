import Testing

@testable import SluiceHub

@Suite struct FairQueueTests {
    private final class Holder {}

    @Test("Holders take turns, and an element that is put back stays the first of its holder")
    func putBack() throws {
        let holders = [Holder(), Holder()].map(ObjectIdentifier.init)
        var queue = FairQueue<String, ObjectIdentifier?>()
        for element in ["a1", "a2"] { queue.append(element, of: holders[0]) }
        queue.append("b1", of: holders[1])
        var order: [String] = []
        for _ in 0..<3 {
            let first = queue.popFirst()
            let (element, holder) = try #require(first)
            order.append(element)
            if element == "a1", order.count == 1 { queue.putBack(element, of: holder) }
        }
        #expect(order == ["a1", "b1", "a1"])
        #expect(queue.hasElements(of: holders[0]) && !queue.hasElements(of: holders[1]))
        let last = queue.popFirst()
        #expect(last?.element == "a2")
        #expect(queue.isEmpty)
    }

    @Test("A holder keeps its turn until it is ended, even while it has no elements")
    func longTurns() {
        var queue = FairQueue<String, Int>()
        for element in ["a1", "a2"] { queue.append(element, of: 1) }
        queue.append("b1", of: 2)
        var order: [String?] = []
        func begin(ignoringExcess ignoresExcess: Bool = false) -> Bool {
            queue.beginTurn(allowing: 10, ignoringExcess: ignoresExcess)
        }
        #expect(begin())
        for _ in 0..<3 { order.append(queue.popInTurn()) }
        queue.append("a3", of: 1)
        order.append(queue.popInTurn())
        queue.append("a4", of: 1)
        queue.spend(25)
        order.append(queue.popInTurn())
        queue.endTurn()
        #expect(begin())
        order.append(queue.popInTurn())
        queue.endTurn()
        #expect(order == ["a1", "a2", nil, "a3", nil, "b1"])
        // It has exceeded its amount by 15.
        #expect(queue.holderCount == 1 && !begin())
        #expect(begin())
        order = [queue.popInTurn()]
        queue.endTurn()
        #expect(order == ["a4"] && queue.isEmpty && queue.holderCount == 0)
        queue.append("a5", of: 1)
        #expect(begin())
        queue.spend(1000)
        queue.endTurn()
        #expect(!begin() && begin(ignoringExcess: true))
    }
}
