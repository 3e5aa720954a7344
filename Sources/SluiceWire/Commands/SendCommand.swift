/// Offer a message until a receiver takes it.
///
/// Most sends have no options: these are kept apart, so that a plain command is small.
package struct SendCommand: Sendable, Hashable {
    package var channel: ChannelName
    package var body: MessageBytes
    private var options: SendOptions.Kept

    /// - Parameters:
    ///   - timeout: how long to wait; zero tries once, nil waits for ever.
    ///   - identity: what makes a repetition recognisable as one.
    ///   - until: when the send is answered; nil leaves that to the channel.
    ///   - minimumReceivers: how many receivers a broadcast waits for at least.
    ///   - waitsAfterEOF: whether the command stays parked when the client half-closes (`eof=wait`).
    package init(
        channel: ChannelName,
        body: MessageBytes,
        timeout: Duration? = nil,
        identity: SendIdentity? = nil,
        until: SendGoal? = nil,
        minimumReceivers: Int? = nil,
        waitsAfterEOF: Bool = false
    ) {
        self.channel = channel
        self.body = body
        if timeout == nil, identity == nil, until == nil, minimumReceivers == nil, !waitsAfterEOF {
            options = .usual
        } else {
            options = .given(
                SendOptions(
                    timeout: timeout, identity: identity, until: until, minimumReceivers: minimumReceivers,
                    waitsAfterEOF: waitsAfterEOF))
        }
    }

    private mutating func change(_ edit: (inout SendOptions) -> Void) {
        var options = given ?? SendOptions()
        edit(&options)
        self.options = options == SendOptions() ? .usual : .given(options)
    }

    /// Whether every option is the usual one.
    package var isPlain: Bool { if case .usual = options { true } else { false } }

    /// The options that are not the usual ones; nil when all are.
    package var given: SendOptions? { options.value }

    package var timeout: Duration? {
        get { given?.timeout }
        set { change { $0.timeout = newValue } }
    }
    package var identity: SendIdentity? {
        get { given?.identity }
        set { change { $0.identity = newValue } }
    }
    package var until: SendGoal? {
        get { given?.until }
        set { change { $0.until = newValue } }
    }
    package var minimumReceivers: Int? {
        get { given?.minimumReceivers }
        set { change { $0.minimumReceivers = newValue } }
    }
    package var waitsAfterEOF: Bool {
        get { given?.waitsAfterEOF ?? false }
        set { change { $0.waitsAfterEOF = newValue } }
    }
}

/// The options of a send.
package struct SendOptions: Sendable, Hashable {
    package var timeout: Duration?
    package var identity: SendIdentity?
    package var until: SendGoal?
    package var minimumReceivers: Int?
    package var waitsAfterEOF = false

    /// Options that are rarely given, in memory of their own. Not generic: the compiler of Swift 6.3 crashes on that.
    fileprivate enum Kept: Sendable, Hashable {
        case usual
        indirect case given(SendOptions)

        var value: SendOptions? { if case .given(let options) = self { options } else { nil } }
    }
}

extension SendCommand {
    /// A send of bytes that the command owns.
    package init(
        channel: ChannelName,
        body: Body,
        timeout: Duration? = nil,
        identity: SendIdentity? = nil,
        until: SendGoal? = nil,
        minimumReceivers: Int? = nil,
        waitsAfterEOF: Bool = false
    ) {
        self.init(
            channel: channel, body: .owned(body), timeout: timeout, identity: identity, until: until,
            minimumReceivers: minimumReceivers, waitsAfterEOF: waitsAfterEOF)
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
