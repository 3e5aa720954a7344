import DequeModule

/// The connections of a reactor whose input waits for its turn. Holders take turns, and so do the connections of each
/// holder. So a client that uses many connections does not make those of others wait longer than a single one would.
struct InputQueue {
    private final class Lane {
        let holder: ObjectIdentifier
        @exclusivity(unchecked) var connections: Deque<Connection> = []

        init(of holder: ObjectIdentifier) { self.holder = holder }
    }

    /// The holders with waiting connections, the next one first.
    private var lanes: Deque<Lane> = []
    private var laneOfHolder: [ObjectIdentifier: Lane] = [:]
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ connection: Connection, of holder: ObjectIdentifier) {
        count += 1
        if let lane = laneOfHolder[holder] { return lane.connections.append(connection) }
        let lane = Lane(of: holder)
        lane.connections.append(connection)
        laneOfHolder[holder] = lane
        lanes.append(lane)
    }

    mutating func popFirst() -> Connection? {
        guard let lane = lanes.popFirst(), let connection = lane.connections.popFirst() else { return nil }
        count -= 1
        if lane.connections.isEmpty { laneOfHolder[lane.holder] = nil } else { lanes.append(lane) }
        return connection
    }
}
