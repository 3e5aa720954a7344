import SluiceWire

/// A broadcast tells how many have its message, and so many receive it: no more, and fewer only where a receiver is gone.
struct BroadcastsReachAll: Rule {
    let name = "broadcasts reach all"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.stories.compactMap { story in
            guard let send = story.sends.first, case .done(let attributes) = send.outcome(in: ledger),
                let told = attributes.number(of: .receivers), let channel = ledger.channel(story.name.channel),
                let answered = ledger.acts[send.act].final?.moment
            else { return nil }
            let lost = channel.receives.count { ledger.acts[$0].final == nil && ledger.acts[$0].sent < answered }
            guard story.receipts.count > told || story.receipts.count + lost < told else { return nil }
            return "\(story.name) has \(story.receipts.count) receivers, and its sender was told of \(told)"
        }
    }
}
