import SluiceRuntime
import SluiceWire

/// The reply to an operation of this process, and the task that waits for it.
struct LocalAnswer: Sendable {
    let continuation: UnsafeContinuation<LocalVerdict, Never>
    let reply: Reply
}

/// The work that a transaction leaves for its caller after the lock is released, besides notifying the connections of
/// the caller's own reactor.
struct Aftermath {
    /// The other reactors that now have replies to collect and had none before.
    var woken: [ReactorShare] = []
    var answers: [LocalAnswer] = []
    /// The time for which to set the timekeeper's alarm. Nil if the alarm is set early enough.
    var alarm: UInt64?
    /// Whether to return free memory to the system at once, because clients have freed much, and whether to do so
    /// later, because most have left.
    var memoryFalls = false
    var ebbs = false
    /// The events to report.
    var events: [ClientEvent] = []
    /// Whether to continue unfinished work in the timekeeper's next turn.
    var continues = false
    /// Whether the hub has drained.
    var isDrained = false

    var isEmpty: Bool {
        woken.isEmpty && answers.isEmpty && alarm == nil && !ebbs && !memoryFalls && !continues && !isDrained
            && events.isEmpty
    }
}

/// The state behind the hub's lock: the state machine and the list of connections.
///
/// Replies to parked operations are encoded into the segments of their connections before the lock is released. So the
/// replies for one connection arrive in the order of the decisions, whichever reactors made them.
struct HubState: ~Copyable, @unchecked Sendable {
    // Sendable: the state is used only under the hub's lock.

    var machine: HubStateMachine
    /// The connections by the slots of their keys. Nil for a connection of this process. Here they are only listed,
    /// never called.
    private var connections: [Connection?] = []
    /// The origins of the connections, by the same slots.
    private var origins: [ClientOrigin?] = []
    /// The number of connections from each origin.
    private var originCounts: [ClientOrigin: Int] = [:]
    private var unproven = UnprovenConnections()
    /// The connections that will end because later ones need their places. They do not count towards `maxConnections`.
    private var givingWay: Set<ConnectionID> = []
    /// The tasks of this process that wait for a parked operation.
    private var localWaits: [OperationID: UnsafeContinuation<LocalVerdict, Never>] = [:]
    /// The connection that in-process users without a client of their own share.
    var sharedConnection: ConnectionID?
    /// The number of connections that belong to this process.
    private(set) var localCount = 0
    private(set) var shares: [ReactorShare] = []
    /// The number of connections of each of `shares`.
    private var connectionCounts: [Int] = []
    /// For each of `shares`, the segments with replies that other reactors have decided.
    private var mail: [[OutboxSegment]] = []
    /// The time for which the timekeeper's alarm is set. `UInt64.max` if it is not set.
    var alarm = UInt64.max
    /// Whether the timekeeper will continue unfinished work in its next turn.
    var isContinuing = false
    private(set) var endings: [ConnectionEnding: Int] = [:]
    /// Counts the wrong tokens of clients.
    var throttle = AuthenticationThrottle()

    init(machine: consuming HubStateMachine) {
        self.machine = machine
    }

    // MARK: Members

    /// Returns the share of `reactor`, creating it if necessary.
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
    ///   - origin: the client's origin, for the limit of connections per address.
    ///   - candidates: the shares of the reactors that may serve the client; at least one.
    ///   - make: creates the connection from its key, the identifier of its holder, and its share.
    mutating func enter(
        _ client: String, from origin: ClientOrigin?, on candidates: [ReactorShare],
        _ make: (ConnectionID, HolderID, ReactorShare) -> Connection
    ) -> Connection {
        guard let share = candidates.min(by: { connectionCounts[$0.number] < connectionCounts[$1.number] }) else {
            preconditionFailure("a client is served by a reactor")
        }
        connectionCounts[share.number] += 1
        let id = machine.connect(from: client, origin: origin)
        let slot = Int(id.slot)
        while slot >= connections.count {
            connections.append(nil)
            origins.append(nil)
        }
        let connection = make(id, machine.holder(of: id), share)
        connections[slot] = connection
        machine.clients[id]?.segment = connection.segment
        origins[slot] = origin
        if let origin {
            originCounts[origin, default: 0] += 1
            if requiresAuthentication { unproven.append(id, from: origin) { machine.isUnproven($0) } }
        }
        return connection
    }

    /// Whether clients must authenticate before any other command.
    private var requiresAuthentication: Bool { machine.principals.map { $0.anonymous == nil } ?? false }

    /// Returns a connection that gives way to a later one from `origin`; nil if there is none. It is not returned again.
    mutating func takeUnproven(from origin: ClientOrigin?) -> Connection? {
        guard let origin, requiresAuthentication,
            let id = unproven.takeOldest(of: origin, { machine.isUnproven($0) })
        else { return nil }
        givingWay.insert(id)
        return connections[Int(id.slot)]
    }

    func origin(of id: ConnectionID) -> ClientOrigin? {
        origins.indices.contains(Int(id.slot)) ? origins[Int(id.slot)] : nil
    }

    /// Returns the error if a limit allows no further connection from `origin`, or nil if it is allowed. A client that
    /// authenticates afterwards is checked again, as its principal.
    func refusal(of origin: ClientOrigin?) -> (ending: ConnectionEnding, error: WireError)? {
        let limits = machine.limits
        if let error = refusal(of: HolderName(origin), already: 0) { return (.tooMany, error) }
        guard let origin, origin.isAddress, originCounts[origin, default: 0] >= limits.maxConnectionsPerAddress
        else { return nil }
        return (
            .tooManyOfAddress,
            WireError(.limit, "an address may have at most \(limits.maxConnectionsPerAddress) connections")
        )
    }

    /// Returns the error if the server has too many connections for a client of that holder, or nil.
    ///
    /// Beyond the limit, a reserve of connections is for holders that have few, so that no holder keeps the others out.
    /// Further connections are reserved for principals. A client that must authenticate may use them until it has done
    /// so.
    ///
    /// - Parameter already: 1 if the connection counts already, for another holder.
    private func refusal(of holder: HolderName, already: Int) -> WireError? {
        let limits = machine.limits
        let others = machine.connectionCount - localCount - givingWay.count - already
        if others < limits.maxConnections { return nil }
        let count = machine.account.connections(of: holder)
        if case .principal(let name) = holder, let principal = machine.principals?[name]?.principal,
            count < principal.limits.reservedConnections
        {
            return nil
        }
        let isSmall = count < limits.fewConnections
        if isSmall, others - limits.maxConnections < limits.reservedConnections { return nil }
        if already == 0, isSmall, let principals = machine.principals, principals.anonymous == nil,
            others - limits.maxConnections - limits.reservedConnections < principals.reservedConnections
        {
            return nil
        }
        return WireError(.limit, "the server accepts at most \(limits.maxConnections) connections")
    }

    /// Records that a connection has authenticated as a principal.
    ///
    /// - Returns: the ending and the error if the server or the principal has too many connections, otherwise nil.
    mutating func authenticate(
        _ id: ConnectionID, as identity: ProvenIdentity
    ) -> (ending: ConnectionEnding, error: WireError)? {
        // It counts again, and keeps its place if it may authenticate.
        givingWay.remove(id)
        if machine.clients[id]?.principal != identity.principal,
            let error = refusal(of: .principal(identity.principal), already: 1)
        {
            return (.tooMany, error)
        }
        return machine.authenticate(id, as: identity).map { error in
            (error.code == .limit ? .tooManyOfPrincipal : .refused, error)
        }
    }

    func connections(of share: ReactorShare) -> [Connection] {
        connections.compactMap { $0?.share === share ? $0 : nil }
    }

    mutating func disconnect(_ id: ConnectionID, on share: ReactorShare, because ending: ConnectionEnding) {
        connectionCounts[share.number] -= 1
        machine.disconnect(id, isOrderly: ending.isOrderly)
        connections[Int(id.slot)] = nil
        givingWay.remove(id)
        if let origin = origins[Int(id.slot)].take(), let count = originCounts[origin] {
            originCounts[origin] = count == 1 ? nil : count - 1
            if count == 1 { unproven.forget(origin) }
        }
        count(ending)
    }

    /// Adds a client of this process.
    mutating func enter(local address: String, _ waitsForAll: Bool) -> ConnectionID {
        localCount += 1
        let id = machine.connect(from: address)
        machine.clients[id]?.waitEvidence = waitsForAll ? .all : .none
        machine.clients[id]?.understand([.receivers, .rejected])
        return id
    }

    mutating func disconnect(local id: ConnectionID) {
        localCount -= 1
        machine.disconnect(id, isOrderly: true)
    }

    /// Registers a task that waits for a parked operation.
    mutating func wait(for id: OperationID, _ continuation: UnsafeContinuation<LocalVerdict, Never>) {
        localWaits[id] = continuation
    }

    mutating func count(_ ending: ConnectionEnding) {
        endings[ending, default: 0] += 1
    }

    /// Whether the hub has drained, and nothing is left to wait for.
    var isDrained: Bool { machine.isDrained(localCount: localCount) }

    // MARK: Transactions

    /// Begins a transaction of `share`, and collects what other reactors have decided for its connections.
    @inline(__always)
    mutating func begin(for share: ReactorShare?) {
        machine.outbox.shareNumber = share.map { Int16($0.number) } ?? -1
        machine.sliceEnd = machine.steps &+ machine.limits.turnSteps
        machine.isSliceOver = false
        machine.cause = .none
        if let share, !mail[share.number].isEmpty { collectMail(of: share) }
    }

    /// Collects what other reactors have decided for the connections of `share`. Called on the thread of its reactor.
    mutating func collectMail(of share: ReactorShare) {
        for segment in mail[share.number] {
            share.collect(segment)
        }
        mail[share.number] = []
    }

    /// Ends a transaction of `share`. Nil stands for a caller without connections.
    ///
    /// - Returns: the work that is left to do. Nearly always nil, for none.
    mutating func conclude(for share: ReactorShare?) -> Aftermath? {
        machine.hint = nil
        let memoryFalls = machine.memoryFall.reaches(machine.account.used)
        if machine.outbox.isEmpty, machine.nextDeadline >= alarm, !machine.hasEbbed, !memoryFalls,
            machine.stage == .serving, machine.unfinished.isEmpty, machine.unreportedHolds.isEmpty
        {
            return nil
        }
        return aftermath(for: share, memoryFalls)
    }

    @inline(never)
    private mutating func aftermath(for share: ReactorShare?, _ memoryFalls: Bool) -> Aftermath? {
        var aftermath = Aftermath()
        if !machine.outbox.listed.isEmpty { sort(for: share, &aftermath) }
        if !machine.outbox.effects.isEmpty { answerLocally(&aftermath) }
        let deadline = machine.nextDeadline
        if deadline < alarm {
            alarm = deadline
            aftermath.alarm = deadline
        }
        if !machine.unfinished.isEmpty, !isContinuing {
            isContinuing = true
            aftermath.continues = true
        }
        if !machine.unreportedHolds.isEmpty { reportHolds(&aftermath) }
        aftermath.ebbs = machine.hasEbbed
        machine.hasEbbed = false
        aftermath.memoryFalls = memoryFalls
        aftermath.isDrained = isDrained
        return aftermath.isEmpty ? nil : aftermath
    }

    private mutating func reportHolds(_ aftermath: inout Aftermath) {
        aftermath.events = machine.unreportedHolds.map {
            ClientEvent(
                kind: .deadLetterWaits(
                    channel: $0.channel.description, dead: $0.dead.description, because: $0.obstacle),
                address: $0.sender.address, origin: nil, principal: $0.sender.principal?.description, command: nil)
        }
        machine.unreportedHolds = []
    }

    /// Collects the replies for connections of `share`, and puts those for other connections into the mail of their
    /// reactors.
    private mutating func sort(for share: ReactorShare?, _ aftermath: inout Aftermath) {
        for segment in machine.outbox.listed {
            let target = segment.share
            if target === share {
                target.collect(segment)
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

extension HubStateMachine {
    /// Whether a client has not authenticated.
    fileprivate func isUnproven(_ id: ConnectionID) -> Bool { clients[id].map { $0.identity == nil } ?? false }
}
