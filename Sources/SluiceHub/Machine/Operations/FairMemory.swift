import SluiceWire

/// Identifies equal selects of a connection: those with the same arms in the same order, regardless of the messages.
///
/// The key is a hash. If two different selects ever have the same one, a select starts with another arm, once.
struct FairKey: Sendable, Hashable {
    private let hash: Int

    init(_ arms: [Arm]) {
        var hasher = Hasher()
        for arm in arms {
            switch arm {
            case .receive(let channel, _):
                hasher.combine(0)
                hasher.combine(channel)
            case .send(let channel, _, _, _):
                hasher.combine(1)
                hasher.combine(channel)
            case .barrier(let name, _):
                hasher.combine(2)
                hasher.combine(name)
            }
        }
        hash = hasher.finalize()
    }
}

/// Remembers which arm each fair select of a connection took last, for the most recently used selects.
struct FairMemory: Sendable {
    private struct Entry {
        let key: FairKey
        var arm: Int32
    }

    /// The number of different selects that are remembered for a connection. If a client alternates between more, each
    /// starts with its first arm.
    static let capacity = 16

    /// The remembered selects; the most recently used one is last.
    private var entries: [Entry] = []

    /// Returns the arm with which a select starts: the one after the arm that it took last.
    func start(of key: FairKey, arms: Int) -> Int {
        guard let entry = entries.last(where: { $0.key == key }) else { return 0 }
        return (Int(entry.arm) + 1) % arms
    }

    mutating func remember(_ arm: Int32, of key: FairKey) {
        if let last = entries.indices.last, entries[last].key == key {
            entries[last].arm = arm
            return
        }
        if let place = entries.firstIndex(where: { $0.key == key }) {
            entries.remove(at: place)
        } else if entries.count == Self.capacity {
            entries.removeFirst()
        }
        entries.append(Entry(key: key, arm: arm))
    }
}
