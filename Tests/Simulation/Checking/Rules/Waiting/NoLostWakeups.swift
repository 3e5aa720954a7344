import SluiceRuntime
import SluiceWire

/// A sender and a receiver that are parked on a queue at the same time do not both time out.
///
/// The rule looks only at sends without an id whose message was never received, and at plain receives: there, nothing but
/// a lost wakeup keeps the two from matching.
struct NoLostWakeups: Rule {
    let name = "no lost wakeups"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.channels.filter { $0.isBlocking && $0.isEndless }.flatMap { breaches(on: $0, ledger) }
    }

    private struct Wait {
        let exchange: Int
        let from: UInt64
        let to: UInt64
    }

    private func breaches(on channel: ChannelRecord, _ ledger: Ledger) -> [String] {
        guard !channel.receives.contains(where: { isLostUnderLease(ledger.exchanges[$0]) }) else { return [] }
        let senders: [Wait] = channel.messages.compactMap { number in
            let message = ledger.messages[number]
            guard !message.hasID, message.receipts.isEmpty, let send = message.sends.first, send.arm == nil else {
                return nil
            }
            return wait(send.exchange, ledger)
        }
        let receivers = channel.receives.compactMap { wait($0, ledger) }
        var breaches: [String] = []
        for sender in senders {
            for receiver in receivers where max(sender.from, receiver.from) < min(sender.to, receiver.to) {
                breaches.append(
                    "t\(sender.exchange) and t\(receiver.exchange) were parked on \(channel.name) at the same time, and both timed out"
                )
            }
        }
        return breaches
    }

    private func isLostUnderLease(_ exchange: Exchange) -> Bool {
        guard exchange.final == nil else { return false }
        return switch exchange.command {
        case .receive(let receive): receive.lease != nil
        case .select: true
        default: false
        }
    }

    /// Returns the time during which an operation that timed out was certainly parked, and nil for every other operation.
    private func wait(_ number: Int, _ ledger: Ledger) -> Wait? {
        let exchange = ledger.exchanges[number]
        if case .receive(let receive)? = exchange.command, receive.count != nil { return nil }
        if case .select? = exchange.command { return nil }
        guard exchange.isTimedOut, let from = exchange.entered, let to = exchange.earliestTimeout else { return nil }
        // A delayed message is there when it is due.
        return Wait(exchange: number, from: from.time + exchange.delay.wholeNanoseconds, to: to)
    }
}
