/// The answer to `CHANNELS`.
public struct ChannelsReport: TableReport, Hashable {
    /// The channels in use, and those that have ended and whose names are kept.
    public var channels: [ChannelReport]
    /// The number of channels that the report leaves out.
    public var omitted: Int

    package init(channels: [ChannelReport], omitted: Int = 0) {
        self.channels = channels
        self.omitted = omitted
    }

    /// A table for people.
    public var text: String { Self.text(of: channels, omitted: omitted) }

    package init(rows: [ChannelReport], omitted: Int) {
        self.init(channels: rows, omitted: omitted)
    }

    package typealias Text = TableText<Self>

    package var rows: [ChannelReport] { channels }
    package var omittedRows: Int { omitted }

    package static var rowsKey: String { "channels" }
    package static var emptyText: String { "no channel is in use" }

    package static var emptyTable: TextTable {
        TextTable(
            .text("CHANNEL"), .text("KIND"), .number("SEND"), .number("RECV"), .number("BUF"), .number("LEASED"),
            .number("ENDS"), .text("STATE"))
    }

    package static func cells(of channel: ChannelReport) -> [String?] {
        [
            channel.name, channel.kindText, String(channel.senders), String(channel.receivers),
            String(channel.buffered), String(channel.leased), channel.endsText, channel.stateText,
        ]
    }
}

/// A channel as `CHANNELS` shows it.
public struct ChannelReport: Codable, Sendable, Hashable {
    /// The name of the channel.
    public var name: String
    /// What the channel does with a message.
    public var kind: ChannelDeclaration.Kind
    /// The number of messages that the channel keeps at most.
    public var capacity: Int
    /// What happens to a message that does not fit.
    public var overflow: Overflow
    /// Whether the channel takes messages.
    public var state: State
    /// Why the channel has ended. May be any text, because clients can give a reason.
    public var reason: String?
    /// The number of sends that wait.
    public var senders: Int
    /// The number of receives that wait.
    public var receivers: Int
    /// The number of messages in the channel's buffer that a receiver can get now.
    public var buffered: Int
    /// The number of messages under a lease, delayed, or rejected and waiting for their dead channel.
    public var leased: Int
    /// The number of clients that have joined as a sending end.
    public var sendingEnds: Int
    /// The number of clients that have joined as a receiving end.
    public var receivingEnds: Int
    /// The number of messages that senders have offered since the channel exists. Nil if the server does not tell.
    public var sent: Int?
    /// The number of messages that receivers have taken for good since the channel exists, one for each receiver of a
    /// broadcast. Nil if the server does not tell.
    public var taken: Int?
    /// The number of times that a message was handed out again since the channel exists. Nil if the server does not tell.
    public var redelivered: Int?
    /// The number of messages that receivers, or the channel's failure policy, have rejected since the channel exists.
    /// Nil if the server does not tell.
    public var rejected: Int?
    /// The number of attempts after which a message is rejected. Nil means no limit.
    public var maxAttempts: Int?
    /// The name of the channel that rejected messages move to. Nil if they are discarded.
    public var dead: String?
    /// The number of rejected messages that the dead channel does not take yet. Nil without a dead channel, or if the server
    /// does not tell.
    public var waitingDeadLetters: Int?
    /// The time between the first two attempts at a message. Nil if it is offered again at once.
    public var retrySeconds: Double?
    /// The time for which the oldest send or receive on the channel waits. Nil if none waits.
    public var longestWaitSeconds: Double?

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
        receivingEnds: Int = 0,
        sent: Int? = nil,
        taken: Int? = nil,
        redelivered: Int? = nil,
        rejected: Int? = nil,
        longestWaitSeconds: Double? = nil
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
        self.sent = sent
        self.taken = taken
        self.redelivered = redelivered
        self.rejected = rejected
        self.longestWaitSeconds = longestWaitSeconds
    }

    /// Whether a channel takes messages.
    public enum State: String, Codable, CaseIterable, Sendable, Hashable {
        case open, closed, poisoned
    }

    /// The declaration in a few words: "rendezvous", "queue 64", "queue 64 drop-oldest".
    package var kindText: String {
        switch (kind, overflow) {
        case (.broadcast, _), (.once, _): kind.rawValue
        case (.queue, .block): capacity == 0 ? "rendezvous" : "queue \(capacity)"
        case (.queue, .dropNewest), (.queue, .dropOldest): "queue \(capacity) \(overflow.rawValue)"
        }
    }

    /// The numbers of sending and receiving ends, such as "2/3". Nil if there are none.
    package var endsText: String? {
        sendingEnds == 0 && receivingEnds == 0 ? nil : "\(sendingEnds)/\(receivingEnds)"
    }

    package var stateText: String {
        if let dead, let waitingDeadLetters, waitingDeadLetters > 0, state == .open {
            let noun = waitingDeadLetters == 1 ? "message waits" : "messages wait"
            return "\(state.rawValue): \(waitingDeadLetters) rejected \(noun) for '\(dead)'"
        }
        guard let reason = String(readableReason: reason) else { return state.rawValue }
        return "\(state.rawValue): \(reason)"
    }
}
