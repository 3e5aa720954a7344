import SluiceWire

/// A message on a queue whose send was answered with `OK` is received, unless it was lost with a receiver that had no lease
/// and disconnected. Each such receiver accounts for one message, and a counted receive for any number.
///
/// A message that a channel buffers is received at the end, when the simulation empties all channels, unless the channel
/// was poisoned or may have lost its receivers, or the hub has drained.
struct AcceptedMessagesArrive: Rule {
    let name = "accepted messages arrive"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.keepsAll }.flatMap { breaches(on: $0, ledger) }
    }

    private func breaches(on channel: ChannelRecord, _ ledger: Ledger) -> [String] {
        let missing = channel.messages.map { ledger.messages[$0] }.filter { isMissing($0, channel, ledger) }
        guard !missing.isEmpty else { return [] }
        let receives = channel.receives + (channel.policy?.deadChannel.flatMap { ledger.channel($0) }?.receives ?? [])
        let losers = receives.filter { mayHaveLost(ledger.exchanges[$0], ledger) }
        if missing.count > losers.reduce(0, { $0 + capacity(ledger.exchanges[$1]) }) {
            return [
                "\(missing.map { "\($0.name)" }.joined(separator: ", ")) were accepted and not received; only \(losers.count) receivers were lost"
            ]
        }
        return missing.filter { message in
            !losers.contains { loser in
                message.sends.contains { ledger.exchanges[loser].sent < ledger.end(of: ledger.exchanges[$0.exchange]) }
                    || !channel.isRendezvous
            }
        }
        .map { "\($0.name) was accepted before any receiver asked, and not received" }
    }

    private func isMissing(_ message: MessageRecord, _ channel: ChannelRecord, _ ledger: Ledger) -> Bool {
        guard !message.receipts.contains(where: { $0.mayBeCommitted(in: ledger) }),
            !mayBeRejected(message, channel, ledger)
        else { return false }
        return message.sends.contains { send in
            guard case .done(let attributes) = send.outcome(in: ledger) else { return false }
            if attributes.contains(where: { $0.key == .duplicate }), message.sends.count == 1 { return true }
            return channel.isRendezvous && channel.opens.isEmpty || isUntilTaken(ledger.exchanges[send.exchange])
                || !channel.mayDiscard && ledger.history.drain == nil
        }
    }

    /// Returns whether a receiver may have rejected the message, and it may be gone.
    private func mayBeRejected(_ message: MessageRecord, _ channel: ChannelRecord, _ ledger: Ledger) -> Bool {
        // A dead letter that is rejected again is gone.
        if message.receipts.contains(where: { $0.isDead && isRejected($0, ledger) }) { return true }
        if let name = channel.policy?.deadChannel {
            // Without an open dead channel, a rejected message waits in its own.
            guard let dead = ledger.channel(name), dead.isEndless else { return true }
            return !dead.opens.contains { ledger.exchanges[$0].isDone }
        }
        return message.receipts.contains { isRejected($0, ledger) }
    }

    private func isRejected(_ receipt: Receipt, _ ledger: Ledger) -> Bool {
        guard let delivery = receipt.delivery else { return false }
        return (ledger.settlings[delivery] ?? []).contains { $0.isRejection && ($0.isDone || $0.final == nil) }
    }

    private func isUntilTaken(_ exchange: Exchange) -> Bool {
        if case .send(let command)? = exchange.command { command.stored?.waitsUntilTaken == true } else { false }
    }

    /// Returns whether a receive without a lease may have been given a message that its client has not read.
    private func mayHaveLost(_ exchange: Exchange, _ ledger: Ledger) -> Bool {
        guard exchange.final == nil, let command = exchange.command else { return false }
        return switch command {
        case .receive(let receive): receive.lease == nil
        case .select(let select): select.arms.contains { if case .receive(_, nil) = $0 { true } else { false } }
        default: false
        }
    }

    private func capacity(_ exchange: Exchange) -> Int {
        guard case .receive(let receive)? = exchange.command else { return 1 }
        return switch receive.count {
        case .endless: 1_000_000
        case .exactly(let count): count - exchange.parts.count
        case nil: 1
        }
    }
}
