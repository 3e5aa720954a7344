import SluiceWire

/// What can be done with a name.
enum NameUse: Sendable, Hashable {
    case send, receive, meet
}

/// The names that a client has used last, and how: what tells who might be waited for.
struct ChannelUsage: Sendable {
    /// How many are remembered; of more than that, the ones first used are forgotten.
    static let capacity = 8

    private(set) var entries: [Place] = []

    /// One side of a channel, or a barrier.
    struct Place: Sendable, Hashable {
        let use: NameUse
        let name: ChannelName
    }

    mutating func note(_ use: NameUse, of name: ChannelName) {
        let place = Place(use: use, name: name)
        if entries.last == place || entries.contains(place) { return }
        if entries.count == Self.capacity { entries.removeFirst() }
        entries.append(place)
    }
}
