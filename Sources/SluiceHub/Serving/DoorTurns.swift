import SluiceRuntime

/// A connection of a door. It works when it has its turn.
package protocol DoorConnection: AnyObject {
    /// Does the work for which the connection has waited. Called on the thread of the connection's reactor.
    func hasTurn()
}

/// The connections of doors that wait for a reactor's turn, and the time that doors have used. Their work is measured
/// in time and not in steps, because a step of one protocol or request may take much longer than one of another.
struct DoorTurns {
    /// The connections that wait for their turn.
    fileprivate var waiting = FairQueue<any DoorConnection, HolderID>()
    /// The time that doors have used of this turn, in nanoseconds.
    fileprivate var used: UInt64 = 0
    /// When the connection that works now has begun.
    fileprivate var beginning: UInt64 = 0

    /// Whether the end of the turn must call `continueDoors()`.
    var hasWorked: Bool { used > 0 || !waiting.isEmpty }
}

extension ReactorShare {
    /// Lets a connection of a door work. It works now if doors have time left in this turn and no other connection
    /// waits. Otherwise it waits in a queue, in which holders take turns.
    ///
    /// - Parameter waits: whether other connections have their turn first in any case.
    /// - Returns: whether the connection has worked now.
    func takeTurn(_ connection: some DoorConnection, of holder: () -> HolderID, waiting waits: Bool) -> Bool {
        awaitEndOfTurn()
        guard !waits, doors.waiting.isEmpty, doors.used < Budget.timeOfDoors else {
            doors.waiting.append(connection, of: holder())
            return false
        }
        work(connection)
        return true
    }

    private func work(_ connection: any DoorConnection) {
        doors.beginning = reactor.nowNanoseconds
        connection.hasTurn()
        doors.used += max(1, reactor.nowNanoseconds &- doors.beginning)
    }

    /// Whether the connection that works now has used the time that doors have in this turn.
    var isTurnOfDoorsOver: Bool {
        doors.used &+ (reactor.nowNanoseconds &- doors.beginning) >= Budget.timeOfDoors
    }

    /// Lets waiting connections work, in the time that doors have in the next turn.
    func continueDoors() {
        doors.used = 0
        // The loop polls before the hub's work for the doors, which is posted. The output that follows from other input
        // is written before that work, too.
        if !doors.waiting.isEmpty { reactor.post { [self] in callScheduled() } }
        var left = doors.waiting.count
        while left > 0, doors.used < Budget.timeOfDoors, let (connection, _) = doors.waiting.popFirst() {
            left -= 1
            work(connection)
        }
        if doors.hasWorked { awaitEndOfTurn() }
    }
}
