public import SluiceRuntime
import SluiceWire

/// The messages of a channel, received ahead of the loop over them; see ``RemoteChannel/messages(count:timeout:window:)``.
///
/// The first loop begins to receive. Several loops may share a sequence: each message goes to one of them. The client stops
/// receiving when the last reference to the sequence and to its loops is gone; what was received ahead is then lost.
public final class ReceivedMessages: AsyncSequence, Sendable {
    private let intake: Intake

    init(_ intake: Intake) { self.intake = intake }

    deinit { intake.stop() }

    /// Receives no more. The loop still gets every message that the server has committed to this client, and then ends.
    public func stop() { intake.stop() }

    /// Returns an iterator over the messages.
    public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    /// Hands out the messages.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let sequence: ReceivedMessages

        /// Returns the next message; nil when `count` messages were handed out, and when the channel is closed and empty.
        ///
        /// When the task is cancelled, this goes on to return what the server has already committed to the client, and then
        /// nil: nothing is lost.
        ///
        /// - Throws: `.timedOut`, `.poisoned`; `.disconnected` when there will be no other connection; refusals
        ///   of the server.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SluiceError) -> Message? {
            try await sequence.intake.nextOrThrow()?.message
        }
    }
}

/// The messages of a channel, each held under a lease until it is acknowledged; see
/// ``RemoteChannel/deliveries(lease:window:)``.
///
/// The first loop begins to receive. Several loops may share a sequence: each message goes to one of them. The client stops
/// receiving when the last reference to the sequence and to its loops is gone; what was received ahead then goes back.
public final class LeasedDeliveries: AsyncSequence, Sendable {
    private let intake: Intake
    private let client: Client
    private let lease: Duration

    init(_ channel: RemoteChannel, lease: Duration, window: Int) {
        client = channel.client
        self.lease = lease
        intake = Intake(
            Intake.Demand(channel: channel.channelName, lease: lease, window: window, windowBytes: nil), of: client)
    }

    deinit { intake.stop() }

    /// Receives no more. The loop still gets every message that the server has committed to this client, and then ends.
    public func stop() { intake.stop() }

    /// Returns an iterator over the deliveries.
    public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    /// Hands out the deliveries.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let sequence: LeasedDeliveries

        /// Returns the next delivery; nil when the channel is closed and empty, and when the task was cancelled.
        ///
        /// Skips a message whose lease ended while the loop was busy: another receiver has it, or will.
        ///
        /// - Throws: `.poisoned`; refusals of the server.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SluiceError) -> LeasedDelivery? {
            while let delivery = try await sequence.intake.nextOrThrow()?.delivery {
                if await sequence.isHeld(delivery) { return delivery }
            }
            return nil
        }
    }

    /// Whether the lease has not ended. Renews it if the delivery has been waiting for some time.
    private func isHeld(_ delivery: LeasedDelivery) async -> Bool {
        let age = client.link.reactor.nowNanoseconds &- delivery.received
        if age < lease.wholeNanoseconds / 8 { return true }
        return (try? await delivery.touch()) != nil
    }
}

extension Intake {
    /// Returns the next message; nil when no more come. Stops when the task is cancelled.
    fileprivate func nextOrThrow() async throws(SluiceError) -> IntakeMessage? {
        let message = await withTaskCancellationHandler {
            await next()
        } onCancel: {
            stop()
        }
        if let message { return message }
        switch ending {
        case nil, .reply(.closed, _)?: return nil
        case .reply(let reply, _)?: throw reply.error()
        case .failed(let error)?: throw error
        }
    }
}
