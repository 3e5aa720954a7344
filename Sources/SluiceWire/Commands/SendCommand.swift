/// Offers a message until a receiver takes it (`SEND`).
package struct SendCommand: Sendable, Hashable {
    package var channel: ChannelName
    package var body: Body
    /// How long to wait. Zero tries once, nil waits for ever.
    package var timeout: Duration?
    /// Identifies a repeated send of the same message.
    package var identity: SendIdentity?
    /// When the send is answered. Nil leaves that to the channel.
    package var until: SendGoal?
    /// The least number of receivers that a broadcast waits for.
    package var minimumReceivers: Int?
    /// Whether the command stays parked after the client half-closes its connection (`eof=wait`).
    package var waitsAfterEOF: Bool

    package init(
        channel: ChannelName,
        body: Body,
        timeout: Duration? = nil,
        identity: SendIdentity? = nil,
        until: SendGoal? = nil,
        minimumReceivers: Int? = nil,
        waitsAfterEOF: Bool = false
    ) {
        self.channel = channel
        self.body = body
        self.timeout = timeout
        self.identity = identity
        self.until = until
        self.minimumReceivers = minimumReceivers
        self.waitsAfterEOF = waitsAfterEOF
    }
}

/// Identifies a send, so that the client can repeat it without a second delivery (`id=X epoch=E`).
package struct SendIdentity: Sendable, Hashable {
    /// Chosen by the client, which never uses the same id for two messages of a channel.
    package var id: MessageID
    /// The server's epoch at the first attempt. Nil when the client does not ask for the check.
    package var epoch: Int?

    package init(_ id: MessageID, epoch: Int? = nil) {
        self.id = id
        self.epoch = epoch
    }
}

/// When a send is answered (`until=`).
package enum SendGoal: String, CaseIterable, Sendable, Hashable {
    /// As soon as the channel keeps the message or a receiver has taken it.
    case accepted
    /// Only when a receiver has taken the message or, under a lease, acknowledged it.
    case taken

    static let vocabulary = Vocabulary<Self>()
}
