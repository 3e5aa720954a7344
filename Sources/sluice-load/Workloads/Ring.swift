/// A queue of numbers that allocates only when it is fuller than ever before.
struct Ring {
    private var slots: [Int]
    private var head = 0
    private(set) var count = 0

    init() { slots = [0] }

    init(_ numbers: Range<Int>) {
        slots = Array(numbers)
        count = slots.count
    }

    var isEmpty: Bool { count == 0 }

    var first: Int? { count == 0 ? nil : slots[head] }

    mutating func removeFirst() {
        head = head + 1 == slots.count ? 0 : head + 1
        count -= 1
    }

    mutating func append(_ number: Int) {
        if count == slots.count { grow() }
        let place = head + count
        slots[place < slots.count ? place : place - slots.count] = number
        count += 1
    }

    private mutating func grow() {
        var larger = Array(slots[head...] + slots[..<head])
        larger += Array(repeating: 0, count: max(4, slots.count))
        slots = larger
        head = 0
    }
}
