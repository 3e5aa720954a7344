/// The answer to `CHANNELS`.
public struct ChannelsReport: Report, Hashable {
    /// Those in use.
    public var channels: [ChannelReport]
    /// How many more there are.
    public var omitted: Int

    package init(channels: [ChannelReport], omitted: Int = 0) {
        self.channels = channels
        self.omitted = omitted
    }

    /// For people.
    public var text: String {
        if channels.isEmpty, omitted == 0 { return "no channel is in use" }
        var table = TextTable(
            .text("CHANNEL"), .text("KIND"), .number("SEND"), .number("RECV"), .number("BUF"), .number("LEASED"),
            .number("ENDS"), .text("STATE"))
        for channel in channels {
            table.append(
                channel.name, channel.kindText, String(channel.senders), String(channel.receivers),
                String(channel.buffered), String(channel.leased), channel.endsText, channel.stateText)
        }
        return table.text(omitted: omitted)
    }
}

/// A channel as `CHANNELS` shows it.
public struct ChannelReport: Codable, Sendable, Hashable {
    /// What it is called.
    public var name: String
    /// What it does with a message.
    public var kind: ChannelDeclaration.Kind
    /// How many messages the channel keeps.
    public var capacity: Int
    /// What becomes of a message that does not fit.
    public var overflow: Overflow
    /// Whether it takes messages.
    public var state: State
    /// Why the channel has ended; any text.
    public var reason: String?
    /// How many sends wait.
    public var senders: Int
    /// How many receives wait.
    public var receivers: Int
    /// How many messages are kept for receivers to come.
    public var buffered: Int
    /// How many messages are neither acknowledged nor refused yet.
    public var leased: Int
    /// How many clients have declared that they send.
    public var sendingEnds: Int
    /// How many clients have declared that they receive.
    public var receivingEnds: Int

    package init(
        name: String,
        kind: ChannelDeclaration.Kind = .queue,
        capacity: Int = 0,
        overflow: Overflow = .block,
        state: State = .open,
        reason: String? = nil,
        senders: Int = 0,
        receivers: Int = 0,
        buffered: Int = 0,
        leased: Int = 0,
        sendingEnds: Int = 0,
        receivingEnds: Int = 0
    ) {
        self.name = name
        self.kind = kind
        self.capacity = capacity
        self.overflow = overflow
        self.state = state
        self.reason = reason
        self.senders = senders
        self.receivers = receivers
        self.buffered = buffered
        self.leased = leased
        self.sendingEnds = sendingEnds
        self.receivingEnds = receivingEnds
    }

    /// Whether a channel takes messages.
    public enum State: String, Codable, CaseIterable, Sendable, Hashable {
        case open, closed, poisoned
    }

    /// The declaration in as few words as it takes: "rendezvous", "queue 64", "queue 64 drop-oldest".
    package var kindText: String {
        switch (kind, overflow) {
        case (.broadcast, _), (.once, _): kind.rawValue
        case (.queue, .block): capacity == 0 ? "rendezvous" : "queue \(capacity)"
        case (.queue, .dropNewest), (.queue, .dropOldest): "queue \(capacity) \(overflow.rawValue)"
        }
    }

    /// The declared ends, sending and receiving: "2/3". Nil if there are none.
    package var endsText: String? {
        sendingEnds == 0 && receivingEnds == 0 ? nil : "\(sendingEnds)/\(receivingEnds)"
    }

    package var stateText: String {
        guard let reason = String(readableReason: reason) else { return state.rawValue }
        return "\(state.rawValue): \(reason)"
    }
}
