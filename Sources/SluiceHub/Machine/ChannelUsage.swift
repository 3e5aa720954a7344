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
    /// The last use. Checked first, because most clients use one place again and again.
    private var last: Place?

    /// One side of a channel, or a barrier.
    struct Place: Sendable, Hashable {
        let use: NameUse
        let name: ChannelName
    }

    mutating func note(_ use: NameUse, of name: ChannelName) {
        if let last, last.use == use, last.name == name { return }
        let place = Place(use: use, name: name)
        last = place
        if entries.contains(place) { return }
        if entries.count == Self.capacity { entries.removeFirst() }
        entries.append(place)
    }
}
