/// Give a leased message back, to the place where it stood (`NACK`).
package struct RefuseCommand: Sendable, Hashable {
    package var delivery: DeliveryID
    /// How long nobody gets the message; nil is not at all.
    package var delay: Duration?

    package init(_ delivery: DeliveryID, delay: Duration? = nil) {
        self.delivery = delivery
        self.delay = delay
    }
}
