import SluiceWire

/// The ways of using a name.
enum NameUse: Sendable, Hashable {
    case send, receive, meet
}

/// The names that a client has used recently, and how. ``WaitGraph`` uses them to guess which clients may help others.
struct ChannelUsage: Sendable {
    /// The number of uses that are remembered. Beyond it, the first ones are forgotten.
    static let capacity = 8

    /// The bytes charged for the names.
    private(set) var bytes = 0
    /// The places in the order of their first use.
    private(set) var entries: [Place] = []

    /// One side of a channel, or a barrier.
    struct Place: Sendable, Hashable {
        let use: NameUse
        let name: ChannelName
    }

    /// Notes a use.
    ///
    /// - Returns: the change of the charge for the names, in bytes.
    @inline(__always)
    mutating func note(_ use: NameUse, of name: ChannelName) -> Int {
        // Most clients use one place again and again. Comparing it inside the array copies nothing.
        if !entries.isEmpty, entries[entries.count - 1].name == name, entries[entries.count - 1].use == use {
            return 0
        }
        return noteAnother(use, of: name)
    }

    private mutating func noteAnother(_ use: NameUse, of name: ChannelName) -> Int {
        let place = Place(use: use, name: name)
        if entries.contains(place) { return 0 }
        let old = bytes
        if entries.count == Self.capacity { bytes -= Self.size(of: entries.removeFirst()) }
        bytes += Self.size(of: place)
        entries.append(place)
        return bytes - old
    }

    private static func size(of place: Place) -> Int {
        ObjectSize.usedName + ObjectSize.text(place.name.description)
    }
}
