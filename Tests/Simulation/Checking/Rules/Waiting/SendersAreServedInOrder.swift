import SluiceWire

/// Senders on a queue that blocks are served in the order in which they parked: a message is not received while another
/// one is parked that was there before, and that was never delivered.
///
/// A send was there before another one if the hub is known to have read it before the other was sent, or if both were sent
/// on the same connection in that order.
struct SendersAreServedInOrder: Rule {
    let name = "senders are served in order"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.isBlocking }.flatMap { breaches(on: $0, ledger) }
    }

    private struct Entry {
        let name: MessageName
        let exchange: Exchange
        let number: Int
        let first: Receipt?
        /// Whether a receiver held a lease on the message at some time.
        let wasLeased: Bool
    }

    private func breaches(on channel: ChannelRecord, _ ledger: Ledger) -> [String] {
        // A receiver with a lease that disconnected may have held any of the messages in between.
        let isHidden = channel.receives.contains { isLostUnderLease(ledger.exchanges[$0], channel, ledger) }
        let entries = channel.messages.compactMap { entry(ledger.messages[$0], ledger) }
        var breaches: [String] = []
        for later in entries {
            guard let taken = later.first else { continue }
            for earlier in entries where precedes(earlier, later) {
                if wasWaiting(earlier, past: taken, isHidden, ledger) {
                    breaches.append("\(later.name) was received before \(earlier.name), which was parked before")
                }
            }
        }
        return breaches
    }

    private func entry(_ message: MessageRecord, _ ledger: Ledger) -> Entry? {
        guard !message.hasID, let send = message.sends.first, send.arm == nil,
            ledger.exchanges[send.exchange].delay == .zero, !message.receipts.contains(where: \.isDead)
        else { return nil }
        if let attempt = message.receipts.first?.attempt, attempt > 1 { return nil }
        return Entry(
            name: message.name, exchange: ledger.exchanges[send.exchange], number: send.exchange,
            first: message.receipts.first,
            wasLeased: message.receipts.contains { $0.delivery != nil })
    }

    private func isLostUnderLease(_ exchange: Exchange, _ channel: ChannelRecord, _ ledger: Ledger) -> Bool {
        guard exchange.final == nil, let command = exchange.command else { return false }
        switch command {
        case .receive(let receive): return receive.lease != nil
        case .select(let select):
            return select.arms.contains { if case .receive(channel.name, _?) = $0 { true } else { false } }
        default: return false
        }
    }

    private func precedes(_ earlier: Entry, _ later: Entry) -> Bool {
        if earlier.exchange.connection == later.exchange.connection { return earlier.number < later.number }
        guard let entered = earlier.exchange.entered else { return false }
        return entered < later.exchange.sent
    }

    /// Returns whether a message was certainly in the queue when another one was received.
    private func wasWaiting(_ entry: Entry, past taken: Receipt, _ isHidden: Bool, _ ledger: Ledger) -> Bool {
        if let first = entry.first {
            guard first.attempt == 1 || !isHidden && !entry.wasLeased else { return false }
            return taken.moment
                < (first.exchange == taken.exchange ? first.moment : ledger.exchanges[first.exchange].sent)
        }
        guard !isHidden, entry.exchange.isTimedOut, let end = entry.exchange.earliestTimeout else { return false }
        return taken.moment.time < end && entry.exchange.command?.timeout != .zero
    }
}
