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
}
