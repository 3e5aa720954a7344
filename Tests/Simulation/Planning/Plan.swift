import SluiceHub
import SluiceWire

/// Everything that is to happen in a simulation, decided beforehand: so a plan that fails can be played again, and made
/// smaller until nothing more can be left out.
package struct Plan: Sendable {
    /// The seeds with a crowd: thousands of clients, who do little each.
    private static let crowdEvery: UInt64 = 100

    package let seed: UInt64
    var setting: Setting
    /// In the order of their times.
    package var steps: [Step]

    /// Whether the plan of a seed has a crowd, and takes a hundred times as long as one without.
    package static func isCrowd(seed: UInt64) -> Bool { seed % crowdEvery == crowdEvery - 1 }
}

/// What one client does at one time.
package struct Step: Sendable {
    /// Names the step, also in a plan from which others were left out.
    let number: Int
    /// In nanoseconds since the beginning.
    let time: UInt64
    let client: Int
    let deed: Deed
}

/// What a client can do.
enum Deed: Sendable {
    case operate(Operation)
    /// Sends several commands at once.
    case burst([Operation])
    /// Withdraws the command of an earlier step.
    case cancel(step: Int)
    /// Sends a line that is no command.
    case babble(String)
    /// Sends the first half of a line, and the rest after so many nanoseconds.
    case hesitate(UInt64)
    /// Takes no replies for so many nanoseconds.
    case stall(UInt64)
    case finishSending
    case breakOff
    /// Nothing happens anywhere for so many nanoseconds, and then everything that was due.
    case jump(UInt64)
    /// The hub is told to stop; with so many nanoseconds until it waits for nothing any more.
    case drain(within: UInt64?)
}

/// A command, and how its client goes about it.
struct Operation: Sendable {
    var command: Command
    var isTagged = true
    /// Whether a send without options is said as people do, with its text in the line.
    var isText = false
    /// What the client does with messages under a lease.
    var reaction = Reaction.nothing
    /// Whether a PING follows, whose answer proves that the command has been looked at.
    var isFenced = false
}

/// What a client does with a message under a lease, after so many nanoseconds.
enum Reaction: Sendable {
    case nothing
    case acknowledge(after: UInt64)
    case acknowledgeTwice(after: UInt64)
    case refuse(after: UInt64, delay: Duration?)
    case touchAndAcknowledge(after: UInt64)
    /// Another client acknowledges it, which it must not.
    case haveAcknowledged(by: Int, after: UInt64)
}

/// Where a simulation takes place.
struct Setting: Sendable {
    var clients = 4
    var limits = HubLimits()
    /// The most nanoseconds that bytes are on their way.
    var latency: UInt64 = 0
    /// Whether bytes that were sent together may arrive apart.
    var splits = false
    /// How many bytes of replies the network holds for a client.
    var outputRoom = 1 << 16
    var channels: [PlannedChannel] = []
}

/// A channel that the clients of a plan use.
struct PlannedChannel: Sendable {
    let name: ChannelName
    let declaration: ChannelDeclaration

    var isQueue: Bool { if case .queue = declaration { true } else { false } }
}
