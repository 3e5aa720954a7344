import SluiceWire

/// A hub that is told to stop begins nothing any more, and says so; tells everybody what has become of what they have
/// begun; and comes to an end by itself, with every connection closed.
struct DrainsToItsEnd: Rule {
    let name = "drains to its end"

    func breaches(in ledger: Ledger) -> [String] {
        let drain = ledger.history.drain
        var breaches = ledger.acts.indices.filter { mentionsDrain(ledger.acts[$0], before: drain) }.map {
            "act \($0) heard of a drain before there was one"
        }
        guard let drain else { return breaches }
        if drain.connectionsLeft + drain.operationsLeft > 0 || !drain.isAtItsEnd {
            breaches.append("\(drain.connectionsLeft) connections and \(drain.operationsLeft) operations are left")
        }
        for (number, line) in ledger.history.lines.enumerated() where line.end == nil {
            breaches.append("line \(number) is not closed")
        }
        for (number, act) in ledger.acts.enumerated() {
            breaches += act.sent > drain.moment ? begun(number, act) : untold(number, act, ledger)
            breaches += hurried(number, act, drain, ledger)
        }
        return breaches
    }

    private func mentionsDrain(_ act: Act, before drain: DrainRecord?) -> Bool {
        guard let final = act.final, drain.map({ final.moment < $0.moment }) ?? true else { return false }
        return switch final.reply {
        case .error(let error): error.code == .draining
        case .cancelled("draining"), .maybe("draining"): true
        default: false
        }
    }

    /// What was asked for when the hub had been told to stop.
    private func begun(_ number: Int, _ act: Act) -> [String] {
        guard act.command?.mayWait == true, act.final != nil || !act.parts.isEmpty else { return [] }
        if act.parts.isEmpty, case .error = act.final?.reply { return [] }
        return ["act \(number) was begun after the hub was told to stop"]
    }

    /// What the hub had looked at when it was told to stop, and never answered, although its client could have heard it.
    private func untold(_ number: Int, _ act: Act, _ ledger: Ledger) -> [String] {
        let record = ledger.history.lines[act.line]
        guard act.final == nil, let entered = act.entered, let drain = ledger.history.drain, entered < drain.moment,
            drain.limit == nil, record.farewell == nil, !record.isBroken, !record.isRefused
        else { return [] }
        return ["act \(number) was not told what has become of it"]
    }

    /// A sender who is left in doubt although the hub had time. A broadcast may wait for what has no end.
    private func hurried(_ number: Int, _ act: Act, _ drain: DrainRecord, _ ledger: Ledger) -> [String] {
        guard case .maybe("draining")? = act.final?.reply, let moment = act.final?.moment else { return [] }
        guard !sends(act).contains(where: { ledger.channel($0)?.declaration == .broadcast }) else { return [] }
        guard drain.limit.map({ moment.time < drain.moment.time + $0 }) ?? true else { return [] }
        return ["act \(number) was left in doubt before the time was over"]
    }

    /// The channels on which an act would send.
    private func sends(_ act: Act) -> [ChannelName] {
        switch act.command {
        case .send(let send): [send.channel]
        case .select(let select): select.arms.compactMap { if case .send(let name, _, _) = $0 { name } else { nil } }
        default: []
        }
    }
}
