import SluiceRuntime
import SluiceWire

/// What a drained hub keeps, as a value: its buffered messages, the declarations of channels, the names of ended
/// channels, and the ids of messages. The next run of the server takes it up.
///
/// Nothing of it belongs to a connection, because a drained hub has none. `write` and `init(reading:)` define its text.
package struct StoredHub: Sendable {
    /// The epochs of the runs whose ids the hub remembers, the latest first.
    package internal(set) var epochs: [Int] = []
    /// Those that are charged for the rest, which refers to them by their place here.
    var clients: [StoredClient] = []
    /// The channels, by their names.
    var channels: [StoredChannel] = []
    /// The ids of messages that no channel keeps any more.
    var sends: [StoredSend] = []

    /// The number of messages.
    package var messageCount: Int { channels.reduce(0) { $0 + $1.messages.count } }
    /// The number of channels.
    package var channelCount: Int { channels.count }

    /// The most earlier epochs that a hub knows. A client that has been away for more restarts than that learns that its
    /// message may have been delivered.
    static let mostEpochs = 64
}

/// A client that is charged for something that has outlived its connection.
struct StoredClient: Sendable {
    let address: String
    let holder: HolderName
}

/// A channel that is declared, has ended, or keeps messages.
struct StoredChannel: Sendable {
    let name: ChannelName
    /// What the channel does with its messages, also when it is no longer declared.
    var declaration = ChannelDeclaration.rendezvous
    var isDeclared = false
    var policy: FailurePolicy?
    /// The client that has declared the channel, or has ended it. Nil for none.
    var payer: Int?
    var ending: ChannelEnding?
    /// Whether the channel was closed because its last joined receiver had left.
    var hasLostReceivers = false
    var counts = ChannelCounts()
    /// In the order in which receivers get them; delayed and held ones at the end.
    var messages: [StoredMessage] = []
}

/// A message that a channel keeps.
struct StoredMessage: Sendable {
    enum Place: Sendable {
        case buffered
        /// Returned by a receiver, or held by one when the hub ended.
        case returned
        /// Not to be handed out before that many nanoseconds have passed.
        case delayed(UInt64)
        /// Rejected with a reason, while the dead channel does not take it.
        case held(String?)
    }

    let body: Body
    let place: Place
    /// Whether the message uses space of the channel's buffer without being in it.
    var usesSpace = false
    let position: UInt64
    var payer: Int
    var attempts = 0
    var key: SendKey?
    /// Whether the hub remembers the message by its id.
    var isRemembered = false
    /// Where a dead letter comes from. Nil for other messages.
    var origin: StoredOrigin?
    var trace: TraceContext?

    var isHeld: Bool { if case .held = place { true } else { false } }
}

/// The id of a message that no channel keeps any more, with the result for those that repeat the send.
struct StoredSend: Sendable {
    enum Result: Sendable {
        case delivered
        case rejected(String?, isOfCall: Bool)
        case rejectedLater
        /// The message of a call was taken without an answer.
        case unanswered
        case answered(Body)
        /// There was an answer, which could not be kept.
        case answerForgotten
    }

    let key: SendKey
    let payer: Int
    let result: Result
}
