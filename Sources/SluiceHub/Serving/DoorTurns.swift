import SluiceRuntime

/// A connection of a door, which works when it has its turn.
package protocol DoorConnection: AnyObject {
    /// Reads input, and serves some of it. Called on the thread of the connection's reactor.
    func hasTurn()
}

/// What the connections of doors do in a turn of a reactor. Their work counts by its time, which differs much between
/// protocols and requests.
struct DoorTurns {
    /// The connections that wait for their turn.
    fileprivate var waiting = FairQueue<any DoorConnection, ObjectIdentifier?>()
    /// The time of this turn that was used, in nanoseconds.
    fileprivate var used: UInt64 = 0

    /// Whether the end of the turn changes something.
    var hasWorked: Bool { used > 0 || !waiting.isEmpty }
}

extension ReactorShare {
    /// Lets a connection of a door work: now if time is left for doors in this turn, and otherwise when those that have
    /// waited longer, and those of other holders, have worked.
    ///
    /// - Parameter waits: whether others have their turn first in any case.
    /// - Returns: whether it has worked.
    func takeTurn(_ connection: some DoorConnection, of holder: () -> ObjectIdentifier, waiting waits: Bool) -> Bool {
        awaitEndOfTurn()
        guard !waits, doors.waiting.isEmpty, doors.used < Budget.timeOfDoors else {
            doors.waiting.append(connection, of: holder())
            return false
        }
        work(connection)
        return true
    }

    private func work(_ connection: any DoorConnection) {
        let start = reactor.nowNanoseconds
        connection.hasTurn()
        doors.used += max(1, reactor.nowNanoseconds &- start)
    }

    /// Lets the connections that wait work, in the time for doors of the next turn.
    func continueDoors() {
        doors.used = 0
        var left = doors.waiting.count
        while left > 0, doors.used < Budget.timeOfDoors, let (connection, _) = doors.waiting.popFirst() {
            left -= 1
            work(connection)
        }
        if doors.hasWorked { awaitEndOfTurn() }
    }
}
