import SluiceRuntime
import SluiceWire

/// Something that a client is told, on its way to the connection that it is for.
struct Delivery: Sendable {
    let connection: Connection
    let tag: Tag?
    let content: Effect.Content
}

/// The answer to an operation of this process, on its way to the task that waits for it.
struct LocalAnswer: Sendable {
    let continuation: UnsafeContinuation<LocalVerdict, Never>
    let reply: Reply
}

/// What has come of a transaction, for its caller to do after the lock is released; the deliveries to the connections of
/// its own reactor are in `ReactorShare.deliveries`.
struct Aftermath {
    /// What the caller's reactor shares, if connections of it are to be told something.
    var own: ReactorShare?
    /// The other reactors that have deliveries now, and had none.
    var woken: [ReactorShare] = []
    var answers: [LocalAnswer] = []
    /// What the timekeeper's alarm must be set for; nil when it is early enough.
    var alarm: UInt64?
    /// Whether there is much memory to give back.
    var ebbs = false
    /// Whether the hub drains, and there is nothing left to wait for.
    var isDrained = false
}

/// What the hub's lock guards: the state machine, and who is behind its connections.
///
/// Replies to parked operations are put into the outbox of their connection's reactor before the lock is released. So
/// those for one connection arrive in the order in which they were decided, whichever reactors decided them.
struct HubState: ~Copyable, @unchecked Sendable {
    // Sendable: it is reached through the hub's lock only.

    var machine: HubStateMachine
    /// The connections by the slots of their keys; nil is one of this process.
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
    /// The deliveries for each of `shares` that others have made.
    private var outboxes: [[Delivery]] = []
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
        outboxes.append([])
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
        origins[slot] = origin
        if let origin { originCounts[origin, default: 0] += 1 }
        return connection
    }

    /// Why there can be no other connection from there; nil when there can.
    func refusal(of origin: ClientOrigin?) -> (ending: ConnectionEnding, error: WireError)? {
        let limits = machine.limits
        guard machine.connectionCount - localCount < limits.maxConnections else {
            return (
                .tooMany, WireError(.limit, "the server has \(limits.maxConnections) connections, and takes no more")
            )
        }
        guard let origin, originCounts[origin, default: 0] >= limits.maxConnectionsPerAddress else { return nil }
        return (
            .tooManyOfAddress,
            WireError(.limit, "an address has at most \(limits.maxConnectionsPerAddress) connections")
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

    // MARK: Deliveries

    /// Hands a plain message to the receiver that waits for it, where that takes no more than to write it: on a connection
    /// of the same reactor that has nothing before it.
    ///
    /// - Returns: who has it; nil if nobody has.
    mutating func handOver(
        _ send: PlainSend, from sender: ConnectionID, by share: ReactorShare
    ) -> (receiver: HubStateMachine.PlainReceiver, connection: Connection)? {
        guard share.hasDelivered, outboxes[share.number].isEmpty,
            let receiver = machine.plainReceiver(of: send.text.count, on: send.channel),
            receiver.caller.connection != sender, let connection = connection(receiver.caller.connection),
            connection.share === share, connection.takesMessages
        else { return nil }
        machine.hand(send.text.count, from: sender, to: receiver)
        connection.take(send.text, from: receiver.channel.name, receiver.caller.tag, isLast: receiver.stream == nil)
        return (receiver, connection)
    }

    private func connection(_ id: ConnectionID) -> Connection? {
        Int(id.slot) < connections.count ? connections[Int(id.slot)] : nil
    }

    /// Ends a transaction that `share` has made; nil is a caller without connections.
    mutating func conclude(for share: ReactorShare?) -> Aftermath {
        var aftermath = Aftermath()
        if !machine.effects.isEmpty { routeEffects(for: share, &aftermath) }
        if let deadline = machine.nextDeadline, deadline < alarm ?? .max {
            alarm = deadline
            aftermath.alarm = deadline
        }
        aftermath.ebbs = machine.ebbs()
        aftermath.isDrained = isDrained
        return aftermath
    }

    /// Addresses the effects.
    private mutating func routeEffects(for share: ReactorShare?, _ aftermath: inout Aftermath) {
        // What others have left for a connection was decided before.
        if let share, takeDeliveries(of: share) { aftermath.own = share }
        for index in machine.effects.indices {
            // Moved out of the array: to copy one, and to destroy the copy, costs more than all the rest.
            var effect = Effect.none
            swap(&effect, &machine.effects[index])
            route(effect, for: share, &aftermath)
        }
        machine.effects.removeAll(keepingCapacity: machine.effects.capacity <= 1024)
    }

    private mutating func route(_ effect: Effect, for share: ReactorShare?, _ aftermath: inout Aftermath) {
        guard let connection = connection(effect.connection) else { return answerLocally(effect, &aftermath) }
        let delivery = Delivery(connection: connection, tag: effect.tag, content: effect.content)
        let target = connection.share
        if target === share {
            aftermath.own = share
            return target.deliveries.append(delivery)
        }
        if outboxes[target.number].isEmpty { aftermath.woken.append(target) }
        outboxes[target.number].append(delivery)
    }

    private mutating func answerLocally(_ effect: Effect, _ aftermath: inout Aftermath) {
        guard case .final(let reply) = effect.content,
            let continuation = localWaits.removeValue(forKey: effect.operation)
        else { return }
        aftermath.answers.append(LocalAnswer(continuation: continuation, reply: reply))
    }

    /// Hands what others have left for the connections of `share` over to it. Called by its reactor.
    ///
    /// - Returns: whether there was something.
    mutating func takeDeliveries(of share: ReactorShare) -> Bool {
        guard !outboxes[share.number].isEmpty else { return false }
        share.deliveries += outboxes[share.number]
        outboxes[share.number] = []
        return true
    }
}
