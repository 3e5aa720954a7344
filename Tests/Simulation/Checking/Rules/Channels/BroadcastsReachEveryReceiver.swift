import SluiceWire

/// As many receivers get a broadcast message as its sender is told. Fewer are seen only if receivers disconnected.
struct BroadcastsReachEveryReceiver: Rule {
    let name = "broadcasts reach every receiver"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.messages.compactMap { message in
            guard let send = message.sends.first, case .done(let attributes) = send.outcome(in: ledger),
                let told = attributes.number(of: .receivers), let channel = ledger.channel(message.name.channel),
                let answered = ledger.exchanges[send.exchange].final?.moment
            else { return nil }
            let lost = channel.receives.count {
                ledger.exchanges[$0].final == nil && ledger.exchanges[$0].sent < answered
            }
            guard message.receipts.count > told || message.receipts.count + lost < told else { return nil }
            return "\(message.name) reached \(message.receipts.count) receivers, but its sender was told \(told)"
        }
    }
}
