public import SluiceRuntime
import SluiceWire
import Synchronization

/// A message that its receiver holds, and whose sender waits for the outcome. Given back when nobody refers to it.
public final class LeasedDelivery: Sendable {
    /// The message, and how often it was handed out.
    public let message: Message
    /// How long it may be held before it is touched or acknowledged.
    public let lease: Duration
    let client: Client
    /// When it came, by the clock of the reactor.
    let received: UInt64
    private let delivery: DeliveryID
    private let connection: Int
    private let isSettled = Lock(false)

    init?(
        _ bytes: [UInt8], _ attributes: Attributes, over connection: Int, of client: Client, lease: Duration
    ) {
        func value(_ key: Attribute.Key) -> String? { attributes.first { $0.key == key }?.value }
        guard let delivery = value(.delivery).flatMap({ DeliveryID($0) }) else { return nil }
        self.delivery = delivery
        self.connection = connection
        self.client = client
        self.lease = lease
        message = Message(bytes, attempt: value(.attempt).flatMap { Int($0) } ?? 1)
        received = client.link.reactor.nowNanoseconds
    }

    deinit {
        guard !isSettled.withLock({ $0 }) else { return }
        client.link.submit(Operation(.nack(NackCommand(delivery)), connection: connection))
    }

    /// The message was dealt with: its sender is told that it was taken.
    ///
    /// - Throws: `.stale` when the lease has ended, or the connection: somebody else has the message, or will. `.inDoubt`
    ///   when the connection was lost before the answer. The task's cancellation changes nothing.
    public func acknowledge() async throws(SluiceError) {
        settle()
        try await client.request(.acknowledge(delivery), over: connection)
    }

    /// Gives the message back, to where it stood.
    ///
    /// - Parameter delay: how long nobody gets it.
    /// - Throws: `.stale` when it has gone back already.
    public func giveBack(after delay: Duration = .zero) async throws(SluiceError) {
        settle()
        let command = NackCommand(delivery, delay: delay > .zero ? delay : nil)
        try await client.request(.nack(command), over: connection)
    }

    /// Has the lease begin anew.
    ///
    /// - Throws: `.stale` when it has ended.
    public func touch() async throws(SluiceError) {
        try await client.request(.touch(delivery), over: connection)
    }

    /// Has the lease begin anew again and again at half its time, until that is stopped.
    func keepTouching() throws(SluiceError) -> Ticker {
        let (client, command, connection) = (client, Command.touch(delivery), connection)
        return try client.link.reactor.tick(every: max(lease / 2, .milliseconds(1))) { _ in
            client.link.submit(Operation(command, connection: connection))
        }
    }

    /// From here on, going out of use gives nothing back.
    private func settle() { isSettled.withLock { $0 = true } }
}
