import SeededRandom
import SluiceWire
import Testing

@testable import SluiceHub

@Suite struct AgeOrderTests {
    private final class Thing: Aged {
        let since: UInt64
        init(since: UInt64) { self.since = since }
    }

    private func keys(_ order: AgeOrder<Thing>) -> [AgeKey<Thing>] {
        var keys: [AgeKey<Thing>] = []
        var next = order.first(after: nil)
        while let key = next {
            keys.append(key)
            next = order.first(after: AgeMark(key))
        }
        return keys
    }

    @Test("The order agrees with a sorted array while elements come and go, also while it is being made")
    func agreesWithAModel() {
        var generator = SeededGenerator(seed: 5)
        let order = AgeOrder<Thing>()
        var slab = Slab<Thing>()
        var all: [AgeKey<Thing>] = []
        var (now, made) = (UInt64(0), 0)
        for step in 0..<30_000 {
            // Mostly insertions at first, mostly removals later.
            if Int.random(in: 0..<30_000, using: &generator) > step {
                now += UInt64.random(in: 0...2, using: &generator)
                let thing = Thing(since: now)
                let id = slab.insert(thing)
                order.note(thing, id)
                all.append(AgeKey(since: now, id: id))
            } else if let place = all.indices.randomElement(using: &generator) {
                let key = all.remove(at: place)
                if let thing = slab.remove(key.id) { order.forget(thing, key.id) }
            }
            if step > 5000, step % 7 == 0 { made += order.extend(over: slab, steps: 30) > 0 ? 1 : 0 }
            guard step % 1000 == 0, order.orderedSlots == .max else { continue }
            #expect(keys(order) == all && order.count == all.count)
            for key in all where key.id.serial % 997 == 0 {
                let after = all.filter { $0 > key }
                #expect(order.first(after: AgeMark(key)) == after.first)
                #expect(order.count(after: AgeMark(key)) == after.count)
            }
        }
        #expect(made > 1000)
    }

    @Test("The order is empty until a report needs it, and is forgotten if none does for long")
    func isOnlyKeptForReports() {
        let order = AgeOrder<Thing>()
        var slab = Slab<Thing>()
        let add = { (slab: inout Slab<Thing>) in
            let thing = Thing(since: 1)
            order.note(thing, slab.insert(thing))
        }
        for _ in 0..<2000 { add(&slab) }
        #expect(order.count == 0)
        var slices = 0
        while order.extend(over: slab, steps: 400) == 0 { slices += 1 }
        #expect(slices == 5 && order.count == 2000)
        for _ in 0..<8000 { add(&slab) }
        #expect(order.count == 10_000)
        #expect(order.extend(over: slab, steps: 10) == 10)
        for _ in 0..<40_001 { add(&slab) }
        #expect(order.count == 0)
    }
}
