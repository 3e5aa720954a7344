/// Declares the connection to be an end of a channel (`JOIN`).
package struct JoinCommand: Sendable, Hashable {
    package var end: ChannelEnd
    /// What happens to the channel when the connection is lost. Nil means `.retire`.
    package var onDeath: DeathPolicy?

    package init(_ end: ChannelEnd, onDeath: DeathPolicy? = nil) {
        self.end = end
        self.onDeath = onDeath
    }
}

/// The sending or the receiving end of a channel.
package struct ChannelEnd: Sendable, Hashable {
    package var channel: ChannelName
    package var side: Side

    package init(_ side: Side, of channel: ChannelName) {
        self.side = side
        self.channel = channel
    }

    /// The side of a channel that an end is on (`end=`).
    package enum Side: String, CaseIterable, Sendable, Hashable {
        case send
        case receive = "recv"

        static let vocabulary = Vocabulary<Self>()
    }
}

/// What happens to a channel when the connection of one of its ends is lost (`on-death=`).
package enum DeathPolicy: String, CaseIterable, Sendable, Hashable {
    /// The end retires, as it does after `LEAVE`.
    case retire
    /// The channel is poisoned.
    case poison

    static let vocabulary = Vocabulary<Self>()
}
