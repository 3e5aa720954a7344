import SluiceWire

/// A barrier for N lets N go on together: whoever goes on has N - 1 others beside it, whose waits overlap with its own.
/// If nobody is in doubt, those who went on are a multiple of N.
struct BarriersAreFull: Rule {
    let name = "barriers are full"

    func breaches(in ledger: Ledger) -> [String] {
        var met: [ChannelName: [(act: Act, isSure: Bool)]] = [:]
        for act in ledger.acts {
            for name in barriers(of: act) {
                guard let isSure = hasMet(act, name) else { continue }
                met[name, default: []].append((act, isSure))
            }
        }
        return met.keys.sorted { $0.description < $1.description }.flatMap { breaches(at: $0, met[$0] ?? [], ledger) }
    }

    private func breaches(at name: ChannelName, _ met: [(act: Act, isSure: Bool)], _ ledger: Ledger) -> [String] {
        // The plans call a barrier after its number of parties.
        guard let parties = Int(name.description.dropFirst()) else { return [] }
        var breaches: [String] = []
        let sure = met.count { $0.isSure }
        if sure == met.count, sure % parties != 0 { breaches.append("\(sure) went on at \(name)") }
        for (act, isSure) in met where isSure {
            guard let final = act.final?.moment else { continue }
            let company = met.count { other in
                other.act.sent < final && act.sent < ledger.end(of: other.act)
            }
            if company < parties { breaches.append("\(company) were at \(name) when one went on") }
        }
        return breaches
    }

    private func barriers(of act: Act) -> [ChannelName] {
        switch act.command {
        case .barrier(let command): [command.name]
        case .select(let select):
            select.arms.compactMap { if case .barrier(let name, _) = $0 { name } else { nil } }
        default: []
        }
    }

    /// Whether an act has certainly met others at the barrier; nil if it certainly has not.
    private func hasMet(_ act: Act, _ name: ChannelName) -> Bool? {
        switch act.final?.reply {
        case nil: return false
        case .ok(let attributes):
            guard case .select(let select)? = act.command else { return true }
            guard let arm = attributes.number(of: .arm), select.arms.indices.contains(arm),
                case .barrier(name, _) = select.arms[arm]
            else { return nil }
            return true
        default: return nil
        }
    }
}
