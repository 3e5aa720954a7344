import SluiceWire

/// A once channel that is not ended gives one value to everybody.
struct OnceIsOnce: Rule {
    let name = "once is once"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.declaration == .once && $0.isEndless }.compactMap { channel in
            // Until it is open it is a rendezvous.
            guard let open = channel.opens.first.map({ ledger.acts[$0] }), open.isDone,
                let opened = open.final?.moment
            else { return nil }
            let given = channel.stories.map { ledger.stories[$0] }.filter { story in
                story.receipts.contains { opened < ledger.acts[$0.act].sent }
            }
            guard given.count > 1 else { return nil }
            return "\(channel.name) has given \(given.map { "\($0.name)" }.joined(separator: ", "))"
        }
    }
}
