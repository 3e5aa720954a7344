import SluiceRuntime
import SluiceWire

/// To a client that understands it, the `TIMEOUT` of a send says `receivers=0` if nobody receives from the channel: no
/// receive waits, no receiver holds a message, and none has joined. It says nothing else, and nothing to other clients.
struct TimeoutsTellOfReceivers: Rule {
    let name = "timeouts tell of receivers"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        for (number, exchange) in ledger.exchanges.enumerated() where exchange.isTimedOut {
            guard let reply = exchange.final?.reply else { continue }
            guard case .send(let send) = exchange.command, let channel = ledger.channel(send.channel),
                ledger.understands(.receivers, exchange)
            else {
                if reply == .timeoutWithoutReceivers { breaches.append("t\(number) got receivers=0 unasked") }
                continue
            }
            switch reply {
            case .timeoutWithoutReceivers:
                if let receiver = receiver(throughout: exchange, on: channel, ledger) {
                    breaches.append("t\(number) got receivers=0 although \(receiver) received from \(channel.name)")
                }
            default:
                if !mayHaveReceivers(exchange, on: channel, ledger) {
                    breaches.append(
                        "t\(number) timed out without receivers=0, and nobody received from \(channel.name)")
                }
            }
        }
        return breaches
    }

    // MARK: Receivers that were certainly there

    /// Returns a receiver that was there from before a send until after its reply, and that the hub knew of.
    private func receiver(throughout send: Exchange, on channel: ChannelRecord, _ ledger: Ledger) -> String? {
        guard let end = send.final?.moment, ledger.history.drain.map({ end < $0.moment }) ?? true else { return nil }
        for number in channel.joins {
            let join = ledger.exchanges[number]
            guard case .join(let command) = join.command, command.end.side == .receive, join.isDone,
                let joined = join.final?.moment, joined < send.sent, stays(join, until: end, ledger),
                !mayBeReopened(channel, between: join.sent, and: end, ledger)
            else { continue }
            let leaves = channel.leaves.map { ledger.exchanges[$0] }
            if !leaves.contains(where: { $0.connection == join.connection && $0.sent < end }) { return "t\(number)" }
        }
        for message in channel.messages.map({ ledger.messages[$0] }) {
            for receipt in message.receipts where holds(receipt, throughout: send, until: end, on: channel, ledger) {
                return "the holder of \(message.name)"
            }
        }
        return nil
    }

    /// Whether the receiver of a message certainly held it under its lease from before a send until after its reply.
    private func holds(
        _ receipt: Receipt, throughout send: Exchange, until end: Moment, on channel: ChannelRecord, _ ledger: Ledger
    ) -> Bool {
        let receive = ledger.exchanges[receipt.exchange]
        guard let delivery = receipt.delivery, let lease = receipt.lease, receipt.channel == channel.name,
            receipt.moment < send.sent, stays(receive, until: end, ledger),
            // The lease has begun after the command was sent.
            receive.sent.time + lease.wholeNanoseconds > end.time,
            !mayBeReopened(channel, between: receive.sent, and: end, ledger)
        else { return false }
        return !(ledger.settlings[delivery] ?? []).contains { $0.sent < end }
    }

    /// Whether the channel may have ended, and begun anew without its former receivers.
    private func mayBeReopened(
        _ channel: ChannelRecord, between start: Moment, and end: Moment, _ ledger: Ledger
    ) -> Bool {
        channel.opens.contains {
            let open = ledger.exchanges[$0]
            return open.sent < end && (open.final.map { start < $0.moment } ?? true)
        }
    }

    /// Whether the connection of a command certainly did not end before a moment.
    private func stays(_ exchange: Exchange, until end: Moment, _ ledger: Ledger) -> Bool {
        let connection = ledger.history.connections[exchange.connection]
        guard !connection.isBroken, !connection.isRefused else { return false }
        return (connection.end.map { end < $0 } ?? true) && (connection.farewell.map { end < $0 } ?? true)
    }

    // MARK: Receivers that may have been there

    /// Whether anybody may have received from the channel at some moment between a send and its reply.
    private func mayHaveReceivers(_ send: Exchange, on channel: ChannelRecord, _ ledger: Ledger) -> Bool {
        guard let end = send.final?.moment else { return true }
        if channel.joins.contains(where: { ledger.exchanges[$0].sent < end }) { return true }
        let hasHolders = channel.receives.contains { number in
            let receive = ledger.exchanges[number]
            guard receive.sent < end else { return false }
            guard let final = receive.final?.moment, final < send.sent else { return true }
            return mayTakeLease(receive, on: channel)
        }
        return hasHolders
    }

    private func mayTakeLease(_ receive: Exchange, on channel: ChannelRecord) -> Bool {
        switch receive.command {
        case .receive(let command): command.lease != nil
        case .select(let command):
            command.arms.contains { if case .receive(channel.name, _?) = $0 { true } else { false } }
        default: false
        }
    }
}
