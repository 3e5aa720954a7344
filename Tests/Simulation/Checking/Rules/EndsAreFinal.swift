import SluiceWire

/// What has ended stays so, until it is opened anew: after the `OK` of a `CLOSE` nothing is sent, after that of a
/// `POISON` nothing is received either, and who was there before learns of it at once, on both sides.
struct EndsAreFinal: Rule {
    let name = "ends are final"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.declaration != .once }.flatMap { channel in
            let closed = end(channel.closes + channel.poisons, channel, ledger)
            let poisoned = end(channel.poisons, channel, ledger)
            return sent(after: closed, on: channel, ledger) + received(after: poisoned, on: channel, ledger)
                + waited(past: poisoned, on: channel, ledger)
        }
    }

    /// When the first of some acts was answered, if the channel is not opened after it was sent.
    private func end(_ acts: [Int], _ channel: ChannelStory, _ ledger: Ledger) -> Act? {
        acts.map { ledger.acts[$0] }.first { act in
            act.isDone && !channel.opens.contains { ledger.end(of: ledger.acts[$0]) > act.sent }
        }
    }

    private func sent(after end: Act?, on channel: ChannelStory, _ ledger: Ledger) -> [String] {
        guard let moment = end?.final?.moment else { return [] }
        return channel.stories.map { ledger.stories[$0] }.filter { !$0.hasID }.flatMap { story in
            story.sends.compactMap { send in
                guard case .done = send.outcome(in: ledger), moment < ledger.acts[send.act].sent else { return nil }
                return "\(story.name) was sent after the end of the channel"
            }
        }
    }

    private func received(after end: Act?, on channel: ChannelStory, _ ledger: Ledger) -> [String] {
        guard let moment = end?.final?.moment else { return [] }
        return channel.stories.map { ledger.stories[$0] }.flatMap { story in
            story.receipts.compactMap { receipt in
                guard moment < ledger.acts[receipt.act].sent else { return nil }
                return "\(story.name) was received after the channel was poisoned"
            }
        }
    }

    /// Those who were there when it was poisoned, and ran out of time afterwards.
    private func waited(past end: Act?, on channel: ChannelStory, _ ledger: Ledger) -> [String] {
        guard let end, let moment = end.final?.moment else { return [] }
        return waiters(of: channel, ledger).compactMap { number in
            let act = ledger.acts[number]
            guard let entered = act.entered, entered < end.sent, act.isTimedOut, act.parts.isEmpty,
                let timeout = act.earliestTimeout, timeout > moment.time, act.command?.patience != .zero
            else { return nil }
            return "act \(number) went on waiting on \(channel.name) when it was poisoned"
        }
    }

    private func waiters(of channel: ChannelStory, _ ledger: Ledger) -> [Int] {
        // A select may have been committed to a message that came back, and have waited for that alone.
        let waiters = channel.receives + channel.stories.flatMap { ledger.stories[$0].sends.map(\.act) }
        return waiters.filter { if case .select? = ledger.acts[$0].command { false } else { true } }
    }
}
