/// A send on a rendezvous is not answered with `OK` before a receiver has asked for the message; if the receiver has a
/// lease, not before the receiver acknowledges.
struct SendsAreAnsweredAfterReceipt: Rule {
    let name = "sends are answered after receipt"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.messages.filter { ledger.channel($0.name.channel)?.isRendezvous == true }.flatMap { message in
            message.sends.compactMap { send in
                guard case .done = send.outcome(in: ledger),
                    let answered = ledger.exchanges[send.exchange].final?.moment
                else {
                    return nil
                }
                return breach(message, answered, ledger)
            }
        }
    }

    private func breach(_ message: MessageRecord, _ answered: Moment, _ ledger: Ledger) -> String? {
        guard let taken = message.receipts.first(where: { $0.isCommitted(in: ledger) }) else { return nil }
        if answered < ledger.exchanges[taken.exchange].sent {
            return "\(message.name) was answered with OK before t\(taken.exchange) asked for it"
        }
        guard let delivery = taken.delivery,
            let settling = ledger.settlings[delivery]?.first(where: { $0.isAcknowledgement && $0.isDone })
        else { return nil }
        return answered < settling.sent ? "\(message.name) was answered with OK before it was acknowledged" : nil
    }
}
