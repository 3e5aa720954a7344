/// No phantoms: what is received was sent on that channel, byte for byte, and before it was received.
struct NothingFromNowhere: Rule {
    let name = "nothing from nowhere"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches = ledger.strange
        for story in ledger.stories {
            guard let first = story.receipts.first, let send = story.sends.first else { continue }
            if first.moment < ledger.acts[send.act].sent { breaches.append("\(story.name) came before it was sent") }
        }
        return breaches
    }
}
