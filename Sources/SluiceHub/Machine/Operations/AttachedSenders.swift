import SluiceRuntime
import SluiceWire

/// The senders that have repeated a pending message under the same id, in the order in which they repeated it.
///
/// Any number of clients may repeat a send, so adding, finding and removing a sender take constant time.
final class AttachedSenders {
    /// The places of a sender in the queues.
    private struct Places {
        let ticket: WaitTicket
        /// The place among the arms of selects that have not been committed to the message.
        let uncommitted: WaitTicket?
    }

    /// The most selects that may send the message and have not been committed to it. When a receiver gets the message
    /// under a lease, all of them are committed at once.
    static let mostUncommitted = 256

    private var queue = WaitQueue<Offer.Sender>()
    private var places = ShardedDictionary<OperationID, Places>()
    private var uncommitted = WaitQueue<Offer.Sender>()

    var isEmpty: Bool { queue.isEmpty }
    var uncommittedCount: Int { uncommitted.count }

    func append(_ sender: Offer.Sender, isCommitted: Bool) {
        places[sender.operation] = Places(
            ticket: queue.append(sender), uncommitted: isCommitted ? nil : uncommitted.append(sender))
    }

    func popFirst() -> Offer.Sender? {
        guard let sender = queue.popFirst() else { return nil }
        forget(sender.operation)
        return sender
    }

    func holds(_ operation: OperationID) -> Bool { places[operation] != nil }

    func remove(_ operation: OperationID) {
        if let ticket = forget(operation) { _ = queue.remove(ticket) }
    }

    @discardableResult
    private func forget(_ operation: OperationID) -> WaitTicket? {
        guard let known = places[operation] else { return nil }
        places[operation] = nil
        if let ticket = known.uncommitted { _ = uncommitted.remove(ticket) }
        return known.ticket
    }

    /// Takes an arm of a select that has attached and has not been committed to the message.
    func takeUncommitted() -> Offer.Sender? { uncommitted.popFirst() }
}
