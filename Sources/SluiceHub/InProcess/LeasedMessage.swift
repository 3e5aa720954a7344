public import SluiceRuntime
import SluiceWire

/// A message that its receiver holds, and whose sender waits for the outcome. Given back when nobody refers to it.
public final class LeasedMessage: Sendable {
    /// What was sent.
    public let bytes: [UInt8]
    /// How often the message was handed out, this time included.
    public let attempt: Int
    private let delivery: DeliveryID
    private let client: InProcessClient

    init?(_ bytes: [UInt8], _ attributes: [Attribute], of client: InProcessClient) {
        guard let delivery = attributes.first(where: { $0.key == .delivery }).flatMap({ DeliveryID($0.value) }) else {
            return nil
        }
        self.bytes = bytes
        self.delivery = delivery
        self.client = client
        attempt = attributes.first { $0.key == .attempt }.flatMap { Int($0.value) } ?? 1
    }

    deinit {
        // Does nothing when the attempt has ended.
        try? client.performAtOnce(.nack(NackCommand(delivery)))
    }

    /// The message was dealt with: its sender is told that it was taken.
    ///
    /// - Throws: `.refused` when the attempt has ended: somebody else has the message, or will.
    public func acknowledge() throws(SluiceError) {
        try client.performAtOnce(.acknowledge(delivery))
    }

    /// Gives the message back, to where it stood.
    ///
    /// - Parameter delay: how long nobody gets it.
    /// - Throws: `.refused` when the attempt has ended.
    public func giveBack(after delay: Duration = .zero) throws(SluiceError) {
        try client.performAtOnce(.nack(NackCommand(delivery, delay: delay)))
    }

    /// Has the lease begin anew.
    ///
    /// - Throws: `.refused` when the attempt has ended.
    public func touch() throws(SluiceError) {
        try client.performAtOnce(.touch(delivery))
    }
}
