import Synchronization

/// Tasks that wait at one gate, and how many of them have come and gone.
final class Crowd<Gate: Sendable>: Sendable {
    let gate: Gate
    let arrived = Atomic<Int>(0)
    let left = Atomic<Int>(0)

    init(at gate: Gate) {
        self.gate = gate
    }

    func arrive() { arrived.wrappingAdd(1, ordering: .relaxed) }

    func leave() { left.wrappingAdd(1, ordering: .relaxed) }

    /// Lets other tasks run until `count` have arrived.
    func untilArrived(_ count: Int) async {
        while arrived.load(ordering: .relaxed) < count { await Task.yield() }
    }

    /// Lets other tasks run until `count` have left.
    func untilLeft(_ count: Int) async {
        while left.load(ordering: .relaxed) < count { await Task.yield() }
    }
}
