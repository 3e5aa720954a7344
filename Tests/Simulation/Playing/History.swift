import SluiceHub
import SluiceWire

/// What the clients of a simulation have observed: all that the checker knows.
package struct History: Sendable {
    let plan: Plan
    /// In the order in which they were sent.
    var acts: [Act] = []
    var lines: [LineRecord] = []
    /// What cannot be, and was noticed at once: replies to nothing, and bytes that are no reply.
    var faults: [Fault] = []
    /// The most that a connection had the hub keep at any time.
    var largestUse = ConnectionUse()
    /// When the hub was told to stop; nil if it was not.
    var drain: DrainRecord?
    var rest = RestReport()
    package var hash: UInt64 = 0
}

/// A command that was sent, and what its client has heard of it.
struct Act: Sendable {
    let step: Int
    let client: Int
    let line: Int
    /// Nil of a line that is no command.
    let command: Command?
    let tag: Tag?
    let sent: Moment
    /// When the client knew that the hub had looked at the command: something behind it was answered.
    var entered: Moment?
    /// The messages of a counted receive.
    var parts: [(moment: Moment, reply: Reply)] = []
    var final: (moment: Moment, reply: Reply)?

    /// Whether it was done by the one who looks at what is left in the end.
    var isAuditors: Bool { client < 0 }
}

/// A connection, as its client saw it.
struct LineRecord: Sendable {
    let client: Int
    let address: String
    /// What was sent over it.
    var acts: [Int] = []
    /// When the client has finished sending, or has said `QUIT`.
    var farewell: Moment?
    /// When the client took no replies: from then on, and up to a time.
    var stalls: [(begin: Moment, end: UInt64)] = []
    /// When the client learned that it is over.
    var end: Moment?
    /// Whether it was broken off, be it by the client or by the hub.
    var isBroken = false
    /// Whether the hub has ended it with an error.
    var isRefused = false
}

/// A hub that was told to stop.
struct DrainRecord: Sendable {
    let moment: Moment
    /// The nanoseconds after which it was to wait for nothing any more.
    let limit: UInt64?
    /// What was left when nothing moved any more: connections, and operations that waited.
    var connectionsLeft = 0
    var operationsLeft = 0
    /// Whether the hub says that it has come to its end.
    var isAtItsEnd = false
}

/// What was seen of the hub when nothing moved any more.
struct RestReport: Sendable {
    /// While the clients were there still.
    var waiters = WaitersReport(waiters: [])
    var channels = ChannelsReport(channels: [])
    var server: ServerReport?
    /// When everybody had gone, what was left was received, and every channel was ended.
    var empty: ServerReport?
    /// What the clients waited for at the first look.
    var pending: [Int] = []
    var moment = Moment(serial: .max, time: .max)
}

/// Something that a hub that keeps its promises would not have shown.
package struct Fault: Sendable, Hashable {
    /// The rule that was broken.
    package let rule: String
    package let text: String

    init(_ rule: String, _ text: String) {
        self.rule = rule
        self.text = text
    }
}
