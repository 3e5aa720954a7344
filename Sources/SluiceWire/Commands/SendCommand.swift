/// Offer a message until a receiver takes it.
package struct SendCommand: Sendable, Hashable {
    package var channel: ChannelName
    package var body: Body
    /// How long to wait; zero tries once, nil waits for ever.
    package var timeout: Duration?
    /// What makes a repetition recognisable as one.
    package var identity: SendIdentity?
    /// When the send is answered; nil leaves that to the channel.
    package var until: SendGoal?
    /// How many receivers a broadcast waits for at least.
    package var minimumReceivers: Int?
    /// Whether the command stays parked when the client half-closes (`eof=wait`).
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

/// What a send is called, so that it can be repeated without being delivered twice (`id=X epoch=E`).
package struct SendIdentity: Sendable, Hashable {
    /// Chosen by the client; one of a channel is never used for two messages.
    package var id: MessageID
    /// The life of the server in which the first attempt was made; nil when the client does not care.
    package var epoch: Int?

    package init(_ id: MessageID, epoch: Int? = nil) {
        self.id = id
        self.epoch = epoch
    }
}

/// When a send is answered.
package enum SendGoal: String, CaseIterable, Sendable, Hashable {
    /// When the channel keeps the message, or a receiver has taken it.
    case accepted
    /// When a receiver has taken it or, under a lease, acknowledged it.
    case taken

    static let vocabulary = Vocabulary<Self>()
}
