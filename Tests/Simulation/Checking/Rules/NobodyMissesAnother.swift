import SluiceWire

/// No lost wakeups: a sender and a receiver of a queue do not both run out of time, who were there at the same time.
///
/// A send without an id that nobody ever had, and a plain receive: then only the hub can have kept them apart.
struct NobodyMissesAnother: Rule {
    let name = "nobody misses another"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.isBlocking && $0.isEndless }.flatMap { breaches(on: $0, ledger) }
    }

    private struct Wait {
        let act: Int
        let from: UInt64
        let to: UInt64
    }

    private func breaches(on channel: ChannelStory, _ ledger: Ledger) -> [String] {
        guard !channel.receives.contains(where: { isLostUnderLease(ledger.acts[$0]) }) else { return [] }
        let senders: [Wait] = channel.stories.compactMap { number in
            let story = ledger.stories[number]
            guard !story.hasID, story.receipts.isEmpty, let send = story.sends.first, send.arm == nil else {
                return nil
            }
            return wait(send.act, ledger)
        }
        let receivers = channel.receives.compactMap { wait($0, ledger) }
        var breaches: [String] = []
        for sender in senders {
            for receiver in receivers where max(sender.from, receiver.from) < min(sender.to, receiver.to) {
                breaches.append("acts \(sender.act) and \(receiver.act) waited on \(channel.name) for each other")
            }
        }
        return breaches
    }

    private func isLostUnderLease(_ act: Act) -> Bool {
        guard act.final == nil else { return false }
        return switch act.command {
        case .receive(let receive): receive.lease != nil
        case .select: true
        default: false
        }
    }

    /// When an act certainly waited that has run out of time; nil of every other.
    private func wait(_ number: Int, _ ledger: Ledger) -> Wait? {
        let act = ledger.acts[number]
        if case .receive(let receive)? = act.command, receive.count != nil { return nil }
        if case .select? = act.command { return nil }
        guard act.isTimedOut, let from = act.entered, let to = act.earliestTimeout else { return nil }
        return Wait(act: number, from: from.time, to: to)
    }
}
