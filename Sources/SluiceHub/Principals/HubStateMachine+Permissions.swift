import SluiceWire

/// Checking what clients may do.
extension HubStateMachine {
    /// Returns the error for a command that its client may not use; nil if it may. A send or a receive is checked where
    /// it begins, because it has looked up its client then.
    func refusal(of command: Command, to client: ClientRecord) -> WireError? {
        guard let permissions = client.grant.permissions else { return nil }
        func check(_ commands: Permissions.CommandClass, _ name: ChannelName) -> WireError? {
            permissions.allows(commands, on: name) ? nil : .denied(command.verb, name)
        }
        switch command {
        case .select(let select): return refusal(ofArmsOf: select, permissions)
        case .barrier(let barrier): return check(.barrier, barrier.name)
        case .open(let open):
            if let refusal = check(.open, open.channel) { return refusal }
            // Messages of this channel will move there, as if its client had sent them.
            guard let dead = open.policy?.deadChannel, !permissions.allows(.send, on: dead) else { return nil }
            return .denied(.send, dead, ", which dead= names")
        case .close(let name): return check(.close, name)
        case .poison(let name, _): return check(.poison, name)
        case .join(let join):
            if let refusal = check(.join, join.end.channel) { return refusal }
            guard join.onDeath == .poison, !permissions.allows(.poison, on: join.end.channel) else { return nil }
            return .denied(.poison, join.end.channel, ", which on-death= names")
        case .redrive(let redrive): return check(.receive, redrive.channel)
        case .trace(let trace):
            if permissions.mayAllow(.trace, onNamesFrom: trace.prefix) { return nil }
            return trace.prefix.map { .denied(.trace, $0) } ?? .denied(.trace)
        // A lease is given only to a client that may receive, and ends if the client no longer may.
        case .acknowledge, .nack, .reject, .touch: return nil
        // A client may always withdraw what it has begun, and say who it is.
        case .leave, .cancel, .name: return nil
        case .send, .receive: return nil
        case .hello, .authenticate, .ping, .inspect, .kill, .help, .quit: return nil
        }
    }

    /// Returns the error for the first arm of a select that is not permitted.
    private func refusal(ofArmsOf select: SelectCommand, _ permissions: PermissionTrie) -> WireError? {
        for (number, arm) in select.arms.enumerated() where !permissions.allows(arm.commands, on: arm.name) {
            return .denied(arm.verb, arm.name, ", arm \(number)")
        }
        return nil
    }
}

extension PermissionTrie {
    /// Returns the error for a send or a receive that is not permitted. Not inlined, because it is hardly ever called.
    @inline(never)
    func refusal(of command: SendCommand) -> WireError? {
        allows(.send, on: command.channel) ? nil : .denied(command.wantsAnswer ? .call : .send, command.channel)
    }

    @inline(never)
    func refusal(of command: ReceiveCommand) -> WireError? {
        allows(.receive, on: command.channel) ? nil : .denied(.receive, command.channel)
    }
}

extension Arm {
    fileprivate var commands: Permissions.CommandClass {
        switch self {
        case .send: .send
        case .receive: .receive
        case .barrier: .barrier
        }
    }

    fileprivate var verb: Verb {
        switch self {
        case .send: .send
        case .receive: .receive
        case .barrier: .barrier
        }
    }
}

extension WireError {
    /// The error for a command that its client may not use. Names the verb and the channel, and never who may use it.
    static func denied(_ verb: Verb, _ name: ChannelName, _ detail: String = "") -> WireError {
        WireError(.denied, "this client has no permission for \(verb.rawValue) \(name)\(detail)")
    }

    static func denied(_ verb: Verb) -> WireError {
        WireError(.denied, "this client has no permission for \(verb.rawValue)")
    }
}
