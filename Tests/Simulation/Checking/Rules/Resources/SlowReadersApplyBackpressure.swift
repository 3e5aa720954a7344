import SluiceHub
import SluiceWire

/// A client that does not read applies backpressure to its counted receives. While it reads nothing, the hub matches at
/// most as many bytes as the network and the output limit hold, and one more message for each of the receives, which may
/// have parked while there was credit.
struct SlowReadersApplyBackpressure: Rule {
    let name = "slow readers apply backpressure"

    func breaches(in ledger: Ledger) -> [String] {
        let setting = ledger.history.plan.setting
        var bytes: [Stall: Int] = [:]
        var receives: [Stall: Set<Int>] = [:]
        for message in ledger.messages where !message.hasID {
            for receipt in message.receipts where receipt.lease == nil {
                guard let stall = stall(of: receipt, message, ledger) else { continue }
                bytes[stall, default: 0] += message.body.count
                receives[stall, default: []].insert(receipt.exchange)
            }
        }
        return bytes.keys.sorted { ($0.connection, $0.number) < ($1.connection, $1.number) }.compactMap { stall in
            let bound = setting.networkBytes + setting.limits.outputBytes + 2048 * (receives[stall]?.count ?? 0)
            guard let count = bytes[stall], count > bound else { return nil }
            return
                "connection \(stall.connection) was sent \(count) bytes while its client read nothing; the limit is \(bound)"
        }
    }

    private struct Stall: Hashable {
        let connection: Int
        let number: Int
    }

    /// Returns the stall of the receiving client in which its counted receive certainly took the message.
    private func stall(of receipt: Receipt, _ message: MessageRecord, _ ledger: Ledger) -> Stall? {
        let exchange = ledger.exchanges[receipt.exchange]
        guard case .receive(let receive)? = exchange.command, receive.count != nil,
            let send = message.sends.first.map({ ledger.exchanges[$0.exchange] }), send.isDone,
            let answered = send.final?.moment,
            ledger.channel(message.name.channel)?.isRendezvous == true
        else { return nil }
        let stalls = ledger.history.connections[exchange.connection].stalls
        return stalls.firstIndex { $0.begin < send.sent && answered.time < $0.end }.map {
            Stall(connection: exchange.connection, number: $0)
        }
    }
}
