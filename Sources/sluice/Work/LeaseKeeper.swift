import SluiceClient
import SluiceRuntime

/// Holds messages under their leases as long as the work takes, and counts how each hold has ended. On the reactor's thread
/// only.
final class LeaseKeeper: @unchecked Sendable {
    // Sendable: see above.

    private struct Hold {
        let delivery: LeasedDelivery
        /// Called when the hold is lost, so that another receiver may get the message.
        let onLoss: () -> Void
    }

    private let gate: Gate
    private var ticker: Ticker?
    private var held: [ObjectIdentifier: Hold] = [:]
    /// Acknowledgements, nacks and rejections whose replies have not come.
    private var pendingReplies = 0
    /// Messages that were not held any more when they were acknowledged: another receiver gets them too.
    private(set) var lost = 0

    init(lease: Duration, of client: Client, in invocation: Invocation) throws(SluiceError) {
        gate = Gate("the hub's replies to acknowledgements", on: invocation.reactor)
        ticker = try invocation.reactor.tick(every: lease / 3) { [weak self] _ in self?.touchAll() }
        invocation.watch(client) { [weak self] in self?.loseThoseOfLostConnections() }
    }

    /// Whether the message is held: neither acknowledged nor nacked, nor lost.
    func isHeld(_ delivery: LeasedDelivery) -> Bool { held[ObjectIdentifier(delivery)] != nil }

    /// Renews the lease of a message until it is acknowledged or nacked.
    ///
    /// - Parameter onLoss: called when the lease has ended all the same, or the connection is lost.
    func hold(_ delivery: LeasedDelivery, onLoss: @escaping () -> Void = {}) {
        held[ObjectIdentifier(delivery)] = Hold(delivery: delivery, onLoss: onLoss)
    }

    private func loseThoseOfLostConnections() {
        for (id, hold) in held where hold.delivery.hasLostConnection { lose(id) }
    }

    private func lose(_ id: ObjectIdentifier) { held.removeValue(forKey: id)?.onLoss() }

    private func touchAll() {
        for (id, hold) in held {
            hold.delivery.touch { [self] error in
                if error != nil { lose(id) }
            }
        }
    }

    /// - Parameters:
    ///   - answer: what the sender gets if it waits for an answer; nil is no answer.
    ///   - onReply: called with the error when the message was not held any more, else with nil.
    func acknowledge(
        _ delivery: LeasedDelivery, answer: [UInt8]? = nil,
        _ onReply: @escaping @Sendable (SluiceError?) -> Void = { _ in }
    ) {
        held[ObjectIdentifier(delivery)] = nil
        pendingReplies += 1
        delivery.acknowledge(answer: answer) { [self] error in
            if error != nil { lost += 1 }
            onReply(error)
            noteReply()
        }
    }

    /// - Parameters:
    ///   - delay: how long no receiver gets the message.
    ///   - onReply: called with true if the message is rejected instead, because this was its last attempt.
    func nack(
        _ delivery: LeasedDelivery, delay: Duration = .zero,
        _ onReply: @escaping @Sendable (_ isRejected: Bool) -> Void = { _ in }
    ) {
        held[ObjectIdentifier(delivery)] = nil
        pendingReplies += 1
        delivery.nack(delay: delay) { [self] isRejected in
            onReply(isRejected)
            noteReply()
        }
    }

    /// - Parameter reason: what the sender is told.
    func reject(_ delivery: LeasedDelivery, reason: String) {
        held[ObjectIdentifier(delivery)] = nil
        pendingReplies += 1
        delivery.reject(reason: reason) { [self] _ in noteReply() }
    }

    private func noteReply() {
        pendingReplies -= 1
        if pendingReplies == 0 { gate.open() }
    }

    /// Waits until the replies to all acknowledgements, nacks and rejections have come.
    func settle() async throws {
        while pendingReplies > 0 { try await gate.wait() }
    }
}
