/// Send and receive overlap: on a rendezvous the sender has its `OK` not before the receiver has asked; and where the
/// receiver has a lease, not before it has acknowledged.
struct TakenBeforeAnswered: Rule {
    let name = "taken before answered"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.stories.filter { ledger.channel($0.name.channel)?.isRendezvous == true }.flatMap { story in
            story.sends.compactMap { send in
                guard case .done = send.outcome(in: ledger), let answered = ledger.acts[send.act].final?.moment else {
                    return nil
                }
                return breach(story, answered, ledger)
            }
        }
    }

    private func breach(_ story: Story, _ answered: Moment, _ ledger: Ledger) -> String? {
        guard let taken = story.receipts.first(where: { $0.isCommitted(in: ledger) }) else { return nil }
        if answered < ledger.acts[taken.act].sent { return "\(story.name): OK before act \(taken.act) asked for it" }
        guard let delivery = taken.delivery,
            let settling = ledger.settlings[delivery]?.first(where: { $0.isAcknowledgement && $0.isDone })
        else { return nil }
        return answered < settling.sent ? "\(story.name): OK before it was acknowledged" : nil
    }
}
