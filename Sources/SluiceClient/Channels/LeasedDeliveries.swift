public import SluiceRuntime
import SluiceWire

/// The messages of a channel, each held until it is acknowledged; see `RemoteChannel.deliveries(lease:window:)`.
///
/// Each loop over it receives by itself. What was fetched and not handed out goes back when the loop is left.
public struct LeasedDeliveries: AsyncSequence, Sendable {
    let channel: RemoteChannel
    let lease: Duration
    let window: Int

    /// Begins to receive.
    public func makeAsyncIterator() -> Iterator { Iterator(of: self) }

    /// Hands out what is received.
    public struct Iterator: AsyncIteratorProtocol {
        private var iterator: AsyncThrowingStream<LeasedDelivery, any Error>.Iterator
        private let client: Client
        private let lease: Duration

        init(of sequence: LeasedDeliveries) {
            client = sequence.channel.client
            lease = sequence.lease
            iterator = sequence.stream().makeAsyncIterator()
        }

        /// The next message; nil when the channel is closed and empty, or the task was cancelled.
        ///
        /// One whose lease has ended while the loop was busy is somebody else's, and passed over.
        ///
        /// - Throws: `.poisoned`; refusals of the server.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SluiceError) -> LeasedDelivery? {
            do {
                while let delivery = try await iterator.next(isolation: actor) {
                    if await isHeld(delivery) { return delivery }
                }
                return nil
            } catch {
                throw error as? SluiceError ?? SluiceError(.misuse, "\(error)")
            }
        }

        /// Whether the lease has not ended, which then is as good as new.
        private func isHeld(_ delivery: LeasedDelivery) async -> Bool {
            let age = client.link.reactor.nowNanoseconds &- delivery.received
            if age < lease.wholeNanoseconds / 8 { return true }
            return (try? await delivery.touch()) != nil
        }
    }

    private func stream() -> AsyncThrowingStream<LeasedDelivery, any Error> {
        let (stream, feed) = AsyncThrowingStream.makeStream(of: LeasedDelivery.self)
        let (client, lease) = (channel.client, lease)
        guard lease > .zero, window > 0 else {
            feed.finish(throwing: SluiceError(.misuse, "a lease lasts longer than nothing, and a window is for one"))
            return stream
        }
        // The server sends no more than the window, which bounds what the stream keeps.
        let operation = Operation(
            .receive(ReceiveCommand(channel: channel.channelName, lease: lease, count: .endless, window: window)))
        operation.listener = .handler { event in
            switch event {
            case .part(.message(_, let bytes, let attributes), let connection):
                let delivery = LeasedDelivery(bytes, attributes, over: connection, of: client, lease: lease)
                if let delivery { feed.yield(delivery) }
            case .part: break
            case .ended(.reply(.closed, _)): feed.finish()
            case .ended(.reply(let reply, _)): feed.finish(throwing: reply.error())
            case .ended(.failed(let error)): feed.finish(throwing: error)
            }
        }
        feed.onTermination = { _ in client.link.cancel(operation) }
        client.link.submit(operation)
        return stream
    }
}
