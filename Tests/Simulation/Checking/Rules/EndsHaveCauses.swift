import SluiceWire

/// A channel does not end by itself: `CLOSED` and `POISONED` come after somebody has closed or poisoned the channel, or
/// has joined it as an end and may have left; to senders on a once channel after another one was there. And a channel that
/// was only closed gives what was offered before: its senders are not sent away.
struct EndsHaveCauses: Rule {
    let name = "ends have causes"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        for (number, act) in ledger.acts.enumerated() {
            guard let final = act.final else { continue }
            switch final.reply {
            case .closed(let name, _) where !isClosable(name, act, before: final.moment, ledger):
                breaches.append("act \(number) heard that \(name) is closed, and nobody has closed it")
            case .poisoned(let name, _) where !isPoisonable(name, before: final.moment, ledger):
                breaches.append("act \(number) heard that \(name) is poisoned, and nobody has poisoned it")
            case .closed(let name, _) where wasThereBefore(act, name, ledger):
                breaches.append("act \(number) was sent away from \(name), where it was before it was closed")
            default: break
            }
        }
        return breaches
    }

    private func isClosable(_ name: ChannelName, _ act: Act, before moment: Moment, _ ledger: Ledger) -> Bool {
        guard let channel = ledger.channel(name) else { return false }
        return channel.declaration == .once || wasAsked(channel.closes + channel.joins, before: moment, ledger)
    }

    private func isPoisonable(_ name: ChannelName, before moment: Moment, _ ledger: Ledger) -> Bool {
        guard let channel = ledger.channel(name) else { return false }
        return wasAsked(channel.poisons + channel.joins, before: moment, ledger) || ledger.rest < moment
    }

    private func wasAsked(_ acts: [Int], before moment: Moment, _ ledger: Ledger) -> Bool {
        acts.contains { ledger.acts[$0].sent < moment }
    }

    /// Whether a send was there before anybody can have closed the channel.
    private func wasThereBefore(_ act: Act, _ name: ChannelName, _ ledger: Ledger) -> Bool {
        guard case .send? = act.command, let entered = act.entered, let final = act.final, entered != final.moment,
            let channel = ledger.channel(name), channel.isQueue, channel.joins.isEmpty
        else { return false }
        return channel.closes.allSatisfy { entered < ledger.acts[$0].sent }
    }
}
