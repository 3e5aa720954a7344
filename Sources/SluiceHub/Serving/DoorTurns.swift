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
    /// The time that doors have in this turn, in nanoseconds.
    fileprivate var most = Budget.timeOfDoors
    /// When the connection that works now has begun.
    fileprivate var beginning: UInt64 = 0
    /// Whether a connection works now.
    fileprivate var isWorking = false
    /// The clients whose changes the hub is told when the connection that works now has done its work.
    fileprivate var changed: [WireClient] = []

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
        guard !waits, doors.waiting.isEmpty, doors.used < doors.most else {
            doors.waiting.append(connection, of: holder())
            return false
        }
        work(connection)
        return true
    }

    /// Lets a connection work, and then lets the hub run what the connection has written. If the hub ran it in the next
    /// turn, a request would take three turns, and turns are long while other clients send much input.
    private func work(_ connection: any DoorConnection) {
        doors.beginning = reactor.nowNanoseconds
        doors.isWorking = true
        connection.hasTurn()
        while let client = doors.changed.popLast() { client.tell() }
        doors.isWorking = false
        doors.used += max(1, reactor.nowNanoseconds &- doors.beginning)
    }

    /// Remembers to tell the hub about a client, such as what it has written, after the work of the connection that works
    /// now.
    ///
    /// - Returns: false if no connection of a door works. Then the caller must post the call.
    func tellAfterWork(_ client: WireClient) -> Bool {
        if doors.isWorking { doors.changed.append(client) }
        return doors.isWorking
    }

    /// Whether the connection that works now has used the time that doors have in this turn.
    var isTurnOfDoorsOver: Bool {
        doors.used &+ (reactor.nowNanoseconds &- doors.beginning) >= doors.most
    }

    /// Lets waiting connections work, in the time that doors have in the next turn. Each holder has an equal part of that
    /// time. So a holder with many short requests does not wait for a long request of another one before each of its own.
    func continueDoors() {
        doors.used = 0
        doors.most = max(
            Budget.timeOfDoors, min(reactor.nanosecondsSincePoll / Budget.divisorForDoors, Budget.longestTimeOfDoors))
        var holdersLeft = doors.waiting.holderCount
        let timeOfHolder = max(Budget.timeOfDoors, doors.most / UInt64(max(1, holdersLeft)))
        var skipped = 0
        while !doors.waiting.isEmpty, doors.used < (holdersLeft > 0 ? Budget.longestTimeOfDoors : doors.most) {
            holdersLeft -= 1
            // With very many holders, or very long requests, the search for a holder with time left would take too long.
            let isSearchOver = skipped >= Budget.mostHoldersSkipped
            guard doors.waiting.beginTurn(allowing: timeOfHolder, ignoringExcess: isSearchOver) else {
                skipped += 1
                continue
            }
            skipped = 0
            while let connection = doors.waiting.popInTurn() {
                let before = doors.used
                work(connection)
                doors.waiting.spend(doors.used - before)
            }
            doors.waiting.endTurn()
        }
        if !scheduled.isEmpty { callScheduled() }
        if doors.hasWorked { awaitEndOfTurn() }
    }
}
