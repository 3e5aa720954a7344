import SluiceRuntime
import SluiceWire

/// The answer to an operation of this process, on its way to the task that waits for it.
struct LocalAnswer: Sendable {
    let continuation: UnsafeContinuation<LocalVerdict, Never>
    let reply: Reply
}

/// What a transaction leaves for its caller to do after the lock is released, besides telling the connections of the
/// caller's own reactor.
struct Aftermath {
    /// The other reactors that have replies to collect now, and had none.
    var woken: [ReactorShare] = []
    var answers: [LocalAnswer] = []
    /// The time to set the timekeeper's alarm for; nil when it is early enough.
    var alarm: UInt64?
    /// Whether there is much memory to give back.
    var ebbs = false
    /// Whether the hub drains, and waits for nothing any more.
    var isDrained = false

    var isEmpty: Bool { woken.isEmpty && answers.isEmpty && alarm == nil && !ebbs && !isDrained }
}

/// What the hub's lock guards: the state machine, and which connections there are.
///
/// Replies to parked operations are encoded into the segments of their connections before the lock is released. So
/// those for one connection arrive in the order in which they were decided, whichever reactors decided them.
struct HubState: ~Copyable, @unchecked Sendable {
    // Sendable: it is reached through the hub's lock only.

    var machine: HubStateMachine
    /// The connections by the slots of their keys; nil is one of this process. Listed, and never called, here.
    private var connections: [Connection?] = []
    /// From where these have come, by the same slots.
    private var origins: [ClientOrigin?] = []
    /// How many connections have come from the same place.
    private var originCounts: [ClientOrigin: Int] = [:]
    /// The tasks of this process that wait for an operation.
    private var localWaits: [OperationID: UnsafeContinuation<LocalVerdict, Never>] = [:]
    /// The connection of those in this process who have none of their own.
    var sharedConnection: ConnectionID?
    /// How many connections are of this process.
    private(set) var localCount = 0
    private(set) var shares: [ReactorShare] = []
    /// How many connections each of `shares` has.
    private var connectionCounts: [Int] = []
    /// The segments with replies, for each of `shares`, that other reactors have decided.
    private var mail: [[OutboxSegment]] = []
    /// What the timekeeper's alarm is set for; nil when it is not set.
    var alarm: UInt64?
    private(set) var endings: [ConnectionEnding: Int] = [:]

    init(machine: consuming HubStateMachine) {
        self.machine = machine
    }

    // MARK: Members

    /// What the connections of `reactor` share.
    mutating func share(of reactor: Reactor, limits: HubLimits) -> ReactorShare {
        if let share = shares.first(where: { $0.reactor === reactor }) { return share }
        let share = ReactorShare(of: reactor, number: shares.count, limits: limits)
        share.isDraining = machine.stage != .serving
        shares.append(share)
        mail.append([])
        connectionCounts.append(0)
        return share
    }

    /// - Parameters:
    ///   - origin: from where it has come.
    ///   - candidates: where it may be; at least one.
    ///   - make: what the connection is, given its key and where it is.
    mutating func enter(
        _ client: String, from origin: ClientOrigin?, on candidates: [ReactorShare],
        _ make: (ConnectionID, ReactorShare) -> Connection
    ) -> Connection {
        guard let share = candidates.min(by: { connectionCounts[$0.number] < connectionCounts[$1.number] }) else {
            preconditionFailure("a client is served by a reactor")
        }
        connectionCounts[share.number] += 1
        let id = machine.connect(from: client)
        let slot = Int(id.slot)
        while slot >= connections.count {
            connections.append(nil)
            origins.append(nil)
        }
        let connection = make(id, share)
        connections[slot] = connection
        machine.clients[id]?.segment = connection.segment
        origins[slot] = origin
        if let origin { originCounts[origin, default: 0] += 1 }
        return connection
    }

    /// Why there can be no other connection from there; nil when there can.
    func refusal(of origin: ClientOrigin?) -> (ending: ConnectionEnding, error: WireError)? {
        let limits = machine.limits
        guard machine.connectionCount - localCount < limits.maxConnections else {
            return (
                .tooMany, WireError(.limit, "the server accepts at most \(limits.maxConnections) connections")
            )
        }
        guard let origin, originCounts[origin, default: 0] >= limits.maxConnectionsPerAddress else { return nil }
        return (
            .tooManyOfAddress,
            WireError(.limit, "an address may have at most \(limits.maxConnectionsPerAddress) connections")
        )
    }

    func connections(of share: ReactorShare) -> [Connection] {
        connections.compactMap { $0?.share === share ? $0 : nil }
    }

    mutating func leave(_ id: ConnectionID, on share: ReactorShare, because ending: ConnectionEnding) {
        connectionCounts[share.number] -= 1
        machine.disconnect(id, isOrderly: ending.isOrderly)
        connections[Int(id.slot)] = nil
        if let origin = origins[Int(id.slot)].take(), let count = originCounts[origin] {
            originCounts[origin] = count == 1 ? nil : count - 1
        }
        count(ending)
    }

    /// Takes in somebody of this process.
    mutating func enter(local address: String) -> ConnectionID {
        localCount += 1
        return machine.connect(from: address)
    }

    mutating func leave(local id: ConnectionID) {
        localCount -= 1
        machine.disconnect(id, isOrderly: true)
    }

    /// Has a task wait for an operation of this process.
    mutating func wait(for id: OperationID, _ continuation: UnsafeContinuation<LocalVerdict, Never>) {
        localWaits[id] = continuation
    }

    mutating func count(_ ending: ConnectionEnding) {
        endings[ending, default: 0] += 1
    }

    /// Whether the hub drains, and there is nothing left to wait for.
    var isDrained: Bool { machine.isDrained(localCount: localCount) }

    // MARK: Transactions

    /// Begins a transaction that `share` makes: collects what other reactors have decided before for its connections.
    mutating func begin(for share: ReactorShare?) {
        machine.outbox.share = share
        if let share, !mail[share.number].isEmpty { collectMail(of: share) }
    }

    /// Collects what other reactors have decided for the connections of `share`. Called on the thread of its reactor.
    mutating func collectMail(of share: ReactorShare) {
        for segment in mail[share.number] {
            segment.isListed = false
            segment.collect()
            share.noteArrival(in: segment)
        }
        mail[share.number] = []
    }

    /// Ends a transaction that `share` has made; nil is a caller without connections.
    ///
    /// - Returns: what is left to do; nil, nearly always, when nothing is.
    mutating func conclude(for share: ReactorShare?) -> Aftermath? {
        let hasReplies = !machine.outbox.listed.isEmpty || !machine.outbox.effects.isEmpty
        let deadline = machine.nextDeadline
        let ebbs = machine.ebbs()
        let isDrained = isDrained
        machine.outbox.running = nil
        machine.hint = nil
        if !hasReplies, deadline ?? .max >= alarm ?? .max, !ebbs, !isDrained { return nil }
        var aftermath = Aftermath()
        if !machine.outbox.listed.isEmpty { sort(for: share, &aftermath) }
        if !machine.outbox.effects.isEmpty { answerLocally(&aftermath) }
        if let deadline, deadline < alarm ?? .max {
            alarm = deadline
            aftermath.alarm = deadline
        }
        aftermath.ebbs = ebbs
        aftermath.isDrained = isDrained
        return aftermath.isEmpty ? nil : aftermath
    }

    /// Collects the replies to connections of `share`, and notes those to others for their reactors to collect.
    private mutating func sort(for share: ReactorShare?, _ aftermath: inout Aftermath) {
        for segment in machine.outbox.listed {
            let target = segment.share
            if target === share {
                segment.isListed = false
                segment.collect()
                target.noteArrival(in: segment)
            } else {
                if mail[target.number].isEmpty { aftermath.woken.append(target) }
                mail[target.number].append(segment)
            }
        }
        machine.outbox.clearListed()
    }

    private mutating func answerLocally(_ aftermath: inout Aftermath) {
        for effect in machine.outbox.effects {
            guard case .final(let reply) = effect.content,
                let continuation = localWaits.removeValue(forKey: effect.operation)
            else { continue }
            aftermath.answers.append(LocalAnswer(continuation: continuation, reply: reply))
        }
        machine.outbox.effects = []
    }
}
