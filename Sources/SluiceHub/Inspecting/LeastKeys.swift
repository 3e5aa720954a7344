/// Keeps the least `limit` of the inserted keys, in a binary heap with the greatest key in front.
struct LeastKeys<Key: Comparable> {
    private let limit: Int
    private var heap: [Key] = []

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { heap.count }

    /// The kept keys, the least first.
    var sorted: [Key] { heap.sorted() }

    mutating func insert(_ key: Key) {
        guard heap.count == limit else {
            heap.append(key)
            return siftUp()
        }
        guard let greatest = heap.first, key < greatest else { return }
        heap[0] = key
        siftDown()
    }

    private mutating func siftUp() {
        var place = heap.count - 1
        while place > 0, heap[(place - 1) / 2] < heap[place] {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func siftDown() {
        var place = 0
        while true {
            let left = 2 * place + 1
            guard left < heap.count else { return }
            let child = left + 1 < heap.count && heap[left] < heap[left + 1] ? left + 1 : left
            guard heap[place] < heap[child] else { return }
            heap.swapAt(place, child)
            place = child
        }
    }
}
