import SluiceRuntime
import SluiceWire

/// A rejected message is not handed out again, and its sender is told so. A message is handed out at most as often as its
/// channel's policy permits; after the last attempt, or a `REJECT`, it moves to the dead channel, where it is received at
/// the end. `REDRIVE` is an exception to all of that: it makes a message a new one.
struct RejectionsAreFinal: Rule {
    let name = "rejections are final"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.isQueue }.flatMap { channel in
            channel.messages.flatMap { breaches(of: ledger.messages[$0], channel, ledger) }
        }
    }

    private func breaches(of message: MessageRecord, _ channel: ChannelRecord, _ ledger: Ledger) -> [String] {
        var breaches: [String] = []
        if let most = channel.policy?.maxAttempts, let first = message.sends.first,
            isOpen(channel, before: ledger.exchanges[first.exchange].sent, ledger),
            let receipt = message.receipts.first(where: { !$0.isDead && $0.attempt ?? 0 > most })
        {
            breaches.append("\(message.name) was handed out to t\(receipt.exchange) after its last attempt")
        }
        breaches += message.receipts.flatMap { breachesOfNacks(of: $0, message, channel, ledger) }
        guard !message.hasID, !ledger.hasRedrives else { return breaches }
        if let rejected = rejection(of: message, ledger) {
            if let later = message.receipts.first(where: { !$0.isDead && ledger.exchanges[$0.exchange].sent > rejected }
            ) {
                breaches.append("\(message.name) was handed out to t\(later.exchange) after it was rejected")
            }
            if channel.isRendezvous, message.sends.contains(where: { isDone($0, ledger) }) {
                breaches.append("\(message.name) was rejected, and its sender told OK")
            }
        }
        if isLost(message, channel, ledger) {
            breaches.append("\(message.name) was rejected, and is not in the dead channel")
        }
        return breaches
    }

    /// A `NACK` says `rejected=yes` to a client that understands it, and only after the last attempt.
    private func breachesOfNacks(
        of receipt: Receipt, _ message: MessageRecord, _ channel: ChannelRecord, _ ledger: Ledger
    ) -> [String] {
        guard !receipt.isDead, let attempt = receipt.attempt, let delivery = receipt.delivery else { return [] }
        let isLast = channel.policy?.maxAttempts.map { attempt >= $0 } == true
        return (ledger.settlings[delivery] ?? []).compactMap { nack in
            guard case .nack? = nack.command, nack.isDone else { return nil }
            let understands = ledger.understands(.rejected, nack)
            if nack.isRejection {
                return isLast && understands ? nil : "\(message.name): the NACK of \(delivery) says rejected=yes"
            }
            // The message was certainly rejected only if all its senders got `REJECTED`: if no sender waits any more,
            // the hub may drop the message instead.
            guard isLast, understands, !message.hasID, !ledger.hasRedrives, !message.sends.isEmpty,
                message.sends.allSatisfy({ if case .rejected = $0.outcome(in: ledger) { true } else { false } })
            else { return nil }
            return "\(message.name) was rejected, and the NACK of \(delivery) does not say so"
        }
    }

    /// Returns the moment at which a client knows that the message was rejected.
    private func rejection(of message: MessageRecord, _ ledger: Ledger) -> Moment? {
        message.receipts.compactMap { $0.delivery }.flatMap { ledger.settlings[$0] ?? [] }
            .first { $0.isRejection && $0.isDone }.flatMap { $0.final?.moment }
    }

    private func isDone(_ send: SendRecord, _ ledger: Ledger) -> Bool {
        if case .done = send.outcome(in: ledger) { true } else { false }
    }

    /// Returns whether a message was certainly moved to a dead channel, and certainly not received from it. A channel that
    /// is poisoned, or has lost its receivers, keeps no message for a dead channel without space.
    private func isLost(_ message: MessageRecord, _ channel: ChannelRecord, _ ledger: Ledger) -> Bool {
        guard let dead = channel.policy?.deadChannel.flatMap({ ledger.channel($0) }), dead.isEndless, channel.isEndless,
            ledger.history.drain == nil, !message.receipts.contains(where: \.isDead),
            message.sends.contains(where: { send in
                guard case .rejected = send.outcome(in: ledger) else { return false }
                let sent = ledger.exchanges[send.exchange].sent
                return isOpen(channel, before: sent, ledger) && isOpen(dead, before: sent, ledger)
            })
        else { return false }
        // A receiver that was lost may have taken it without a lease.
        return dead.receives.allSatisfy { ledger.exchanges[$0].final != nil }
    }

    /// Returns whether the channel was certainly open, with its policy, before a moment.
    private func isOpen(_ channel: ChannelRecord, before moment: Moment, _ ledger: Ledger) -> Bool {
        channel.opens.contains { number in
            let exchange = ledger.exchanges[number]
            return exchange.isDone && exchange.final.map { $0.moment < moment } == true
        }
    }
}
