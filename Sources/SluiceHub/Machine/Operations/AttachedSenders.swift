import SluiceRuntime

/// The senders that have repeated a pending message under the same id, in the order in which they repeated it.
///
/// Any number of clients may repeat a send, so adding, finding and removing a sender take constant time.
final class AttachedSenders {
    private var queue = WaitQueue<Offer.Sender>()
    private var tickets = ShardedDictionary<OperationID, WaitTicket>()
    /// The senders that are arms of selects and have not been committed to the message.
    private var uncommitted: [Offer.Sender] = []

    var isEmpty: Bool { queue.isEmpty }

    func append(_ sender: Offer.Sender) {
        tickets[sender.operation] = queue.append(sender)
        if sender.arm != nil { uncommitted.append(sender) }
    }

    func popFirst() -> Offer.Sender? {
        guard let sender = queue.popFirst() else { return nil }
        tickets[sender.operation] = nil
        return sender
    }

    func holds(_ operation: OperationID) -> Bool { tickets[operation] != nil }

    func remove(_ operation: OperationID) {
        guard let ticket = tickets[operation] else { return }
        tickets[operation] = nil
        _ = queue.remove(ticket)
    }

    /// Returns the arms of selects that have attached since the last call. Some of their operations may have ended.
    func takeUncommitted() -> [Offer.Sender] {
        defer { uncommitted = [] }
        return uncommitted
    }
}
