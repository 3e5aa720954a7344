import SluiceWire

/// Receivers on a queue are served in the order in which they parked: a plain receive gets no message while another one
/// is parked that was there before.
struct ReceiversAreServedInOrder: Rule {
    let name = "receivers are served in order"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.isQueue }.flatMap { breaches(on: $0, ledger) }
    }

    private func breaches(on channel: ChannelRecord, _ ledger: Ledger) -> [String] {
        let receives = channel.receives.filter { isPlain(ledger.exchanges[$0]) }
        var breaches: [String] = []
        for late in receives {
            let exchange = ledger.exchanges[late]
            guard let final = exchange.final, case .message = final.reply else { continue }
            for early in receives where precedes(early, late, ledger) {
                if wasWaiting(ledger.exchanges[early], past: final.moment, channel, ledger) {
                    breaches.append("t\(late) received on \(channel.name) before t\(early)")
                }
            }
        }
        return breaches
    }

    private func isPlain(_ exchange: Exchange) -> Bool {
        if case .receive(let receive)? = exchange.command { receive.count == nil } else { false }
    }

    private func precedes(_ early: Int, _ late: Int, _ ledger: Ledger) -> Bool {
        let (first, second) = (ledger.exchanges[early], ledger.exchanges[late])
        if first.connection == second.connection { return early < late }
        guard let entered = first.entered else { return false }
        return entered < second.sent
    }

    /// Returns whether a receive was certainly parked when another one got its message.
    private func wasWaiting(_ exchange: Exchange, past moment: Moment, _ channel: ChannelRecord, _ ledger: Ledger)
        -> Bool
    {
        guard let final = exchange.final else {
            // It is still parked at rest, so it was not lost with its connection.
            return moment < ledger.rest && exchange.entered != nil
                && ledger.history.rest.pending.contains { ledger.exchanges[$0].sent == exchange.sent }
        }
        switch final.reply {
        case .timeout, .timeoutWithoutReceivers:
            return exchange.command?.timeout != .zero && moment.time < exchange.earliestTimeout ?? 0
        case .message:
            // The message that it got later was sent only afterwards.
            guard
                let message = channel.messages.map({ ledger.messages[$0] }).first(where: {
                    $0.receipts.contains { $0.moment == final.moment }
                })
            else { return false }
            return message.sends.allSatisfy { moment < ledger.exchanges[$0.exchange].sent }
        default: return false
        }
    }
}
