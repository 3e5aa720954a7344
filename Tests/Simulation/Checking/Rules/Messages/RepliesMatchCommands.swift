import SluiceWire

/// Every reply is one that its command can get. A message has a lease if the command asked for one, and the number of an arm
/// that receives on its channel. `END` follows the requested number of messages. Only commands with a timeout time out.
struct RepliesMatchCommands: Rule {
    let name = "replies match commands"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        for (number, exchange) in ledger.exchanges.enumerated() {
            for part in exchange.parts where !fits(part.reply, exchange) {
                breaches.append("t\(number) was answered with \(part.reply.summary)")
            }
            guard let reply = exchange.final?.reply else { continue }
            if !fits(reply, exchange) || !isComplete(exchange, reply) {
                breaches.append(
                    "t\(number), \(exchange.command.map { "\($0.verb)" } ?? "no command"), was answered with \(reply.summary)"
                )
            }
        }
        return breaches
    }

    private func fits(_ reply: Reply, _ exchange: Exchange) -> Bool {
        guard let command = exchange.command else { if case .error = reply { return true } else { return false } }
        switch reply {
        case .error: return true
        case .timeout: return command.timeout != nil
        case .timeoutWithoutReceivers:
            if case .send = command { return command.timeout != nil }
            return false
        case .maybe: return mayBeInDoubt(command)
        case .cancelled: return command.mayWait
        case .message(let channel, _, let attributes): return fits(channel, attributes, command)
        case .ok(let attributes): return fits(attributes, command)
        case .closed(let name, _, let arm), .poisoned(let name, _, let arm): return names(command, name, arm: arm)
        case .rejected(let name, _, let arm): return sends(command, arm: arm) && names(command, name, arm: arm)
        case .otherwise(let attributes):
            guard case .select(let select) = command else { return false }
            return select.hasElse && attributes.number(of: .arm) == select.arms.count
        case .end:
            if case .receive(let receive) = command, case .exactly? = receive.count { return true }
            return false
        case .data: return command.isAnsweredWithData
        }
    }

    private func arm(_ number: Int32?, of select: SelectCommand) -> Arm? {
        number.flatMap { select.arms.indices.contains(Int($0)) ? select.arms[Int($0)] : nil }
    }

    private func sends(_ command: Command, arm: Int32?) -> Bool {
        switch command {
        case .send: return true
        case .select(let select):
            if case .send = self.arm(arm, of: select) { return true }
            return false
        default: return false
        }
    }

    private func mayBeInDoubt(_ command: Command) -> Bool {
        switch command {
        case .send, .redrive: true
        case .select(let select): select.arms.contains { if case .send = $0 { true } else { false } }
        default: false
        }
    }

    private func fits(_ channel: ChannelName, _ attributes: Attributes, _ command: Command) -> Bool {
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

    private func fits(_ attributes: Attributes, _ command: Command) -> Bool {
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

    private func names(_ command: Command, _ name: ChannelName, arm: Int32?) -> Bool {
        switch command {
        case .send(let send): arm == nil && send.channel == name
        case .receive(let receive): arm == nil && receive.channel == name
        case .select(let select): self.arm(arm, of: select)?.name == name
        case .join(let join): arm == nil && join.end.channel == name
        default: false
        }
    }

    /// Returns whether a counted receive got all its messages if it ends with `END`, and fewer otherwise.
    private func isComplete(_ exchange: Exchange, _ reply: Reply) -> Bool {
        guard case .receive(let receive)? = exchange.command, case .exactly(let count)? = receive.count else {
            return true
        }
        return reply == .end ? exchange.parts.count == count : exchange.parts.count < count
    }
}

extension Command {
    fileprivate var isAnsweredWithData: Bool {
        switch self {
        case .ping, .inspect, .trace, .help: true
        case .send(let send): send.wantsAnswer
        default: false
        }
    }
}
