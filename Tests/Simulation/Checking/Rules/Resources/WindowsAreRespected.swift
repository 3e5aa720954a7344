import SluiceRuntime
import SluiceWire

/// A counted receive holds no more leases than its window allows. Only leases that have certainly not ended count.
struct WindowsAreRespected: Rule {
    let name = "windows are respected"

    func breaches(in ledger: Ledger) -> [String] {
        var receipts: [Int: [(receipt: Receipt, begin: UInt64)]] = [:]
        var breaches: [String] = []
        for message in ledger.messages {
            guard let sent = message.sends.first.map({ ledger.exchanges[$0.exchange].sent.time }) else { continue }
            for receipt in message.receipts where receipt.delivery != nil {
                receipts[receipt.exchange, default: []].append(
                    (receipt, max(sent, ledger.exchanges[receipt.exchange].sent.time)))
            }
        }
        for number in receipts.keys.sorted() {
            guard case .receive(let receive)? = ledger.exchanges[number].command, receive.count != nil,
                let lease = receive.lease?.wholeNanoseconds, let all = receipts[number]
            else { continue }
            let ordered = all.sorted { $0.receipt.moment < $1.receipt.moment }
            for (place, newest) in ordered.enumerated() {
                let open = ordered[...place].count { entry in
                    newest.receipt.moment.time < entry.begin + lease
                        && !isSettled(entry.receipt, before: newest.receipt.moment, ledger)
                }
                if open > receive.window ?? 1 {
                    breaches.append("t\(number) holds \(open) leases; its window is \(receive.window ?? 1)")
                }
            }
        }
        return breaches
    }

    private func isSettled(_ receipt: Receipt, before moment: Moment, _ ledger: Ledger) -> Bool {
        receipt.delivery.flatMap { ledger.settlings[$0] }?.contains { $0.sent < moment } == true
    }
}
