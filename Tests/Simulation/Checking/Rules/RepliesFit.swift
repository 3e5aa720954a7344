import SluiceWire

/// Every reply is one that its command can have: a message comes with the lease that was asked for, and with the number
/// of an arm that receives on its channel; `END` comes after so many messages; nobody runs out of time who has all of it.
struct RepliesFit: Rule {
    let name = "replies fit"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        for (number, act) in ledger.acts.enumerated() {
            for part in act.parts where !fits(part.reply, act) { breaches.append("act \(number) heard \(part.reply)") }
            guard let reply = act.final?.reply else { continue }
            if !fits(reply, act) || !isComplete(act, reply) {
                breaches.append("act \(number), \(act.command.map { "\($0.verb)" } ?? "nothing"), heard \(reply)")
            }
        }
        return breaches
    }

    private func fits(_ reply: Reply, _ act: Act) -> Bool {
        guard let command = act.command else { if case .error = reply { return true } else { return false } }
        switch reply {
        case .error: return true
        case .timeout: return command.patience != nil
        case .maybe: return mayBeInDoubt(command)
        case .cancelled: return command.mayWait
        case .message(let channel, _, let attributes): return fits(channel, attributes, command)
        case .ok(let attributes): return fits(attributes, command)
        case .closed(let name, _), .poisoned(let name, _): return names(command, name)
        case .otherwise(let attributes):
            guard case .select(let select) = command else { return false }
            return select.hasElse && attributes.number(of: .arm) == select.arms.count
        case .end:
            if case .receive(let receive) = command, case .exactly? = receive.count { return true }
            return false
        case .data: return command.isAnsweredWithData
        }
    }

    private func mayBeInDoubt(_ command: Command) -> Bool {
        switch command {
        case .send: true
        case .select(let select): select.arms.contains { if case .send = $0 { true } else { false } }
        default: false
        }
    }

    private func fits(_ channel: ChannelName, _ attributes: [Attribute], _ command: Command) -> Bool {
        let arm = attributes.number(of: .arm)
        let isLeased = attributes.contains { $0.key == .delivery } && attributes.number(of: .attempt) != nil
        guard (command.lease(ofArm: arm) != nil) == isLeased else { return false }
        switch command {
        case .receive(let receive): return receive.channel == channel && arm == nil
        case .select(let select):
            guard let arm, select.arms.indices.contains(arm), case .receive(channel, _) = select.arms[arm] else {
                return false
            }
            return true
        default: return false
        }
    }

    private func fits(_ attributes: [Attribute], _ command: Command) -> Bool {
        let arm = attributes.number(of: .arm)
        switch command {
        case .receive, .trace: return false
        case .select(let select):
            guard let arm, select.arms.indices.contains(arm) else { return false }
            if case .receive = select.arms[arm] { return false }
            return true
        default: return arm == nil
        }
    }

    private func names(_ command: Command, _ name: ChannelName) -> Bool {
        switch command {
        case .send(let send): send.channel == name
        case .receive(let receive): receive.channel == name
        case .select(let select): select.arms.contains { $0.name == name }
        case .join(let join): join.end.channel == name
        default: false
        }
    }

    /// Whether a counted receive has had its messages when it ends with `END`, and no more before.
    private func isComplete(_ act: Act, _ reply: Reply) -> Bool {
        guard case .receive(let receive)? = act.command, case .exactly(let count)? = receive.count else { return true }
        return reply == .end ? act.parts.count == count : act.parts.count < count
    }
}

extension Command {
    fileprivate var isAnsweredWithData: Bool {
        switch self {
        case .ping, .inspect, .trace, .help: true
        default: false
        }
    }
}
