/// Offers a message until a receiver takes it (`SEND`), or also until the receiver answers it (`CALL`).
///
/// Most sends have no options, so the options are stored out of line to keep a plain command small.
package struct SendCommand: Sendable, Hashable {
    package var channel: ChannelName
    package var body: MessageBytes
    /// The options, if one of them differs from its default. Nil if none does.
    package private(set) var stored: SendOptions.Stored?

    /// Creates a send.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait. Zero tries once, nil waits for ever.
    ///   - identity: identifies a repeated send of the same message.
    ///   - until: when the send is answered. Nil leaves that to the channel.
    ///   - minimumReceivers: the least number of receivers that a broadcast waits for.
    ///   - delay: the time before which no receiver gets the message. Nil offers it at once.
    ///   - trace: the word that comes with the message.
    ///   - wantsAnswer: whether the receiver may answer the message, so that the command is a `CALL`.
    ///   - waitsAfterEOF: whether the command stays parked after the client half-closes its connection (`eof=wait`).
    package init(
        channel: ChannelName,
        body: MessageBytes,
        timeout: Duration? = nil,
        identity: SendIdentity? = nil,
        until: SendGoal? = nil,
        minimumReceivers: Int? = nil,
        delay: Duration? = nil,
        trace: TraceContext? = nil,
        wantsAnswer: Bool = false,
        waitsAfterEOF: Bool = false
    ) {
        self.channel = channel
        self.body = body
        if timeout == nil, identity == nil, until == nil, minimumReceivers == nil, delay == nil, trace == nil,
            !wantsAnswer, !waitsAfterEOF
        {
            stored = nil
        } else {
            stored = SendOptions.Stored(
                SendOptions(
                    timeout: timeout, identity: identity, until: until, minimumReceivers: minimumReceivers,
                    delay: delay, trace: trace, wantsAnswer: wantsAnswer, waitsAfterEOF: waitsAfterEOF))
        }
    }

    private mutating func change(_ edit: (inout SendOptions) -> Void) {
        var options = stored?.options ?? SendOptions()
        edit(&options)
        stored = options == SendOptions() ? nil : SendOptions.Stored(options)
    }

    /// Whether all options have their defaults.
    package var isPlain: Bool { stored == nil }

    package var timeout: Duration? {
        get { stored?.options.timeout }
        set { change { $0.timeout = newValue } }
    }
    package var identity: SendIdentity? {
        get { stored?.options.identity }
        set { change { $0.identity = newValue } }
    }
    package var until: SendGoal? {
        get { stored?.options.until }
        set { change { $0.until = newValue } }
    }
    package var minimumReceivers: Int? {
        get { stored?.options.minimumReceivers }
        set { change { $0.minimumReceivers = newValue } }
    }
    package var delay: Duration? {
        get { stored?.options.delay }
        set { change { $0.delay = newValue } }
    }
    package var trace: TraceContext? {
        get { stored?.options.trace }
        set { change { $0.trace = newValue } }
    }
    package var wantsAnswer: Bool {
        get { stored?.options.wantsAnswer ?? false }
        set { change { $0.wantsAnswer = newValue } }
    }
    package var waitsAfterEOF: Bool {
        get { stored?.options.waitsAfterEOF ?? false }
        set { change { $0.waitsAfterEOF = newValue } }
    }
}

/// The options of a send; see ``SendCommand``.
package struct SendOptions: Sendable, Hashable {
    package var timeout: Duration?
    package var identity: SendIdentity?
    package var until: SendGoal?
    package var minimumReceivers: Int?
    package var delay: Duration?
    package var trace: TraceContext?
    package var wantsAnswer = false
    package var waitsAfterEOF = false

    /// Stores options out of line, because they are rare. The hub reads the options that it needs where they are stored,
    /// because copying all of them took a twentieth of a call's instructions.
    package final class Stored: Sendable, Hashable {
        package let options: SendOptions

        /// Whether the send is answered only when a receiver has taken the message, even if the channel could keep it.
        package var waitsUntilTaken: Bool { options.until == .taken || options.wantsAnswer }

        init(_ options: SendOptions) {
            self.options = options
        }

        package static func == (one: Stored, other: Stored) -> Bool { one.options == other.options }

        package func hash(into hasher: inout Hasher) { hasher.combine(options) }
    }
}

extension SendCommand {
    /// Creates a send of bytes that the command owns.
    package init(
        channel: ChannelName,
        body: Body,
        timeout: Duration? = nil,
        identity: SendIdentity? = nil,
        until: SendGoal? = nil,
        minimumReceivers: Int? = nil,
        delay: Duration? = nil,
        trace: TraceContext? = nil,
        wantsAnswer: Bool = false,
        waitsAfterEOF: Bool = false
    ) {
        self.init(
            channel: channel, body: .owned(body), timeout: timeout, identity: identity, until: until,
            minimumReceivers: minimumReceivers, delay: delay, trace: trace, wantsAnswer: wantsAnswer,
            waitsAfterEOF: waitsAfterEOF)
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
