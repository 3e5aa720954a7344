/// Takes a message, or waits for one (`RECV`).
///
/// Most receives have no options, so the options are stored out of line to keep a plain command small.
package struct ReceiveCommand: Sendable, Hashable {
    package var channel: ChannelName
    private var options: ReceiveOptions.Kept

    /// Creates a receive.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait for each message. Zero tries once, nil waits for ever.
    ///   - lease: how long the client may hold a message before it acknowledges it. Nil takes messages without a lease.
    ///   - count: how many messages to take, one after the other. Nil takes a single one, without an `END`.
    ///   - window: how many messages of a counted receive may be unacknowledged at a time. Nil means one.
    ///   - waitsAfterEOF: whether the command stays parked after the client half-closes its connection (`eof=wait`).
    package init(
        channel: ChannelName,
        timeout: Duration? = nil,
        lease: Duration? = nil,
        count: ReceiveCount? = nil,
        window: Int? = nil,
        waitsAfterEOF: Bool = false
    ) {
        self.channel = channel
        if timeout == nil, lease == nil, count == nil, window == nil, !waitsAfterEOF {
            options = .usual
        } else {
            options = .given(
                ReceiveOptions(
                    timeout: timeout, lease: lease, count: count, window: window, waitsAfterEOF: waitsAfterEOF))
        }
    }

    private mutating func change(_ edit: (inout ReceiveOptions) -> Void) {
        var options = given ?? ReceiveOptions()
        edit(&options)
        self.options = options == ReceiveOptions() ? .usual : .given(options)
    }

    /// Whether all options have their defaults.
    package var isPlain: Bool { if case .usual = options { true } else { false } }

    /// The options that differ from their defaults. Nil if none does.
    package var given: ReceiveOptions? { options.value }

    package var timeout: Duration? {
        get { given?.timeout }
        set { change { $0.timeout = newValue } }
    }
    package var lease: Duration? {
        get { given?.lease }
        set { change { $0.lease = newValue } }
    }
    package var count: ReceiveCount? {
        get { given?.count }
        set { change { $0.count = newValue } }
    }
    package var window: Int? {
        get { given?.window }
        set { change { $0.window = newValue } }
    }
    package var waitsAfterEOF: Bool {
        get { given?.waitsAfterEOF ?? false }
        set { change { $0.waitsAfterEOF = newValue } }
    }
}

/// The options of a receive; see ``ReceiveCommand/init(channel:timeout:lease:count:window:waitsAfterEOF:)``.
package struct ReceiveOptions: Sendable, Hashable {
    package var timeout: Duration?
    package var lease: Duration?
    package var count: ReceiveCount?
    package var window: Int?
    package var waitsAfterEOF = false

    /// Stores options out of line, because they are rare. Not generic, because a generic type crashes the compiler of
    /// Swift 6.3.
    fileprivate enum Kept: Sendable, Hashable {
        case usual
        indirect case given(ReceiveOptions)

        var value: ReceiveOptions? { if case .given(let options) = self { options } else { nil } }
    }
}

/// How many messages a counted receive takes (`count=`).
package enum ReceiveCount: Sendable, Hashable {
    /// This many, at least one, followed by `END`.
    case exactly(Int)
    /// No limit: until it is cancelled (`count=*`).
    case endless
}

/// Ends a lease because the receiver has processed the message (`ACK`).
package struct AcknowledgeCommand: Sendable, Hashable {
    package var delivery: DeliveryID
    /// The answer to a `CALL`. Nil is no answer, as opposed to an empty one.
    package var answer: MessageBytes?
    /// Whether the client wants no reply unless the command fails (`reply=error`).
    package var repliesOnlyToFailure: Bool

    package init(_ delivery: DeliveryID, answer: MessageBytes? = nil, repliesOnlyToFailure: Bool = false) {
        self.delivery = delivery
        self.answer = answer
        self.repliesOnlyToFailure = repliesOnlyToFailure
    }
}

/// Ends a lease and puts the message back where it stood (`NACK`).
package struct NackCommand: Sendable, Hashable {
    package var delivery: DeliveryID
    /// How long the message is withheld from receivers. Nil offers it again at once.
    package var delay: Duration?

    package init(_ delivery: DeliveryID, delay: Duration? = nil) {
        self.delivery = delivery
        self.delay = delay
    }
}

/// Ends a lease and rejects the message: no receiver gets it again (`REJECT`).
package struct RejectCommand: Sendable, Hashable {
    package var delivery: DeliveryID
    package var reason: String?

    package init(_ delivery: DeliveryID, reason: String? = nil) {
        self.delivery = delivery
        self.reason = reason
    }
}
