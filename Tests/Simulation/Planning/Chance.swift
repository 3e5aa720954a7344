import SeededRandom

/// Decides what a seed decides.
struct Chance {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func below(_ limit: Int) -> Int {
        // Not by the library's `random(in:)`, whose way to a number may change with its version.
        limit <= 1 ? 0 : Int(generator.next() % UInt64(limit))
    }

    mutating func upTo(_ limit: UInt64) -> UInt64 { limit == 0 ? 0 : generator.next() % (limit + 1) }
    mutating func happens(_ count: Int, of total: Int) -> Bool { below(total) < count }
    mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
    mutating func seed() -> UInt64 { generator.next() }

    mutating func shuffle<Element>(_ elements: inout [Element]) {
        for place in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(place, below(place + 1)) }
    }
}
