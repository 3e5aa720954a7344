import SluiceWire

/// First come, first served among those who receive from a queue: a plain receive has no message while another one waits
/// that was there before it was sent.
struct ReceiversInTurn: Rule {
    let name = "receivers in turn"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.isQueue }.flatMap { breaches(on: $0, ledger) }
    }

    private func breaches(on channel: ChannelStory, _ ledger: Ledger) -> [String] {
        let receives = channel.receives.filter { isPlain(ledger.acts[$0]) }
        var breaches: [String] = []
        for late in receives {
            let act = ledger.acts[late]
            guard let final = act.final, case .message = final.reply else { continue }
            for early in receives where precedes(early, late, ledger) {
                if wasWaiting(ledger.acts[early], past: final.moment, channel, ledger) {
                    breaches.append("act \(late) had its message on \(channel.name) before act \(early)")
                }
            }
        }
        return breaches
    }

    private func isPlain(_ act: Act) -> Bool {
        if case .receive(let receive)? = act.command { receive.count == nil } else { false }
    }

    private func precedes(_ early: Int, _ late: Int, _ ledger: Ledger) -> Bool {
        let (first, second) = (ledger.acts[early], ledger.acts[late])
        if first.line == second.line { return early < late }
        guard let entered = first.entered else { return false }
        return entered < second.sent
    }

    /// Whether a receive was certainly waiting when another one had its message.
    private func wasWaiting(_ act: Act, past moment: Moment, _ channel: ChannelStory, _ ledger: Ledger) -> Bool {
        guard let final = act.final else {
            // It waits to the end, and was not lost with its connection.
            return moment < ledger.rest && act.entered != nil
                && ledger.history.rest.pending.contains { ledger.acts[$0].sent == act.sent }
        }
        switch final.reply {
        case .timeout: return act.command?.patience != .zero && moment.time < act.earliestTimeout ?? 0
        case .message:
            // What it has in the end was sent only afterwards.
            guard
                let story = channel.stories.map({ ledger.stories[$0] }).first(where: {
                    $0.receipts.contains { $0.moment == final.moment }
                })
            else { return false }
            return story.sends.allSatisfy { moment < ledger.acts[$0.act].sent }
        default: return false
        }
    }
}
