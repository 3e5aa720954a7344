import SluiceWire

/// When the simulation is at rest, the hub has parked exactly the operations whose clients wait, no channel has both
/// parked senders and parked receivers, and nothing is parked on a channel that has ended. When all clients have
/// disconnected, the hub keeps nothing for them.
struct NothingIsLeftAtRest: Rule {
    let name = "nothing is left at rest"

    func breaches(in ledger: Ledger) -> [String] {
        missing(ledger) + orphaned(ledger) + bothSides(ledger) + onEnded(ledger) + leftovers(ledger)
    }

    // MARK: Parked operations

    private func missing(_ ledger: Ledger) -> [String] {
        guard ledger.history.rest.waiters.omitted == 0 else { return [] }
        let known = Set(ledger.history.rest.waiters.waiters.map { Waiter(client: $0.client, tag: $0.tag) })
        var expected: Set<Waiter> = []
        var breaches: [String] = []
        var heldUp: Set<Int> = []
        for number in ledger.history.rest.pending {
            let exchange = ledger.exchanges[number]
            if heldUp.contains(exchange.connection) || ledger.history.connections[exchange.connection].client < 0 {
                continue
            }
            let waiter = Waiter(
                client: ledger.history.connections[exchange.connection].address, tag: exchange.tag?.description)
            if exchange.tag == nil { heldUp.insert(exchange.connection) }
            if exchange.command?.mayWait == true {
                expected.insert(waiter)
                if !known.contains(waiter) { breaches.append("t\(number) waits, but the hub has not parked it") }
            } else if exchange.command != .quit {
                breaches.append("t\(number) was not answered")
            }
            if exchange.command == .quit { heldUp.insert(exchange.connection) }
        }
        let strangers = ledger.history.rest.waiters.waiters.filter {
            !expected.contains(Waiter(client: $0.client, tag: $0.tag))
        }
        return breaches + strangers.map { "the hub has parked #\($0.tag ?? "-") of \($0.client), which does not wait" }
    }

    /// Reports operations that are still parked although their client has finished sending, and did not ask for that.
    private func orphaned(_ ledger: Ledger) -> [String] {
        var heldUp: Set<Int> = []
        return ledger.history.rest.pending.compactMap { number in
            let exchange = ledger.exchanges[number]
            // Commands behind an untagged command that is parked have not begun.
            if heldUp.contains(exchange.connection) { return nil }
            if exchange.tag == nil { heldUp.insert(exchange.connection) }
            let record = ledger.history.connections[exchange.connection]
            guard let farewell = record.farewell, farewell < ledger.rest, let command = exchange.command,
                command.mayWait,
                !command.waitsAfterEOF, !record.exchanges.contains(where: { ledger.exchanges[$0].command == .quit })
            else { return nil }
            return "t\(number) waits, although its client has finished sending"
        }
    }

    private struct Waiter: Hashable {
        let client: String
        let tag: String?
    }

    private func bothSides(_ ledger: Ledger) -> [String] {
        var sides: [String: (senders: Set<Int>, receivers: Set<Int>)] = [:]
        for (number, waiter) in ledger.history.rest.waiters.waiters.enumerated() where waiter.state == .waiting {
            for target in waiter.targets {
                let words = target.split(separator: " ").map(String.init)
                guard let name = words.last else { continue }
                switch (waiter.operation, words.first) {
                case (.send, _), (.select, "send"): sides[name, default: ([], [])].senders.insert(number)
                case (.receive, _), (.select, "recv"): sides[name, default: ([], [])].receivers.insert(number)
                default: break
                }
            }
        }
        return sides.keys.sorted().compactMap { name in
            guard let side = sides[name], let channel = ChannelName(name),
                ledger.channel(channel)?.isQueue == true,
                // A sender may wait for room in the dead channel.
                ledger.channel(channel)?.policy == nil,
                side.senders.contains(where: { sender in side.receivers.contains { $0 != sender } })
            else { return nil }
            return "\(name) has parked senders and parked receivers"
        }
    }

    // MARK: Channels that have ended

    private func onEnded(_ ledger: Ledger) -> [String] {
        let underLease = Set(
            ledger.history.rest.waiters.waiters.filter { $0.state == .underLease }.flatMap(\.targets)
                .compactMap { $0.split(separator: " ").last.map(String.init) })
        return ledger.history.rest.channels.channels.compactMap { channel in
            switch channel.state {
            case .open: return nil
            case .closed:
                // A broadcast message may wait for receivers that have joined, and have not asked for it yet.
                let isEmpty = channel.senders + channel.buffered + channel.leased == 0
                return channel.receivers > 0 && isEmpty && channel.kind != .broadcast
                    ? "receivers are parked on \(channel.name), which is closed" : nil
            case .poisoned:
                guard channel.senders + channel.receivers > 0, !underLease.contains(channel.name) else { return nil }
                return "operations are parked on \(channel.name), which is poisoned"
            }
        }
    }

    // MARK: Leftovers

    private func leftovers(_ ledger: Ledger) -> [String] {
        // A drained hub does not answer any more; see DrainingEnds.
        guard ledger.history.drain == nil else { return [] }
        guard let server = ledger.history.rest.empty else { return ["the hub does not answer at rest"] }
        let left = [
            ("connections", server.connections - 1), ("operations", server.parked), ("leases", server.leases),
            ("channels", server.channels), ("messages", server.bufferedMessages), ("bytes", server.bufferedBytes),
        ]
        return left.filter { $0.1 != 0 }.map { "\($0.1) \($0.0) are left" }
    }
}
