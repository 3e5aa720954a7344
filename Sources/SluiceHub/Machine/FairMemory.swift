import SluiceWire

/// What makes a select of a connection the same as an earlier one: its arms, in their order, without their messages.
///
/// A hash stands for them. Should two selects ever share one, an arm would be looked at in another order than it should
/// be, once.
struct FairKey: Sendable, Hashable {
    private let hash: Int

    init(_ arms: [Arm]) {
        var hasher = Hasher()
        for arm in arms {
            switch arm {
            case .receive(let channel, _):
                hasher.combine(0)
                hasher.combine(channel)
            case .send(let channel, _, _):
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

/// Remembers which arm the fair selects of a connection took last, for the selects that were used last.
struct FairMemory: Sendable {
    private struct Entry {
        let key: FairKey
        var arm: Int32
    }

    /// How many different selects of a connection are remembered; a client that takes turns with more finds that each
    /// begins with its first arm.
    static let capacity = 16

    /// The one used last stands last.
    private var entries: [Entry] = []

    /// Where a select begins to look: after the arm that it took last.
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
