import SluiceWire

/// No two leases have the same fence, and a client gets the leases of a channel with growing fences.
struct FencesGrow: Rule {
    let name = "fences grow"

    private struct Place: Hashable {
        let connection: Int
        let channel: ChannelName
    }

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        var seen: Set<Int64> = []
        var last: [Place: Int64] = [:]
        let receipts = ledger.messages.flatMap(\.receipts).filter { $0.delivery != nil }.sorted {
            $0.moment < $1.moment
        }
        for receipt in receipts {
            if receipt.fence <= 0 { breaches.append("t\(receipt.exchange) got a lease without a fence") }
            if !seen.insert(receipt.fence).inserted { breaches.append("two leases have the fence \(receipt.fence)") }
            let place = Place(connection: ledger.exchanges[receipt.exchange].connection, channel: receipt.channel)
            if receipt.fence < last[place] ?? 0 {
                breaches.append("the fence of t\(receipt.exchange) is smaller than before")
            }
            last[place] = receipt.fence
        }
        return breaches
    }
}
