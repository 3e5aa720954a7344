import SluiceWire

/// What was answered with `OK` on a queue was received, or is lost with a receiver who had no lease and is gone: each such
/// receiver accounts for one message, and a counted receive for any number.
///
/// What a channel has kept must have come by the end, when everything that is left is received; unless the channel was
/// poisoned, or may have lost its receivers, or the hub has drained.
struct NothingIsLost: Rule {
    let name = "nothing is lost"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.keepsAll }.flatMap { breaches(on: $0, ledger) }
    }

    private func breaches(on channel: ChannelStory, _ ledger: Ledger) -> [String] {
        let missing = channel.stories.map { ledger.stories[$0] }.filter { isMissing($0, channel, ledger) }
        guard !missing.isEmpty else { return [] }
        let losers = channel.receives.filter { mayHaveLost(ledger.acts[$0], ledger) }
        if missing.count > losers.reduce(0, { $0 + capacity(ledger.acts[$1]) }) {
            return [
                "\(missing.map { "\($0.name)" }.joined(separator: ", ")): OK, and not received; \(losers.count) receivers were lost"
            ]
        }
        return missing.filter { story in
            !losers.contains { loser in
                story.sends.contains { ledger.acts[loser].sent < ledger.end(of: ledger.acts[$0.act]) }
                    || !channel.isRendezvous
            }
        }
        .map { "\($0.name): OK before anybody received" }
    }

    private func isMissing(_ story: Story, _ channel: ChannelStory, _ ledger: Ledger) -> Bool {
        guard !story.receipts.contains(where: { $0.mayBeCommitted(in: ledger) }) else { return false }
        return story.sends.contains { send in
            guard case .done(let attributes) = send.outcome(in: ledger) else { return false }
            if attributes.contains(where: { $0.key == .duplicate }), story.sends.count == 1 { return true }
            return channel.isRendezvous && channel.opens.isEmpty || isUntilTaken(ledger.acts[send.act])
                || !channel.mayDiscard && ledger.history.drain == nil
        }
    }

    private func isUntilTaken(_ act: Act) -> Bool {
        if case .send(let command)? = act.command { command.until == .taken } else { false }
    }

    /// Whether a receive without a lease may have had a message that its client has not seen.
    private func mayHaveLost(_ act: Act, _ ledger: Ledger) -> Bool {
        guard act.final == nil, let command = act.command else { return false }
        return switch command {
        case .receive(let receive): receive.lease == nil
        case .select(let select): select.arms.contains { if case .receive(_, nil) = $0 { true } else { false } }
        default: false
        }
    }

    private func capacity(_ act: Act) -> Int {
        guard case .receive(let receive)? = act.command else { return 1 }
        return switch receive.count {
        case .endless: 1_000_000
        case .exactly(let count): count - act.parts.count
        case nil: 1
        }
    }
}
