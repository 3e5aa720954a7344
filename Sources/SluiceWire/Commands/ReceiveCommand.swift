/// Takes a message, or waits for one (`RECV`).
package struct ReceiveCommand: Sendable, Hashable {
    package var channel: ChannelName
    /// How long to wait for each message. Zero tries once, nil waits for ever.
    package var timeout: Duration?
    /// How long the client may hold a message before it acknowledges it. Nil takes messages without a lease.
    package var lease: Duration?
    /// How many messages to take, one after the other. Nil takes a single one, without an `END`.
    package var count: ReceiveCount?
    /// How many messages of a counted receive may be unacknowledged at a time. Nil means one.
    package var window: Int?
    /// Whether the command stays parked after the client half-closes its connection (`eof=wait`).
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

/// How many messages a counted receive takes (`count=`).
package enum ReceiveCount: Sendable, Hashable {
    /// This many, at least one, followed by `END`.
    case exactly(Int)
    /// No limit: until it is cancelled (`count=*`).
    case endless
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
