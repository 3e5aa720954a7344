import SluiceWire

/// A barrier for N parties releases N at a time. The waits of N - 1 others overlap with that of each party that was
/// released. If every outcome is known, the number of released parties is a multiple of N.
struct BarriersOpenWhenFull: Rule {
    let name = "barriers open when full"

    func breaches(in ledger: Ledger) -> [String] {
        var met: [ChannelName: [(exchange: Exchange, isSure: Bool)]] = [:]
        for exchange in ledger.exchanges {
            for name in barriers(of: exchange) {
                guard let isSure = hasMet(exchange, name) else { continue }
                met[name, default: []].append((exchange, isSure))
            }
        }
        return met.keys.sorted { $0.description < $1.description }.flatMap { breaches(at: $0, met[$0] ?? [], ledger) }
    }

    private func breaches(at name: ChannelName, _ met: [(exchange: Exchange, isSure: Bool)], _ ledger: Ledger)
        -> [String]
    {
        // The name of a planned barrier ends with its number of parties.
        guard let parties = Int(name.description.dropFirst()) else { return [] }
        var breaches: [String] = []
        let sure = met.count { $0.isSure }
        if sure == met.count, sure % parties != 0 {
            breaches.append("\(name) released \(sure) parties, which is not a multiple of \(parties)")
        }
        for (exchange, isSure) in met where isSure {
            guard let final = exchange.final?.moment else { continue }
            let company = met.count { other in
                other.exchange.sent < final && exchange.sent < ledger.end(of: other.exchange)
            }
            if company < parties { breaches.append("\(name) released a party when \(company) were there") }
        }
        return breaches
    }

    private func barriers(of exchange: Exchange) -> [ChannelName] {
        switch exchange.command {
        case .barrier(let command): [command.name]
        case .select(let select):
            select.arms.compactMap { if case .barrier(let name, _) = $0 { name } else { nil } }
        default: []
        }
    }

    /// Returns whether the barrier certainly released the party, and nil if it certainly did not.
    private func hasMet(_ exchange: Exchange, _ name: ChannelName) -> Bool? {
        switch exchange.final?.reply {
        case nil: return false
        case .ok(let attributes):
            guard case .select(let select)? = exchange.command else { return true }
            guard let arm = attributes.number(of: .arm), select.arms.indices.contains(arm),
                case .barrier(name, _) = select.arms[arm]
            else { return nil }
            return true
        default: return nil
        }
    }
}
