import SluiceHub
import SluiceWire

/// All receivers on a once channel that was not ended get the same value.
struct OnceChannelsHaveOneValue: Rule {
    let name = "once channels have one value"

    func breaches(in ledger: Ledger) -> [String] {
        // If a client may not declare that many channels, unused ones give way to others.
        let setting = ledger.history.plan.setting
        guard setting.channels.count <= setting.limits.maxDeclaredChannels else { return [] }
        return ledger.channels.filter { $0.declaration == .once && $0.isEndless }.compactMap { channel in
            // The channel is a rendezvous until it is opened.
            guard let open = channel.opens.first.map({ ledger.exchanges[$0] }), open.isDone,
                let opened = open.final?.moment
            else { return nil }
            let given = channel.messages.map { ledger.messages[$0] }.filter { message in
                message.receipts.contains { opened < ledger.exchanges[$0.exchange].sent }
            }
            guard given.count > 1 else { return nil }
            return "\(channel.name) has several values: \(given.map { "\($0.name)" }.joined(separator: ", "))"
        }
    }
}
