import SluiceWire

/// The ways of using a name.
enum NameUse: Sendable, Hashable {
    case send, receive, meet
}

/// The names that a client has used recently, and how. ``WaitGraph`` uses them to guess which clients may help others.
struct ChannelUsage: Sendable {
    /// The number of uses that are remembered. Beyond it, the first ones are forgotten.
    static let capacity = 8

    /// The places in the order of their first use.
    private(set) var entries: [Place] = []

    /// One side of a channel, or a barrier.
    struct Place: Sendable, Hashable {
        let use: NameUse
        let name: ChannelName
    }

    mutating func note(_ use: NameUse, of name: ChannelName) {
        // Most clients use one place again and again. Comparing it inside the array copies nothing.
        if !entries.isEmpty, entries[entries.count - 1].name == name, entries[entries.count - 1].use == use { return }
        let place = Place(use: use, name: name)
        if entries.contains(place) { return }
        if entries.count == Self.capacity { entries.removeFirst() }
        entries.append(place)
    }
}
