/// A list of connections that are linked through `Connection.nextScheduled`, so that the list allocates nothing. A
/// connection is in one list at most. The list does not retain its connections. The hub retains a connection until the
/// connection forgets itself, which happens only in `Connection.turnEnds`, when it is in no list.
struct ConnectionList {
    private(set) var first: Unmanaged<Connection>?
    private var last: Unmanaged<Connection>?
    private(set) var count = 0

    var isEmpty: Bool { first == nil }

    mutating func append(_ connection: Connection) {
        let link = Unmanaged.passUnretained(connection)
        append(from: link, to: link, count: 1)
    }

    /// Moves the connections of another list to the end of this one.
    mutating func append(_ other: inout ConnectionList) {
        guard let first = other.first, let last = other.last else { return }
        append(from: first, to: last, count: other.count)
        other = ConnectionList()
    }

    private mutating func append(from first: Unmanaged<Connection>, to last: Unmanaged<Connection>, count: Int) {
        if let end = self.last { end._withUnsafeGuaranteedRef { $0.nextScheduled = first } } else { self.first = first }
        self.last = last
        self.count += count
    }

    /// Empties the list, and returns the first of its connections, from which links lead to the others.
    mutating func takeAll() -> Unmanaged<Connection>? {
        defer { self = ConnectionList() }
        return first
    }
}
