public import SluiceRuntime
public import SluiceWire

/// A message that its receiver holds under a lease, while its sender waits. It is returned when this object is
/// released.
public final class LeasedMessage: Sendable {
    /// The message's body.
    public let bytes: [UInt8]
    /// The number of times that the message was delivered, including this one.
    public let attempt: Int
    /// Whether the sender waits for an answer; see `answer`.
    public let wantsAnswer: Bool
    /// A number that is greater than that of every earlier lease of the channel. A resource that refuses a smaller number
    /// than it has seen is safe from a holder whose lease has ended.
    public let fence: Int64
    /// Where the message comes from, if it was rejected and has moved to a dead channel.
    public let origin: RejectedOrigin?
    /// The word that its sender has given it, such as a W3C `traceparent`. Nil if there is none.
    public let trace: String?
    private let delivery: DeliveryID
    private let client: InProcessClient

    init?(_ bytes: [UInt8], _ attributes: Attributes, of client: InProcessClient) {
        guard let delivery = attributes.delivery else { return nil }
        self.bytes = bytes
        self.delivery = delivery
        self.client = client
        attempt = Int(attributes.attempt)
        wantsAnswer = attributes.isCall
        fence = attributes.fence
        origin = RejectedOrigin(attributes)
        trace = attributes.trace?.description
    }

    deinit {
        // Does nothing if the lease has ended.
        _ = try? client.performAtOnce(.nack(NackCommand(delivery)))
    }

    /// Acknowledges the message: its sender is answered OK.
    ///
    /// - Throws: `.refused` if the lease has ended, so that another receiver has the message or will get it.
    public func acknowledge() throws(SluiceError) {
        try client.performAtOnce(.acknowledge(AcknowledgeCommand(delivery)))
    }

    /// Acknowledges the message, and answers it: `call` of its sender returns the bytes. If the sender does not wait for
    /// an answer, the answer is dropped, and the message is acknowledged all the same.
    ///
    /// - Throws: `.refused` if the lease has ended, so that another receiver has the message or will get it.
    public func answer(_ bytes: [UInt8]) throws(SluiceError) {
        try client.performAtOnce(.acknowledge(AcknowledgeCommand(delivery, answer: .owned(bytes))))
    }

    /// Acknowledges the message, and answers it with the UTF-8 bytes of a text. See `answer(_:)`.
    public func answer(_ text: String) throws(SluiceError) { try answer(Array(text.utf8)) }

    /// Returns the message to its place in the channel.
    ///
    /// - Parameter delay: the time for which no receiver gets the message.
    /// - Returns: whether the message is rejected instead, because this was the last attempt that its channel permits.
    /// - Throws: `.refused` if the lease has ended.
    @discardableResult
    public func nack(delay: Duration = .zero) throws(SluiceError) -> Bool {
        try client.performAtOnce(.nack(NackCommand(delivery, delay: delay))).isRejected
    }

    /// Rejects the message: no receiver gets it again. It moves to the dead channel, if its channel has one, and its
    /// sender gets the error `.rejected`.
    ///
    /// - Parameter reason: why, for the sender. The server cuts it at 256 bytes.
    /// - Throws: `.refused` if the lease has ended.
    public func reject(reason: String? = nil) throws(SluiceError) {
        try client.performAtOnce(.reject(RejectCommand(delivery, reason: reason)))
    }

    /// Restarts the time of the lease.
    ///
    /// - Throws: `.refused` if the lease has ended.
    public func touch() throws(SluiceError) {
        try client.performAtOnce(.touch(delivery))
    }
}
