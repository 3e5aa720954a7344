import SluiceWire

/// A draining hub rejects new work, answers everything that was begun before, and ends by itself with every connection
/// closed.
struct DrainingEnds: Rule {
    let name = "draining ends"

    func breaches(in ledger: Ledger) -> [String] {
        let drain = ledger.history.drain
        var breaches = ledger.exchanges.indices.filter { mentionsDrain(ledger.exchanges[$0], before: drain) }.map {
            "t\($0) was told of draining before it began"
        }
        guard let drain else { return breaches }
        if drain.connectionsLeft + drain.operationsLeft > 0 || !drain.isAtItsEnd {
            breaches.append(
                "\(drain.connectionsLeft) connections and \(drain.operationsLeft) operations are left after draining")
        }
        for (number, connection) in ledger.history.connections.enumerated() where connection.end == nil {
            breaches.append("connection \(number) is not closed")
        }
        for (number, exchange) in ledger.exchanges.enumerated() {
            breaches += exchange.sent > drain.moment ? begun(number, exchange) : untold(number, exchange, ledger)
            breaches += hurried(number, exchange, drain, ledger)
        }
        return breaches
    }

    private func mentionsDrain(_ exchange: Exchange, before drain: DrainRecord?) -> Bool {
        guard let final = exchange.final, drain.map({ final.moment < $0.moment }) ?? true else { return false }
        return switch final.reply {
        case .error(let error): error.code == .draining
        case .cancelled("draining"), .maybe("draining"): true
        default: false
        }
    }

    /// Reports a command that was sent after draining began, and was accepted.
    private func begun(_ number: Int, _ exchange: Exchange) -> [String] {
        guard exchange.command?.mayWait == true, exchange.final != nil || !exchange.parts.isEmpty else { return [] }
        if exchange.parts.isEmpty, case .error = exchange.final?.reply { return [] }
        return ["t\(number) was begun while the hub drained"]
    }

    /// Reports a command that the hub had read before draining began, and never answered although its client was reading.
    private func untold(_ number: Int, _ exchange: Exchange, _ ledger: Ledger) -> [String] {
        let record = ledger.history.connections[exchange.connection]
        guard exchange.final == nil, let entered = exchange.entered, let drain = ledger.history.drain,
            entered < drain.moment,
            drain.limitNanoseconds == nil, record.farewell == nil, !record.isBroken, !record.isRefused
        else { return [] }
        return ["t\(number) was never answered while the hub drained"]
    }

    /// Reports a send that was answered with MAYBE before the time for draining was over. A broadcast is exempt: it may
    /// wait for a receiver that never asks for the message.
    private func hurried(_ number: Int, _ exchange: Exchange, _ drain: DrainRecord, _ ledger: Ledger) -> [String] {
        guard case .maybe("draining")? = exchange.final?.reply, let moment = exchange.final?.moment else { return [] }
        guard !sends(exchange).contains(where: { ledger.channel($0)?.declaration == .broadcast }) else { return [] }
        guard drain.limitNanoseconds.map({ moment.time < drain.moment.time + $0 }) ?? true else { return [] }
        return ["t\(number) was answered with MAYBE before the time for draining was over"]
    }

    /// Returns the channels on which the command sends.
    private func sends(_ exchange: Exchange) -> [ChannelName] {
        switch exchange.command {
        case .send(let send): [send.channel]
        case .select(let select): select.arms.compactMap { if case .send(let name, _, _, _) = $0 { name } else { nil } }
        default: []
        }
    }
}
