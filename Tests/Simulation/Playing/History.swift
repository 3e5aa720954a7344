import SluiceHub
import SluiceWire

/// What the clients of a simulation observed. The checker knows nothing else.
package struct History: Sendable {
    let plan: Plan
    /// In the order in which they were sent.
    var exchanges: [Exchange] = []
    var connections: [ConnectionRecord] = []
    /// Faults that were noticed during the simulation: replies to no command, and bytes that are not a reply.
    var faults: [Fault] = []
    /// The most bytes that the hub held for a connection at any time.
    var largestUse = ConnectionUse()
    /// The pieces of work that were too long.
    var overruns: [Overrun] = []
    /// The most steps that the input of the clients has taken in a turn, and those that a turn has for it.
    var longestInput = 0
    var inputStepsOfTurn = 0
    /// The times in which the hub had something left to do, so that what was due could happen later.
    var backlogs: [Backlog] = []
    /// The most turns that the hub took before it answered the neighbour.
    var neighbourTurns = 0
    /// When the hub began to drain; nil if it did not.
    var drain: DrainRecord?
    var rest = RestReport()
    package var hash: UInt64 = 0
}

/// A command that a client sent, with the replies to it.
struct Exchange: Sendable {
    let step: Int
    let client: Int
    let connection: Int
    /// Nil if the client sent a line that is not a command.
    let command: Command?
    let tag: Tag?
    let sent: Moment
    /// When the client learned that the hub had read the command: it, or a later command, was answered.
    var entered: Moment?
    /// The messages of a counted receive.
    var parts: [(moment: Moment, reply: Reply)] = []
    var final: (moment: Moment, reply: Reply)?

    /// Whether the auditor sent the command, which inspects the hub at rest.
    var isFromAuditor: Bool { client < 0 }
    /// Whether only a failure is answered.
    var repliesOnlyToFailure: Bool { command?.repliesOnlyToFailure ?? false }
}

extension Command {
    /// Whether only a failure of the command is answered.
    var repliesOnlyToFailure: Bool {
        if case .acknowledge(let command) = self { command.repliesOnlyToFailure } else { false }
    }
}

/// A connection as its client saw it.
struct ConnectionRecord: Sendable {
    let client: Int
    let address: String
    /// The commands that were sent on the connection.
    var exchanges: [Int] = []
    /// When the client finished sending, or sent `QUIT`.
    var farewell: Moment?
    /// The times during which the client read no replies.
    var stalls: [(begin: Moment, end: UInt64)] = []
    /// When the client learned that the connection has ended.
    var end: Moment?
    /// Whether the client or the hub broke the connection off.
    var isBroken = false
    /// Whether the hub ended the connection with an error.
    var isRefused = false
}

/// A time in which the hub always had something left to do. The hub had nothing left at its beginning.
struct Backlog: Sendable {
    let from: UInt64
    let to: UInt64
}

/// More work than the hub may do in one piece.
struct Overrun: Sendable {
    let time: UInt64
    let steps: Int
    let bound: Int
}

/// The draining of a hub.
struct DrainRecord: Sendable {
    let moment: Moment
    /// The time that the hub had for draining; nil is without limit.
    let limitNanoseconds: UInt64?
    /// The connections and parked operations that were left at rest.
    var connectionsLeft = 0
    var operationsLeft = 0
    /// Whether the hub reports that it has ended.
    var isAtItsEnd = false
}

/// What the hub reported at rest, when nothing happened any more.
struct RestReport: Sendable {
    /// While the clients were still connected.
    var waiters = WaitersReport(waiters: [])
    var channels = ChannelsReport(channels: [])
    var server: ServerReport?
    var clients = ClientsReport(clients: [])
    /// When all clients had disconnected, the remaining messages were received, and every channel was poisoned.
    var empty: ServerReport?
    /// The bytes charged when the auditor has disconnected too, and the hub has forgotten everything that it keeps for some
    /// time. Nil if the hub has drained.
    var charge: MemoryCharge?
    /// The exchanges that the clients were still waiting for at rest.
    var pending: [Int] = []
    var moment = Moment(serial: .max, time: .max)
}

/// An observation that contradicts what the hub promises.
package struct Fault: Sendable, Hashable {
    /// The name of the broken rule.
    package let rule: String
    package let text: String

    init(_ rule: String, _ text: String) {
        self.rule = rule
        self.text = text
    }
}

/// A moment in a simulation. The serial number orders observations that are made at the same time.
struct Moment: Comparable, Sendable {
    let serial: Int
    /// In nanoseconds since the simulation began.
    let time: UInt64

    static func < (first: Moment, second: Moment) -> Bool { first.serial < second.serial }
    static func == (first: Moment, second: Moment) -> Bool { first.serial == second.serial }
}
