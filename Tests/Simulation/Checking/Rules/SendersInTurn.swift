import SluiceWire

/// First come, first served among those who send on a queue that has them wait: a message does not come to a receiver
/// while one waits that was there before it was sent, and that was never handed out.
///
/// One was there before when the hub is known to have looked at it before the other was sent, or when both were sent over
/// one connection in this order.
struct SendersInTurn: Rule {
    let name = "senders in turn"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.isBlocking }.flatMap { breaches(on: $0, ledger) }
    }

    private struct Entry {
        let name: MessageName
        let act: Act
        let number: Int
        let first: Receipt?
        /// Whether it was away under a lease at some time.
        let wasLeased: Bool
    }

    private func breaches(on channel: ChannelStory, _ ledger: Ledger) -> [String] {
        // A receiver with a lease that is gone may have had any of them in between.
        let isHidden = channel.receives.contains { isLostUnderLease(ledger.acts[$0], channel, ledger) }
        let entries = channel.stories.compactMap { entry(ledger.stories[$0], ledger) }
        var breaches: [String] = []
        for later in entries {
            guard let taken = later.first else { continue }
            for earlier in entries where precedes(earlier, later) {
                if wasWaiting(earlier, past: taken, isHidden, ledger) {
                    breaches.append("\(later.name) came at \(taken.moment.serial) before \(earlier.name)")
                }
            }
        }
        return breaches
    }

    private func entry(_ story: Story, _ ledger: Ledger) -> Entry? {
        guard !story.hasID, let send = story.sends.first, send.arm == nil else { return nil }
        if let attempt = story.receipts.first?.attempt, attempt > 1 { return nil }
        return Entry(
            name: story.name, act: ledger.acts[send.act], number: send.act, first: story.receipts.first,
            wasLeased: story.receipts.contains { $0.delivery != nil })
    }

    private func isLostUnderLease(_ act: Act, _ channel: ChannelStory, _ ledger: Ledger) -> Bool {
        guard act.final == nil, let command = act.command else { return false }
        switch command {
        case .receive(let receive): return receive.lease != nil
        case .select(let select):
            return select.arms.contains { if case .receive(channel.name, _?) = $0 { true } else { false } }
        default: return false
        }
    }

    private func precedes(_ earlier: Entry, _ later: Entry) -> Bool {
        if earlier.act.line == later.act.line { return earlier.number < later.number }
        guard let entered = earlier.act.entered else { return false }
        return entered < later.act.sent
    }

    /// Whether a message was certainly in the queue when another one was received.
    private func wasWaiting(_ entry: Entry, past taken: Receipt, _ isHidden: Bool, _ ledger: Ledger) -> Bool {
        if let first = entry.first {
            guard first.attempt == 1 || !isHidden && !entry.wasLeased else { return false }
            return taken.moment < (first.act == taken.act ? first.moment : ledger.acts[first.act].sent)
        }
        guard !isHidden, entry.act.isTimedOut, let end = entry.act.earliestTimeout else { return false }
        return taken.moment.time < end && entry.act.command?.patience != .zero
    }
}
