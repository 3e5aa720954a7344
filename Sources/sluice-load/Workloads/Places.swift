/// What a connection has on its way: as many operations as it has places, and those that wait for one.
///
/// An operation keeps the time at which it was to begin, however long it waits: its latency counts from there.
struct Places {
    /// When the operation at each place was to begin; 0 for none.
    private var begun: [Int]
    /// The free ones. The one that was free first is the next, since servers without tags answer in order.
    private var free: Ring
    /// When operations were to begin that wait for a place.
    private var waiting = Ring()

    init(_ depth: Int) {
        begun = Array(repeating: 0, count: depth)
        free = Ring(0..<depth)
    }

    var isFull: Bool { free.isEmpty }
    var waitingCount: Int { waiting.count }

    /// When the next of those was to begin that wait.
    var nextWaiting: Int? { waiting.first }

    mutating func wait(_ intended: Int) { waiting.append(intended) }

    mutating func removeWaiting() { waiting.removeFirst() }

    /// The place of an operation that begins now, and was to begin at that time; nil when there is none.
    mutating func take(_ intended: Int) -> Int? {
        guard let place = free.first else { return nil }
        free.removeFirst()
        begun[place] = intended
        return place
    }

    /// When the operation was to begin that is done; nil when there is none at that place.
    mutating func finish(_ place: Int) -> Int? {
        guard place < begun.count, begun[place] != 0 else { return nil }
        defer { begun[place] = 0 }
        free.append(place)
        return begun[place]
    }
}
