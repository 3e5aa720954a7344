import SluiceRuntime
import SluiceWire

/// A counted receive under a lease has at most its window of messages that its client has not settled, and whose leases
/// have certainly not ended.
struct WindowsHold: Rule {
    let name = "windows hold"

    func breaches(in ledger: Ledger) -> [String] {
        var receipts: [Int: [(receipt: Receipt, begin: UInt64)]] = [:]
        var breaches: [String] = []
        for story in ledger.stories {
            guard let sent = story.sends.first.map({ ledger.acts[$0.act].sent.time }) else { continue }
            for receipt in story.receipts where receipt.delivery != nil {
                receipts[receipt.act, default: []].append((receipt, max(sent, ledger.acts[receipt.act].sent.time)))
            }
        }
        for number in receipts.keys.sorted() {
            guard case .receive(let receive)? = ledger.acts[number].command, receive.count != nil,
                let lease = receive.lease?.wholeNanoseconds, let all = receipts[number]
            else { continue }
            let ordered = all.sorted { $0.receipt.moment < $1.receipt.moment }
            for (place, newest) in ordered.enumerated() {
                let open = ordered[...place].count { entry in
                    newest.receipt.moment.time < entry.begin + lease
                        && !isSettled(entry.receipt, before: newest.receipt.moment, ledger)
                }
                if open > receive.window ?? 1 {
                    breaches.append("act \(number) has \(open) messages in a window of \(receive.window ?? 1)")
                }
            }
        }
        return breaches
    }

    private func isSettled(_ receipt: Receipt, before moment: Moment, _ ledger: Ledger) -> Bool {
        receipt.delivery.flatMap { ledger.settlings[$0] }?.contains { $0.sent < moment } == true
    }
}
