import SluiceHub
import SluiceRuntime
import SluiceWire

/// Each connection, and all clients together, are charged at least for what the hub keeps for them: parked operations,
/// leases, joined ends, messages in buffers, remembered ids and answers. When all clients have gone, and the hub has
/// forgotten what it keeps only for some time, nothing is charged.
///
/// The rule counts only what the hub certainly keeps.
struct ChargesCoverWhatIsKept: Rule {
    let name = "charges cover what is kept"

    func breaches(in ledger: Ledger) -> [String] {
        remaining(ledger) + missing(ledger)
    }

    private func remaining(_ ledger: Ledger) -> [String] {
        guard let charge = ledger.history.rest.charge, charge != MemoryCharge() else { return [] }
        return ["\(charge.whole) bytes are charged, \(charge.holders) to holders, when all clients have gone"]
    }

    private func missing(_ ledger: Ledger) -> [String] {
        let report = ledger.history.rest.clients
        guard ledger.history.drain == nil, report.omitted == 0, let charged = ledger.history.rest.server?.memoryBytes
        else { return [] }
        let (kept, dead) = bytesOfMessages(ledger)
        var least = bytesWithoutMessages(ledger)
        var breaches: [String] = []
        var total = 0
        for client in report.clients {
            guard let connection = ledger.history.connections.firstIndex(where: { $0.address == client.address }) else {
                continue
            }
            least[connection, default: 0] += KeptBytes.connection
            let sum = least[connection, default: 0] + (kept[connection] ?? 0)
            total += least[connection, default: 0]
            if let charge = client.memoryBytes, charge < sum {
                breaches.append("\(client.address) is charged \(charge) bytes; the hub keeps at least \(sum) for it")
            }
        }
        total += kept.values.reduce(dead, +)
        if charged < total { breaches.append("\(charged) bytes are charged; the hub keeps at least \(total)") }
        return breaches
    }

    // MARK: What the hub keeps

    /// Returns the bytes of what the hub keeps for each connection at rest, besides messages in buffers.
    private func bytesWithoutMessages(_ ledger: Ledger) -> [Int: Int] {
        var bytes: [Int: Int] = [:]
        var heldUp: Set<Int> = []
        for number in ledger.history.rest.pending {
            let exchange = ledger.exchanges[number]
            guard !heldUp.contains(exchange.connection) else { continue }
            if exchange.tag == nil { heldUp.insert(exchange.connection) }
            guard let entered = exchange.entered, entered < ledger.rest, let command = exchange.command else {
                continue
            }
            bytes[exchange.connection, default: 0] += KeptBytes.parked(command)
        }
        for message in ledger.messages {
            for receipt in message.receipts where isHeld(receipt, ledger) {
                bytes[ledger.exchanges[receipt.exchange].connection, default: 0] += KeptBytes.lease
            }
            guard message.hasID, message.sends.count == 1, let send = message.sends.first else { continue }
            let exchange = ledger.exchanges[send.exchange]
            guard let final = exchange.final, final.moment < ledger.rest else { continue }
            switch final.reply {
            case .ok: bytes[exchange.connection, default: 0] += KeptBytes.id
            case .data(let answer, _):
                bytes[exchange.connection, default: 0] +=
                    KeptBytes.id + KeptBytes.answer + KeptBytes.array(answer.count)
            default: break
            }
        }
        // With few ends, a new one may take the place of one that has ended.
        guard ledger.history.plan.setting.limits.maxEnds > 100 else { return bytes }
        for channel in ledger.channels {
            var ends: Set<JoinedEnd> = []
            for number in channel.joins {
                guard case .join(let join)? = ledger.exchanges[number].command, ledger.exchanges[number].isDone,
                    let joined = ledger.exchanges[number].final?.moment, joined < ledger.rest
                else { continue }
                let end = JoinedEnd(connection: ledger.exchanges[number].connection, side: join.end.side)
                let isLeft = channel.leaves.contains { ledger.exchanges[$0].connection == end.connection }
                if !isLeft, ends.insert(end).inserted { bytes[end.connection, default: 0] += KeptBytes.end }
            }
        }
        return bytes
    }

    private struct JoinedEnd: Hashable {
        let connection: Int
        let side: ChannelEnd.Side
    }

    /// Returns whether the receiver certainly holds the message under a lease at rest.
    private func isHeld(_ receipt: Receipt, _ ledger: Ledger) -> Bool {
        guard let delivery = receipt.delivery, let lease = receipt.lease, lease >= .seconds(3600),
            receipt.moment < ledger.rest, ledger.rest.time < 3_600_000_000_000
        else { return false }
        return ledger.settlings[delivery]?.isEmpty != false
    }

    /// Returns the bytes of the messages in buffers at rest for each connection whose messages they are, and of dead
    /// letters. Those are the messages that the auditor receives, and whose sends were answered before.
    private func bytesOfMessages(_ ledger: Ledger) -> (kept: [Int: Int], dead: Int) {
        var kept: [Int: Int] = [:]
        var dead = 0
        for message in ledger.messages {
            guard let send = message.sends.first, message.sends.count == 1,
                let receipt = message.receipts.first(where: { ledger.exchanges[$0.exchange].isFromAuditor }),
                let answered = ledger.exchanges[send.exchange].final, answered.moment < ledger.rest,
                case .done = send.outcome(in: ledger), !message.hasID
            else { continue }
            let bytes = KeptBytes.buffered + KeptBytes.array(message.body.count)
            if receipt.isDead || ledger.hasRedrives {
                dead += bytes
            } else {
                kept[ledger.exchanges[send.exchange].connection, default: 0] += bytes
            }
        }
        return (kept, dead)
    }
}

/// The least bytes that the hub charges, as docs/security.md has them.
private enum KeptBytes {
    static let connection = 1536
    static let receive = 512
    static let countedReceive = 1344
    static let send = 288
    static let select = 320
    static let receivingArm = 384
    static let buffered = 224
    static let lease = 208
    static let id = 160
    static let answer = 192
    static let end = 768

    static func array(_ count: Int) -> Int { count == 0 ? 0 : count + 48 }

    static func parked(_ command: Command) -> Int {
        switch command {
        case .receive(let receive): receive.count == nil ? Self.receive : countedReceive
        case .barrier: receive
        case .send(let send): Self.send + (send.identity == nil ? buffered + array(send.body.count) : 0)
        case .select(let select): parked(select)
        default: 0
        }
    }

    private static func parked(_ select: SelectCommand) -> Int {
        var bytes = Self.select
        // A select that has committed to a send keeps only that one.
        var committed = Int.max
        for arm in select.arms {
            switch arm {
            case .send(_, let body, _, _):
                bytes += buffered + array(body.count)
                committed = min(committed, send + buffered + array(body.count))
            case .receive, .barrier: bytes += receivingArm
            }
        }
        return min(bytes, committed)
    }
}
