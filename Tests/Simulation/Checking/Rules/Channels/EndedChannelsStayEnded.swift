import SluiceWire

/// A channel that has ended stays so until it is opened again. After the `OK` to a `CLOSE` nothing is sent on it; after
/// the `OK` to a `POISON` nothing is received from it either, and parked senders and receivers are answered at once.
struct EndedChannelsStayEnded: Rule {
    let name = "ended channels stay ended"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.declaration != .once }.flatMap { channel in
            let closed = end(channel.closes + channel.poisons, channel, ledger)
            let poisoned = end(channel.poisons, channel, ledger)
            return sent(after: closed, on: channel, ledger) + received(after: poisoned, on: channel, ledger)
                + waited(past: poisoned, on: channel, ledger)
        }
    }

    /// Returns the first of the exchanges that was answered with `OK`, unless the channel may have been opened after it.
    private func end(_ exchanges: [Int], _ channel: ChannelRecord, _ ledger: Ledger) -> Exchange? {
        exchanges.map { ledger.exchanges[$0] }.first { exchange in
            exchange.isDone && !channel.opens.contains { ledger.end(of: ledger.exchanges[$0]) > exchange.sent }
        }
    }

    private func sent(after end: Exchange?, on channel: ChannelRecord, _ ledger: Ledger) -> [String] {
        guard let moment = end?.final?.moment else { return [] }
        return channel.messages.map { ledger.messages[$0] }.filter { !$0.hasID }.flatMap { message in
            message.sends.compactMap { send in
                guard case .done = send.outcome(in: ledger), moment < ledger.exchanges[send.exchange].sent else {
                    return nil
                }
                return "\(message.name) was sent after the channel had ended"
            }
        }
    }

    private func received(after end: Exchange?, on channel: ChannelRecord, _ ledger: Ledger) -> [String] {
        guard let moment = end?.final?.moment else { return [] }
        return channel.messages.map { ledger.messages[$0] }.flatMap { message in
            // A dead letter is received from another channel.
            message.receipts.filter { !$0.isDead }.compactMap { receipt in
                guard moment < ledger.exchanges[receipt.exchange].sent else { return nil }
                return "\(message.name) was received after the channel was poisoned"
            }
        }
    }

    /// Reports the operations that were parked when the channel was poisoned, and timed out afterwards.
    private func waited(past end: Exchange?, on channel: ChannelRecord, _ ledger: Ledger) -> [String] {
        guard let end, let moment = end.final?.moment else { return [] }
        return waiters(of: channel, ledger).compactMap { number in
            let exchange = ledger.exchanges[number]
            guard let entered = exchange.entered, entered < end.sent, exchange.isTimedOut, exchange.parts.isEmpty,
                let timeout = exchange.earliestTimeout, timeout > moment.time, exchange.command?.timeout != .zero
            else { return nil }
            return "t\(number) stayed parked on \(channel.name) when it was poisoned"
        }
    }

    private func waiters(of channel: ChannelRecord, _ ledger: Ledger) -> [Int] {
        // A select is exempt: it may have committed to a message that came back, and then waits only for that message.
        let waiters = channel.receives + channel.messages.flatMap { ledger.messages[$0].sends.map(\.exchange) }
        return waiters.filter { if case .select? = ledger.exchanges[$0].command { false } else { true } }
    }
}
