import SluiceRuntime
import SluiceWire

/// A reply on its way to the connection that it is for.
struct Delivery: Sendable {
    let connection: Connection
    let tag: Tag?
    let reply: Reply
}

/// What the hub's lock guards: the state machine, and who is behind its connections.
///
/// Replies to parked operations are put into the outbox of their connection's reactor before the lock is released. So
/// those for one connection arrive in the order in which they were decided, whichever reactors decided them.
struct HubState: ~Copyable, @unchecked Sendable {
    // Sendable: it is reached through the hub's lock only.

    var machine: HubStateMachine
    /// The effects of the current transaction.
    var effects: [Effect] = []
    /// The connections by the slots of their keys.
    private var connections: [Connection?] = []
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

    mutating func enter(_ connection: Connection) -> ConnectionID {
        let id = machine.connect()
        let slot = Int(id.slot)
        if slot == connections.count { connections.append(nil) }
        connections[slot] = connection
        return id
    }

    mutating func leave(_ id: ConnectionID, because ending: ConnectionEnding) {
        machine.disconnect(id)
        connections[Int(id.slot)] = nil
        count(ending)
    }

    mutating func count(_ ending: ConnectionEnding) {
        endings[ending, default: 0] += 1
    }

    // MARK: Deliveries

    /// Addresses the effects of a transaction that `share` has made.
    ///
    /// - Returns: the deliveries that `share` is to make itself, and the others that have some now and had none.
    mutating func routeEffects(for share: ReactorShare) -> (own: [Delivery], woken: [ReactorShare]) {
        var woken: [ReactorShare] = []
        for effect in effects {
            guard let connection = connections[Int(effect.connection.slot)] else { continue }
            let target = connection.share
            if target !== share, outboxes[target.number].isEmpty { woken.append(target) }
            outboxes[target.number].append(Delivery(connection: connection, tag: effect.tag, reply: effect.reply))
        }
        effects.removeAll(keepingCapacity: effects.capacity <= 1024)
        return (takeDeliveries(of: share), woken)
    }

    mutating func takeDeliveries(of share: ReactorShare) -> [Delivery] {
        if outboxes[share.number].isEmpty { return [] }
        var deliveries: [Delivery] = []
        swap(&deliveries, &outboxes[share.number])
        return deliveries
    }
}
