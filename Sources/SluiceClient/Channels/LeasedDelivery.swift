public import SluiceRuntime
import SluiceWire
import Synchronization

/// A message that its receiver holds under a lease, while its sender waits for the outcome. It goes back when the last
/// reference to the delivery is gone.
public final class LeasedDelivery: Sendable {
    /// The message.
    public let message: Message
    /// How long the message may be held before it is acknowledged or the lease is renewed.
    public let lease: Duration
    /// Whether the sender waits for an answer; see `answer`.
    public let wantsAnswer: Bool
    /// A number that is greater than that of every earlier lease of the channel; 0 if the server gives none. A resource
    /// that refuses a smaller number than it has seen is safe from a holder whose lease has ended.
    public let fence: Int64
    /// The word that the sender has given the message, such as a W3C `traceparent`. Nil if there is none.
    public var trace: String? { message.trace }
    /// Where the message comes from, if it was rejected and has moved to a dead channel.
    public let origin: RejectedOrigin?
    let client: Client
    /// When the message arrived, by the clock of the reactor.
    let received: UInt64
    private let delivery: DeliveryID
    private let connection: Int
    private let isSettled = Lock(false)

    init?(
        _ bytes: [UInt8], _ attributes: Attributes, over connection: Int, of client: Client, lease: Duration
    ) {
        guard let delivery = attributes.delivery else { return nil }
        self.delivery = delivery
        self.connection = connection
        self.client = client
        self.lease = lease
        wantsAnswer = attributes.isCall
        fence = attributes.fence
        origin = RejectedOrigin(attributes)
        message = Message(bytes, attributes)
        received = client.link.reactor.nowNanoseconds
    }

    deinit {
        guard !isSettled.withLock({ $0 }) else { return }
        client.link.submit(Operation(.nack(NackCommand(delivery)), connection: connection))
    }

    /// Acknowledges the message: its sender learns that it was received.
    ///
    /// - Throws: `.stale` when the lease or the connection has ended: another receiver has the message, or will. `.inDoubt`
    ///   when the connection was lost before the answer. Cancelling the task has no effect.
    public func acknowledge() async throws(SluiceError) {
        settle()
        try await client.request(.acknowledge(AcknowledgeCommand(delivery)), over: connection)
    }

    /// Acknowledges the message, and answers it: the `call` of its sender returns the bytes. When the sender does not wait for
    /// an answer, the answer is dropped, and the message is acknowledged all the same.
    ///
    /// - Throws: as `acknowledge`. `.tooBig` when the answer is longer than the server allows: the message is still held.
    public func answer(_ bytes: [UInt8]) async throws(SluiceError) {
        settle()
        do throws(SluiceError) {
            try await client.request(
                .acknowledge(AcknowledgeCommand(delivery, answer: .owned(bytes))), over: connection)
        } catch {
            if error.code == .tooBig { isSettled.withLock { $0 = false } }
            throw error
        }
    }

    /// Acknowledges the message, and answers it with the bytes of a text; see `answer(_:)` for bytes.
    public func answer(_ text: String) async throws(SluiceError) { try await answer(Array(text.utf8)) }

    /// Gives the message up: it goes back to its place in the channel, for another attempt.
    ///
    /// - Parameter delay: how long no receiver gets it.
    /// - Returns: whether the message is rejected instead, because this was the last attempt that its channel permits; see
    ///   ``RemoteChannel/open(_:maxAttempts:dead:retry:)``. Always false if the server does not know the feature `rejected`.
    /// - Throws: `.stale` when it has gone back already.
    @discardableResult
    public func nack(delay: Duration = .zero) async throws(SluiceError) -> Bool {
        settle()
        return try await client.request(.nack(nackCommand(delay)), over: connection).isRejected
    }

    /// Rejects the message: no receiver gets it again. It moves to the dead channel, if its channel has one, and its
    /// sender gets the error `.rejected`.
    ///
    /// - Parameter reason: why, for the sender. The server cuts it at 256 bytes.
    /// - Throws: `.stale` when it has gone back already.
    public func reject(reason: String? = nil) async throws(SluiceError) {
        settle()
        try await client.request(.reject(RejectCommand(delivery, reason: reason)), over: connection)
    }

    /// Renews the lease.
    ///
    /// - Throws: `.stale` when it has ended.
    public func touch() async throws(SluiceError) {
        try await client.request(.touch(delivery), over: connection)
    }

    /// Renews the lease at half its time, again and again, until the ticker is stopped.
    func keepTouching() throws(SluiceError) -> Ticker {
        let (client, command, connection) = (client, Command.touch(delivery), connection)
        return try client.link.reactor.tick(every: max(lease / 2, .milliseconds(1))) { _ in
            client.link.submit(Operation(command, connection: connection))
        }
    }

    /// From now on, the end of the delivery's lifetime does not nack it.
    private func settle() { isSettled.withLock { $0 = true } }

    private func nackCommand(_ delay: Duration) -> NackCommand {
        NackCommand(delivery, delay: delay > .zero ? delay : nil)
    }
}

// MARK: For the programs of this package

extension LeasedDelivery {
    /// Whether the connection over which the message came is lost, so that the message has gone back.
    package var hasLostConnection: Bool { !client.link.isConnected(over: connection) }

    /// Acknowledges the message without waiting for the reply.
    ///
    /// - Parameters:
    ///   - answer: what the sender gets if it waits for an answer; nil is no answer.
    ///   - listener: called with the reply on the client's reactor; nil means that the server has said `OK`.
    package func acknowledge(answer: [UInt8]? = nil, _ listener: @escaping @Sendable (SluiceError?) -> Void) {
        settle()
        submit(.acknowledge(AcknowledgeCommand(delivery, answer: answer.map { .owned($0) }))) { listener($0.error) }
    }

    /// Nacks the message without waiting for the reply; see `acknowledge`.
    ///
    /// - Parameter listener: called on the client's reactor, with true if the message is rejected instead.
    package func nack(delay: Duration, _ listener: @escaping @Sendable (_ isRejected: Bool) -> Void) {
        settle()
        submit(.nack(nackCommand(delay))) { listener((try? $0.get())?.isRejected == true) }
    }

    /// Rejects the message without waiting for the reply; see `acknowledge`.
    package func reject(reason: String?, _ listener: @escaping @Sendable (SluiceError?) -> Void) {
        settle()
        submit(.reject(RejectCommand(delivery, reason: reason))) { listener($0.error) }
    }

    /// Renews the lease without waiting for the answer; see `acknowledge`.
    package func touch(_ listener: @escaping @Sendable (SluiceError?) -> Void) {
        submit(.touch(delivery)) { listener($0.error) }
    }

    private func submit(
        _ command: Command, _ listener: @escaping @Sendable (Result<Attributes, SluiceError>) -> Void
    ) {
        let operation = Operation(command, connection: connection)
        operation.listener = .handler { event in
            guard case .ended(let outcome) = event else { return }
            switch outcome {
            case .reply(.ok(let attributes), _): listener(.success(attributes))
            case .reply(let reply, _): listener(.failure(reply.error()))
            case .failed(let error): listener(.failure(error))
            }
        }
        client.link.submit(operation)
    }
}

extension Result where Failure == SluiceError {
    fileprivate var error: SluiceError? { if case .failure(let error) = self { error } else { nil } }
}
