import SluiceHub
import SluiceWire

/// Everything that the clients and the network of a simulation do, decided in advance. A plan that fails can be played
/// again, and made smaller until nothing more can be left out.
package struct Plan: Sendable {
    /// One in this many seeds has a crowd: thousands of clients that do little each.
    private static let crowdEvery: UInt64 = 100

    package let seed: UInt64
    var setting: Setting
    /// In the order of their times.
    package var steps: [Step]

    var isCrowd: Bool { Self.isCrowd(seed: seed) }

    /// Returns whether the plan of a seed has a crowd. Then it takes a hundred times as long as others.
    package static func isCrowd(seed: UInt64) -> Bool { seed % crowdEvery == crowdEvery - 1 }
}

/// An action of one client at one time.
package struct Step: Sendable {
    /// Identifies the step, also in a plan from which other steps were left out.
    let number: Int
    /// In nanoseconds since the simulation began.
    let time: UInt64
    let client: Int
    let action: Action
}

/// What a client, the network or the hub does in a step.
enum Action: Sendable {
    case operate(Operation)
    /// Sends several commands at once.
    case burst([Operation])
    /// Cancels the command of an earlier step.
    case cancel(step: Int)
    /// Sends a line that is not a command.
    case sendInvalidLine(String)
    /// Sends the first half of a line, and the rest after a pause.
    case pauseWithinLine(nanoseconds: UInt64)
    /// Reads no replies for some time.
    case stall(nanoseconds: UInt64)
    case finishSending
    case breakOff
    /// Moves the clock forward at once, so that everything that was due in that time happens afterwards.
    case jump(nanoseconds: UInt64)
    /// Drains the hub, with a time limit if it is not nil.
    case drain(withinNanoseconds: UInt64?)
}

/// A command, how its client sends it, and what the client does with its messages.
struct Operation: Sendable {
    var command: Command
    var isTagged = true
    /// Whether a send without options has its body in the line, as people type it.
    var isText = false
    /// What the client does with the messages that it holds under a lease.
    var reaction = Reaction.nothing
    /// Whether a PING follows: its reply proves that the hub has read the command.
    var isFenced = false
}

/// What a client does with a message under a lease, after some nanoseconds.
enum Reaction: Sendable {
    case nothing
    case acknowledge(after: UInt64)
    case acknowledgeTwice(after: UInt64)
    case reject(after: UInt64, delay: Duration?)
    /// The client refuses the message for good.
    case refuse(after: UInt64)
    case touchAndAcknowledge(after: UInt64)
    /// Another client tries to acknowledge the message, which the hub must not accept.
    case acknowledgeFromAnother(client: Int, after: UInt64)
}

/// The hub, the network and the channels of a simulation.
struct Setting: Sendable {
    var clients = 4
    /// Whether every client understands `TIMEOUT receivers=0` and `OK rejected=yes`.
    var understandsAdditions = false
    var limits = HubLimits()
    /// The longest time that bytes travel.
    var latencyNanoseconds: UInt64 = 0
    /// Whether bytes that were sent together may arrive separately.
    var splits = false
    /// The number of bytes of replies that the network holds for a client.
    var networkBytes = 1 << 16
    var channels: [PlannedChannel] = []
    /// The time that a turn of the hub takes while it has something left to do.
    var turnNanoseconds: UInt64 = 0
    /// Whether a client asks again and again for something that the hub can do at once.
    var hasNeighbour = false
}

/// A channel that the clients of a plan use.
struct PlannedChannel: Sendable {
    let name: ChannelName
    let declaration: ChannelDeclaration
    /// What happens to messages that receivers do not acknowledge.
    var policy: FailurePolicy?

    /// The command that declares the channel.
    var opening: Command { .open(OpenCommand(name, declaration, policy)) }

    var isQueue: Bool { if case .queue = declaration { true } else { false } }
}
