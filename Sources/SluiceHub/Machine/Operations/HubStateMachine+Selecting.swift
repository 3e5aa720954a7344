import SluiceRuntime
import SluiceWire

/// Selects: trying the arms, and parking all of them if none is ready.
extension HubStateMachine {
    mutating func select(_ command: SelectCommand, _ caller: Caller) -> Outcome {
        if let refusal = refusal(of: command, caller) { return .done(.error(refusal)) }
        let client = client(of: caller)
        let terms = WaitTerms(
            timeout: command.timeout, waitsAfterEOF: command.waitsAfterEOF,
            bodyBytes: command.arms.reduce(0) { $0 + $1.bodyBytes })
        let key = command.order == .fair && command.arms.count > 1 ? FairKey(command.arms) : nil
        var isRepeated = false
        for arm in places(of: command, key, caller) {
            let channel: NamedChannel
            switch attempt(command.arms[arm], Int32(arm), mustEnd: command.hasElse, caller) {
            case .blocked: continue
            case .repeated(let offer):
                isRepeated = true
                // This select cannot end the first send, so it cannot complete the arm now.
                guard offer.isLeased, !command.hasElse, case .send(let name, _, _, _) = command.arms[arm] else {
                    continue
                }
                if let key { clients[caller.connection]?.fairness.remember(Int32(arm), of: key) }
                return attach(to: offer, on: channels.channel(name), arm: Int32(arm), caller, of: client, terms)
            case .ok(let attributes):
                if let key { clients[caller.connection]?.fairness.remember(Int32(arm), of: key) }
                return .ok(attributes.understood(by: client))
            case .done(let reply):
                if let key { clients[caller.connection]?.fairness.remember(Int32(arm), of: key) }
                return .done(reply.naming(arm: Int32(arm)))
            case .committed(let offer):
                guard case .send(let name, _, _, _) = command.arms[arm] else { continue }
                channel = channels.channel(name)
                if let key { clients[caller.connection]?.fairness.remember(Int32(arm), of: key) }
                let terms = WaitTerms(
                    timeout: command.timeout, waitsAfterEOF: command.waitsAfterEOF, bodyBytes: offer.body.count)
                let outcome = wait(for: offer, on: channel, arm: Int32(arm), caller, of: client, terms)
                if command.hasElse, case .parked(let id) = outcome {
                    operations[id]?.elseArm = Int32(command.arms.count)
                }
                return outcome
            }
        }
        if command.hasElse { return .done(.otherwise(Attributes(.taking(Int32(command.arms.count))))) }
        if isRepeated, let reply = doubtOfRepeating(terms, client) ?? doubtOfSharing(command, of: client) {
            return .done(reply)
        }
        let bytes = ObjectSize.select(command)
        let bytesOfOffers = command.arms.reduce(0) { $0 + ObjectSize.offer($1) }
        if let reply = refusalToPark(terms, client, charging: bytes + bytesOfOffers) {
            // The send that an arm repeats still waits, so an error would claim too much.
            return .done(isRepeated ? .maybe("limit") : reply)
        }
        let id = operations.nextKey
        let arms = command.arms.enumerated().map { park($1, Int32($0), of: id, caller) }
        let parked = park(.select(ParkedSelect(arms, key)), caller, of: client, terms, charging: bytes)
        for case .receive(let channel, _, _) in arms where channel.isBroadcast { runRounds(of: channel) }
        return .parked(parked)
    }

    /// Returns the reply to a select that repeats a message for which too many other selects wait, or nil.
    private func doubtOfSharing(_ command: SelectCommand, of client: ClientRecord) -> Reply? {
        let isShared = command.arms.contains { arm in
            guard case .send(let name, _, let id?, _) = arm,
                case .pending(let offer)? = memory[SendKey(channel: name, id: id, of: client.principal)]
            else { return false }
            return (offer.attached?.uncommittedCount ?? 0) >= AttachedSenders.mostUncommitted
        }
        // The send that an arm repeats still waits, so an error would claim too much.
        return isShared ? .maybe("limit") : nil
    }

    /// Returns the error for a select that is invalid regardless of other clients, or nil.
    private func refusal(of command: SelectCommand, _ caller: Caller) -> WireError? {
        var names: Set<ChannelName> = []
        var keys: Set<SendKey> = []
        for arm in command.arms {
            switch arm {
            case .barrier(let name, let parties):
                guard names.insert(name).inserted else {
                    return WireError(.conflict, "a select may name each barrier only once")
                }
                if let refusal = refusalToMeet(at: name, parties) { return refusal }
            case .receive(let name, let lease?) where lease > .zero:
                let channel = channels.existing(name)
                if let refusal = refusalToLease(on: channel, to: caller.connection, count: 1) { return refusal }
            case .send(let name, _, let id?, _):
                guard keys.insert(SendKey(channel: name, id: id)).inserted else {
                    return WireError(.conflict, "a select may send each message id only once")
                }
            case .receive, .send: break
            }
        }
        return nil
    }

    /// Returns the order in which a select tries its arms.
    private mutating func places(of command: SelectCommand, _ key: FairKey?, _ caller: Caller) -> [Int] {
        let count = command.arms.count
        switch command.order {
        case .first: return Array(0..<count)
        case .random: return Array(0..<count).shuffled(using: &generator)
        case .fair:
            let start = key.flatMap { clients[caller.connection]?.fairness.start(of: $0, arms: count) } ?? 0
            return Array(start..<count) + Array(0..<start)
        }
    }

    /// Takes an arm if it is ready now.
    ///
    /// - Parameter mustEnd: whether the arm is taken only if it can be completed now, because the select has an `else`.
    private mutating func attempt(_ arm: Arm, _ number: Int32, mustEnd: Bool, _ caller: Caller) -> Attempt {
        switch arm {
        case .receive(let name, let lease):
            let channel = channels.channel(name)
            clients[caller.connection]?.note(.receive, of: name)
            defer { channels.removeIfIdle(channel, at: now) }
            let reply = take(from: channel, lease?.wholeNanoseconds ?? 0, by: caller.connection, arm: number)
            return reply.map { .done($0) } ?? .blocked
        case .send(let name, let body, let id, let trace):
            let channel = channels.channel(name)
            clients[caller.connection]?.note(.send, of: name)
            var draft = draft(name, body, id, trace, number, caller)
            draft.mustReachAll = mustEnd
            let attempt = offer(draft, of: client(of: caller), on: channel)
            switch attempt {
            case .ok, .done, .blocked: channels.removeIfIdle(channel, at: now)
            case .committed, .repeated: break
            }
            return attempt
        case .barrier(let name, let parties):
            clients[caller.connection]?.note(.meet, of: name)
            return meet(at: name, parties) ? .ok(.taking(number)) : .blocked
        }
    }

    /// Queues an arm of a select.
    private mutating func park(_ arm: Arm, _ number: Int32, of id: OperationID, _ caller: Caller) -> ParkedArm {
        switch arm {
        case .receive(let name, let lease):
            let channel = channels.channel(name)
            let ticket = channel.engine.park(WireReceiver(operation: id, arm: number))
            let leaseNanoseconds = lease?.wholeNanoseconds ?? 0
            if leaseNanoseconds > 0 { channel.leasedReceivers += 1 }
            return .receive(channel, ticket, leaseNanoseconds: leaseNanoseconds)
        case .send(let name, let body, let messageID, let trace):
            let channel = channels.channel(name)
            let draft = draft(name, body, messageID, trace, number, caller)
            if let key = draft.key, case .pending(let offer)? = memory[key] {
                attach(Offer.Sender(operation: id, arm: number), to: offer, isCommitted: false)
                return .send(channel, offer)
            }
            return .send(channel, queue(draft, on: channel, of: id))
        case .barrier(let name, let parties):
            let (barrier, ticket) = queue(WireReceiver(operation: id, arm: number), at: name, parties)
            return .barrier(barrier, ticket)
        }
    }

    private func draft(
        _ name: ChannelName, _ body: Body, _ id: MessageID?, _ trace: TraceContext?, _ number: Int32, _ caller: Caller
    ) -> Draft {
        Draft(
            body: .owned(body), origin: caller.connection,
            key: id.map { SendKey(channel: name, id: $0, of: client(of: caller).principal) }, arm: number,
            extras: .with(trace))
    }
}

extension Arm {
    fileprivate var bodyBytes: Int {
        switch self {
        case .send(_, let body, _, _): body.count
        case .receive, .barrier: 0
        }
    }
}
