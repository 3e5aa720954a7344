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

/// What has come of a transaction, for its caller to do after the lock is released.
struct Aftermath {
    /// For connections of the caller's reactor.
    var own: [Delivery] = []
    /// The other reactors that have deliveries now, and had none.
    var woken: [ReactorShare] = []
    var answers: [LocalAnswer] = []
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
    /// The tasks of this process that wait for an operation.
    private var localWaits: [OperationID: UnsafeContinuation<LocalVerdict, Never>] = [:]
    /// The connection of those in this process who have none of their own.
    var sharedConnection: ConnectionID?
    /// How many connections are of this process.
    private(set) var localCount = 0
    private(set) var shares: [ReactorShare] = []
    /// The deliveries for each of `shares`.
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
        shares.append(share)
        outboxes.append([])
        return share
    }

    /// - Parameter make: what the connection is, given its key.
    mutating func enter(_ client: String, _ make: (ConnectionID) -> Connection) -> Connection {
        let id = machine.connect(from: client)
        let slot = Int(id.slot)
        while slot >= connections.count { connections.append(nil) }
        let connection = make(id)
        connections[slot] = connection
        return connection
    }

    func connections(of share: ReactorShare) -> [Connection] {
        connections.compactMap { $0?.share === share ? $0 : nil }
    }

    mutating func leave(_ id: ConnectionID, because ending: ConnectionEnding) {
        machine.disconnect(id, isOrderly: ending == .quit)
        connections[Int(id.slot)] = nil
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

    // MARK: Deliveries

    /// Addresses the effects of a transaction that `share` has made; nil is a caller without connections.
    mutating func routeEffects(for share: ReactorShare?) -> Aftermath {
        var aftermath = Aftermath()
        for effect in machine.effects {
            guard Int(effect.connection.slot) < connections.count,
                let connection = connections[Int(effect.connection.slot)]
            else {
                guard case .final(let reply) = effect.content,
                    let continuation = localWaits.removeValue(forKey: effect.operation)
                else { continue }
                aftermath.answers.append(LocalAnswer(continuation: continuation, reply: reply))
                continue
            }
            let target = connection.share
            if target !== share, outboxes[target.number].isEmpty { aftermath.woken.append(target) }
            outboxes[target.number].append(
                Delivery(connection: connection, tag: effect.tag, content: effect.content))
        }
        machine.effects.removeAll(keepingCapacity: machine.effects.capacity <= 1024)
        if let share { aftermath.own = takeDeliveries(of: share) }
        return aftermath
    }

    mutating func takeDeliveries(of share: ReactorShare) -> [Delivery] {
        if outboxes[share.number].isEmpty { return [] }
        var deliveries: [Delivery] = []
        swap(&deliveries, &outboxes[share.number])
        return deliveries
    }
}
