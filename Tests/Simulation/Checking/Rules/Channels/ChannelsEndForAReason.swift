import SluiceWire

/// A channel does not end by itself. `CLOSED` and `POISONED` follow a command that closes or poisons the channel, or the
/// departure of a client that joined it. Senders on a once channel are answered with `CLOSED` after the first one.
/// Closing a channel does not reject the sends that were parked before.
struct ChannelsEndForAReason: Rule {
    let name = "channels end for a reason"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        for (number, exchange) in ledger.exchanges.enumerated() {
            guard let final = exchange.final else { continue }
            switch final.reply {
            case .closed(let name, _, _) where !isClosable(name, exchange, before: final.moment, ledger):
                breaches.append("t\(number) was told that \(name) is closed, but no client closed it")
            case .poisoned(let name, _, _) where !isPoisonable(name, before: final.moment, ledger):
                breaches.append("t\(number) was told that \(name) is poisoned, but no client poisoned it")
            case .closed(let name, _, _) where wasThereBefore(exchange, name, ledger):
                breaches.append(
                    "t\(number) was rejected by \(name), although it was parked before the channel was closed")
            default: break
            }
        }
        return breaches
    }

    private func isClosable(_ name: ChannelName, _ exchange: Exchange, before moment: Moment, _ ledger: Ledger) -> Bool
    {
        guard let channel = ledger.channel(name) else { return false }
        return channel.declaration == .once || wasAsked(channel.closes + channel.joins, before: moment, ledger)
    }

    private func isPoisonable(_ name: ChannelName, before moment: Moment, _ ledger: Ledger) -> Bool {
        guard let channel = ledger.channel(name) else { return false }
        return wasAsked(channel.poisons + channel.joins, before: moment, ledger) || ledger.rest < moment
    }

    private func wasAsked(_ exchanges: [Int], before moment: Moment, _ ledger: Ledger) -> Bool {
        exchanges.contains { ledger.exchanges[$0].sent < moment }
    }

    /// Returns whether a send was parked before any client can have closed the channel.
    private func wasThereBefore(_ exchange: Exchange, _ name: ChannelName, _ ledger: Ledger) -> Bool {
        guard case .send? = exchange.command, let entered = exchange.entered, let final = exchange.final,
            entered != final.moment,
            let channel = ledger.channel(name), channel.isQueue, channel.joins.isEmpty
        else { return false }
        return channel.closes.allSatisfy { entered < ledger.exchanges[$0].sent }
    }
}
