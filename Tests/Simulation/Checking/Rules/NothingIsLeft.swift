import SluiceWire

/// When nothing moves any more: the hub has exactly those waiting whose clients wait; nobody waits to send where somebody
/// waits to receive; nobody waits on what has ended. And when everybody has gone, nothing is left of them.
struct NothingIsLeft: Rule {
    let name = "nothing is left"

    func breaches(in ledger: Ledger) -> [String] {
        missing(ledger) + orphaned(ledger) + bothSides(ledger) + onEnded(ledger) + leftovers(ledger)
    }

    // MARK: Who waits

    private func missing(_ ledger: Ledger) -> [String] {
        guard ledger.history.rest.waiters.omitted == 0 else { return [] }
        let known = Set(ledger.history.rest.waiters.waiters.map { Waiter(client: $0.client, tag: $0.tag) })
        var expected: Set<Waiter> = []
        var breaches: [String] = []
        var heldUp: Set<Int> = []
        for number in ledger.history.rest.pending {
            let act = ledger.acts[number]
            if heldUp.contains(act.line) || ledger.history.lines[act.line].client < 0 { continue }
            let waiter = Waiter(client: ledger.history.lines[act.line].address, tag: act.tag?.description)
            if act.tag == nil { heldUp.insert(act.line) }
            if act.command?.mayWait == true {
                expected.insert(waiter)
                if !known.contains(waiter) { breaches.append("act \(number) waits, and the hub does not know") }
            } else if act.command != .quit {
                breaches.append("act \(number) has no answer")
            }
            if act.command == .quit { heldUp.insert(act.line) }
        }
        let strangers = ledger.history.rest.waiters.waiters.filter {
            !expected.contains(Waiter(client: $0.client, tag: $0.tag))
        }
        return breaches + strangers.map { "the hub has \($0.client) waiting, #\($0.tag ?? "-"), who does not" }
    }

    /// Those who wait although their client has finished sending, and has not said that they should.
    private func orphaned(_ ledger: Ledger) -> [String] {
        var heldUp: Set<Int> = []
        return ledger.history.rest.pending.compactMap { number in
            let act = ledger.acts[number]
            // What stands behind a command without a tag has not begun to wait.
            if heldUp.contains(act.line) { return nil }
            if act.tag == nil { heldUp.insert(act.line) }
            let record = ledger.history.lines[act.line]
            guard let farewell = record.farewell, farewell < ledger.rest, let command = act.command, command.mayWait,
                !command.waitsAfterEOF, !record.acts.contains(where: { ledger.acts[$0].command == .quit })
            else { return nil }
            return "act \(number) waits, and its client has finished sending"
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
                side.senders.contains(where: { sender in side.receivers.contains { $0 != sender } })
            else { return nil }
            return "somebody waits on both sides of \(name)"
        }
    }

    // MARK: What has ended

    private func onEnded(_ ledger: Ledger) -> [String] {
        let underLease = Set(
            ledger.history.rest.waiters.waiters.filter { $0.state == .underLease }.flatMap(\.targets)
                .compactMap { $0.split(separator: " ").last.map(String.init) })
        return ledger.history.rest.channels.channels.compactMap { channel in
            switch channel.state {
            case .open: return nil
            case .closed:
                // A broadcast may be on its way to those who have joined, and have not asked for it.
                let isEmpty = channel.senders + channel.buffered + channel.leased == 0
                return channel.receivers > 0 && isEmpty && channel.kind != .broadcast
                    ? "somebody waits on \(channel.name), which is closed" : nil
            case .poisoned:
                guard channel.senders + channel.receivers > 0, !underLease.contains(channel.name) else { return nil }
                return "somebody waits on \(channel.name), which is poisoned"
            }
        }
    }

    // MARK: What is left

    private func leftovers(_ ledger: Ledger) -> [String] {
        // Then nobody can ask any more: see DrainsToItsEnd.
        guard ledger.history.drain == nil else { return [] }
        guard let server = ledger.history.rest.empty else { return ["the hub does not answer in the end"] }
        let left = [
            ("connections", server.connections - 1), ("operations", server.parked), ("leases", server.leases),
            ("channels", server.channels), ("messages", server.bufferedMessages), ("bytes", server.bufferedBytes),
        ]
        return left.filter { $0.1 != 0 }.map { "\($0.1) \($0.0) are left" }
    }
}
