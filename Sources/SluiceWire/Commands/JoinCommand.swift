/// Count the connection as an end of a channel.
package struct JoinCommand: Sendable, Hashable {
    package var end: ChannelEnd
    /// What becomes of the channel when the connection is lost; nil is `.retire`.
    package var onDeath: DeathPolicy?

    package init(_ end: ChannelEnd, onDeath: DeathPolicy? = nil) {
        self.end = end
        self.onDeath = onDeath
    }
}

/// One side of a channel.
package struct ChannelEnd: Sendable, Hashable {
    package var channel: ChannelName
    package var side: Side

    package init(_ side: Side, of channel: ChannelName) {
        self.side = side
        self.channel = channel
    }

    /// Which side it is (`end=`).
    package enum Side: String, CaseIterable, Sendable, Hashable {
        case send
        case receive = "recv"

        static let vocabulary = Vocabulary<Self>()
    }
}

/// What becomes of a channel when the connection of one of its ends is lost (`on-death=`).
package enum DeathPolicy: String, CaseIterable, Sendable, Hashable {
    /// The same as when the end leaves.
    case retire
    /// The channel is poisoned.
    case poison

    static let vocabulary = Vocabulary<Self>()
}
