/// Take a message, waiting for a sender.
///
/// Most receives have no options: these are kept apart, so that a plain command is small.
package struct ReceiveCommand: Sendable, Hashable {
    package var channel: ChannelName
    private var options: ReceiveOptions.Kept

    /// - Parameters:
    ///   - timeout: how long to wait for a message, for each one anew; zero tries once, nil waits for ever.
    ///   - lease: how long a message may be held until it is acknowledged; nil takes it for good.
    ///   - count: how many messages to take, one after the other; nil is a single one, without an `END`.
    ///   - window: how many messages of a counted receive may be unacknowledged; nil is one.
    ///   - waitsAfterEOF: whether the command stays parked when the client half-closes (`eof=wait`).
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

    /// Whether every option is the usual one.
    package var isPlain: Bool { if case .usual = options { true } else { false } }

    /// The options that are not the usual ones; nil when all are.
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

/// The options of a receive.
package struct ReceiveOptions: Sendable, Hashable {
    package var timeout: Duration?
    package var lease: Duration?
    package var count: ReceiveCount?
    package var window: Int?
    package var waitsAfterEOF = false

    /// Options that are rarely given, in memory of their own. Not generic: the compiler of Swift 6.3 crashes on that.
    fileprivate enum Kept: Sendable, Hashable {
        case usual
        indirect case given(ReceiveOptions)

        var value: ReceiveOptions? { if case .given(let options) = self { options } else { nil } }
    }
}

/// How many messages a counted receive takes.
package enum ReceiveCount: Sendable, Hashable {
    /// So many, at least one; then `END`.
    case exactly(Int)
    /// Until it is cancelled (`count=*`).
    case endless
}

/// Give a leased message back, to the place where it stood (`NACK`).
package struct NackCommand: Sendable, Hashable {
    package var delivery: DeliveryID
    /// How long nobody gets the message; nil is not at all.
    package var delay: Duration?

    package init(_ delivery: DeliveryID, delay: Duration? = nil) {
        self.delivery = delivery
        self.delay = delay
    }
}
