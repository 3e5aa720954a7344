/// Take a message, waiting for a sender.
package struct ReceiveCommand: Sendable, Hashable {
    package var channel: ChannelName
    /// How long to wait for a message, for each one anew; zero tries once, nil waits for ever.
    package var timeout: Duration?
    /// How long a message may be held until it is acknowledged; nil takes it for good.
    package var lease: Duration?
    /// How many messages to take, one after the other; nil is a single one, without an `END`.
    package var count: ReceiveCount?
    /// How many messages of a counted receive may be unacknowledged; nil is one.
    package var window: Int?
    /// Whether the command stays parked when the client half-closes (`eof=wait`).
    package var waitsAfterEOF: Bool

    package init(
        channel: ChannelName,
        timeout: Duration? = nil,
        lease: Duration? = nil,
        count: ReceiveCount? = nil,
        window: Int? = nil,
        waitsAfterEOF: Bool = false
    ) {
        self.channel = channel
        self.timeout = timeout
        self.lease = lease
        self.count = count
        self.window = window
        self.waitsAfterEOF = waitsAfterEOF
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
