import DequeModule

/// The connections that must authenticate and have not done so yet, by their origins, the oldest first.
///
/// When the server is full, they give way to a later connection of their origin. Otherwise, somebody without a token
/// could occupy all connections, and keep out the principals whose clients have the same address.
struct UnprovenConnections {
    private var queues: [ClientOrigin: Deque<ConnectionID>] = [:]

    /// - Parameter isUnproven: whether a connection is still open and must still authenticate. Entries of other
    ///   connections are dropped here, from the oldest. Few of them gather, because each connection must authenticate
    ///   within a short time.
    mutating func append(_ id: ConnectionID, from origin: ClientOrigin, _ isUnproven: (ConnectionID) -> Bool) {
        forgetProven(of: origin, isUnproven)
        queues[origin, default: []].append(id)
    }

    /// Removes and returns the oldest connection of an origin. Nil if there is none.
    mutating func takeOldest(of origin: ClientOrigin, _ isUnproven: (ConnectionID) -> Bool) -> ConnectionID? {
        forgetProven(of: origin, isUnproven)
        return queues[origin]?.popFirst()
    }

    /// Forgets an origin that has no connections.
    mutating func forget(_ origin: ClientOrigin) { queues[origin] = nil }

    private mutating func forgetProven(of origin: ClientOrigin, _ isUnproven: (ConnectionID) -> Bool) {
        while let first = queues[origin]?.first, !isUnproven(first) { queues[origin]?.removeFirst() }
    }
}
