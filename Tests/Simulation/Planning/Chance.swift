import SeededRandom

/// Makes random choices that a seed determines.
struct Chance {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    /// Returns a number from 0 up to, but not including, the limit.
    mutating func below(_ limit: Int) -> Int {
        // The standard library's `random(in:)` may map random bits to numbers differently in another version.
        limit <= 1 ? 0 : Int(generator.next() % UInt64(limit))
    }

    /// Returns a number from 0 up to and including the limit.
    mutating func upTo(_ limit: UInt64) -> UInt64 { limit == 0 ? 0 : generator.next() % (limit + 1) }
    /// Returns true with the probability `count / total`.
    mutating func happens(_ count: Int, of total: Int) -> Bool { below(total) < count }
    mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
    mutating func seed() -> UInt64 { generator.next() }

    mutating func shuffle<Element>(_ elements: inout [Element]) {
        for place in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(place, below(place + 1)) }
    }
}
