public import SluiceRuntime
import SluiceWire
import Synchronization

/// The named channels of a daemon, and the clients that meet on them.
///
/// Any thread and any number of reactors may use a hub. One reactor, the timekeeper, gives it the time.
public final class Hub: Sendable {
    /// The limits with which the hub was created; see ``currentLimits``.
    public let limits: HubLimits
    /// Identifies this run of the server: the time of its start, in milliseconds since 1970.
    public let epoch: Int
    let timekeeper: Reactor
    /// The start of the hub, by its clock.
    let startNanoseconds: UInt64
    let help: Help
    /// The capacity for a connection's input. Stored, because it is read for each event of a connection.
    let inputCapacity: Int
    /// The limits for the connections' parsers.
    let parserLimits: RequestParser.SharedLimits
    /// The answer to `HELLO`.
    let greeting: Reply
    let report: @Sendable (ClientEvent) -> Void
    private let state: Lock<HubState>
    private let principalList: Lock<Principals?>
    let processes = ProcessList()
    let listeners = ListenerList()
    private let alarm = HubAlarm()
    private let memoryReturn = MemoryReturn()
    /// The addresses and principals of the clients, for the threads that watch the reactors.
    let names = ClientNames()
    /// Opened when the hub is drained.
    let drained: Gate

    /// - Parameters:
    ///   - reactor: the reactor on whose thread and clock the hub watches deadlines.
    ///   - principals: those that may use the hub, after they have authenticated with `AUTH`, and what each may do. Nil
    ///     permits everything to every client.
    ///   - epoch: a number that is greater than those of all earlier runs, such as the time in milliseconds since 1970.
    ///   - report: called with each event of a client, for a log. It runs on the thread of the connection's reactor, so
    ///     it must not block.
    public convenience init(
        on reactor: Reactor,
        limits: HubLimits = HubLimits(),
        principals: Principals? = nil,
        epoch: Int,
        report: @escaping @Sendable (ClientEvent) -> Void = { _ in }
    ) {
        self.init(
            on: reactor, limits: limits, principals: principals, epoch: epoch,
            generator: SystemRandomNumberGenerator(), report: report)
    }

    /// - Parameter generator: makes the choices of selects with `order=random`.
    package init(
        on reactor: Reactor, limits: HubLimits, principals: Principals?, epoch: Int,
        generator: any RandomNumberGenerator & Sendable, report: @escaping @Sendable (ClientEvent) -> Void
    ) {
        self.limits = limits
        principalList = Lock(principals)
        self.epoch = epoch
        timekeeper = reactor
        drained = Gate("the end of the hub", on: reactor)
        startNanoseconds = reactor.nowNanoseconds
        help = Help(limits: limits.wire)
        inputCapacity = limits.inputCapacity
        parserLimits = RequestParser.SharedLimits(limits.wire)
        greeting = .ok(
            Attributes(
                [Attribute(.version, 1), Attribute(.epoch, epoch)] + limits.wire.attributes + Feature.attributes))
        self.report = report
        var machine = HubStateMachine(limits: limits, epoch: epoch, generator: generator)
        machine.outbox.startNanoseconds = startNanoseconds
        machine.clock = reactor
        machine.adopt(principals)
        state = Lock(HubState(machine: machine))
    }

    /// The principals that may use the hub. Nil permits everything to every client.
    public var principals: Principals? { principalList.withLock { $0 } }

    /// The limits that hold now.
    public var currentLimits: HubLimits { state.withLock { $0.machine.limits } }

    /// The least epoch whose fences exceed every fence of this run.
    package var nextEpoch: Int { state.withLock { max(epoch + 1, Fence.epoch(after: $0.machine.lastFence)) } }

    /// Replaces the limits and the principals at run time.
    ///
    /// What the clients may do changes at once for later commands. Closes the connections of principals that do not
    /// exist any more, or that have authenticated with a token that is no longer theirs, and those of clients without a
    /// principal if these may do nothing. Other connections stay open and keep their principals. Only limits that count
    /// something across all clients, per address, per principal or per connection change. Limits of commands, times and
    /// buffers stay, because connections read them when they start.
    public func change(limits: HubLimits, principals: Principals?) {
        principalList.withLock { $0 = principals }
        transactFromAnywhere { state in
            state.machine.adopt(limits)
            state.machine.adopt(principals)
        }
        if let principals { revokeClients(Revocation(principals)) }
    }

    /// Notes how many bytes of memory the objects of this process occupy, including the gaps between them. So the bound
    /// on the memory of all clients includes memory that they have freed in pieces too small for longer objects. May be
    /// called from any thread.
    package func noteMemory(occupied bytes: Int) {
        state.withLock { $0.machine.account.noteMemory(occupied: bytes) }
    }

    // MARK: What can be seen

    /// The number of remote connections.
    public var connectionCount: Int { state.withLock { $0.machine.connectionCount - $0.localCount } }

    /// The number of parked operations.
    public var parkedCount: Int { state.withLock { $0.machine.parkedCount } }

    /// The number of channels in use or declared.
    public var channelCount: Int { state.withLock { $0.machine.channels.count } }

    /// The number of connections that have ended in each way, including those that were turned away.
    public var endings: [ConnectionEnding: Int] {
        var endings = state.withLock { $0.endings }
        let refusals = listeners.refusedConnections
        if refusals > 0 { endings[.noDescriptor] = refusals }
        let turnedAway = listeners.turnedAway
        if turnedAway > 0 { endings[.tooManyOfAddress, default: 0] += turnedAway }
        return endings
    }

    // MARK: Members

    func share(of reactor: Reactor) -> ReactorShare {
        state.withLock { $0.share(of: reactor, limits: limits) }
    }

    /// Admits a client on the reactor with the fewest connections. If a limit is reached, closes the oldest connection of
    /// the same origin that must still authenticate, and admits the client; without one, turns the client away.
    ///
    /// - Parameters:
    ///   - client: the client's name in reports.
    ///   - origin: the client's origin, for the limit of connections per address.
    func enter(_ client: String, from origin: ClientOrigin?, on shares: [ReactorShare]) -> Entry {
        var unproven: Connection?
        let entry = state.withLock { (state) -> Entry in
            state.machine.now = timekeeper.nowNanoseconds
            if let refusal = state.refusal(of: origin) {
                unproven = state.takeUnproven(from: origin)
                guard unproven != nil else {
                    state.count(refusal.ending)
                    return .turnedAway(refusal.ending, refusal.error)
                }
            }
            let connection = state.enter(client, from: origin, on: shares) { id, holder, share in
                names.insert(client, for: id)
                return Connection(id, of: holder, on: share, of: self)
            }
            return .admitted(connection)
        }
        if let unproven { unproven.reactor.post { unproven.endForLaterConnection() } }
        if case .turnedAway(let ending, _) = entry {
            report(ClientEvent(kind: .closed(ending), address: client, origin: origin, principal: nil, command: nil))
        }
        return entry
    }

    /// Returns a client's address, as reports show it, and its origin.
    func place(of id: ConnectionID) -> (address: String, origin: ClientOrigin?) {
        look { ($0.machine.clients[id]?.address ?? "-", $0.origin(of: id)) }
    }

    /// Notes that a client may close other connections.
    func permitKilling(_ id: ConnectionID) {
        state.withLock { $0.machine.clients[id]?.mayKill = true }
    }

    /// Withdraws all parked operations of a connection, and forgets it.
    ///
    /// - Parameter command: the verb of the last command of the client.
    func disconnect(
        _ id: ConnectionID, on share: ReactorShare, because ending: ConnectionEnding, _ command: Verb?
    ) {
        // Not the record: it must be released under the lock, as all objects of the state machine.
        var (address, principal) = ("-", nil as String?)
        var origin: ClientOrigin?
        share.begin(id, command)
        transactOnState(share) { state in
            // Before another client can get the same slot.
            names.remove(id)
            if let client = state.machine.clients[id] {
                (address, principal) = (client.address, client.principal?.description)
            }
            origin = state.origin(of: id)
            let before = state.machine.steps
            state.disconnect(id, on: share, because: ending)
            // A step takes up to a microsecond. Disconnecting takes longer if it needs memory that is in no cache.
            let microseconds = (timekeeper.nowNanoseconds &- state.machine.now) / 1000
            share.stepsForDisconnecting -= max(state.machine.steps - before + 1, Int(clamping: microseconds))
        }
        share.end()
        share.connectionEnds()
        report(
            ClientEvent(
                kind: .closed(ending), address: address, origin: origin, principal: principal,
                command: command?.rawValue))
    }

    /// Reports what the clients of a reactor did since the last call.
    func reportEvents(of share: ReactorShare) {
        let events = share.events
        share.events = []
        share.spend(events.count * Budget.stepsOfEvent)
        // Nearly always, all events are of one client.
        guard var id = events.first?.id else { return }
        var client = caption(of: id)
        for event in events {
            if event.id != id {
                id = event.id
                client = caption(of: id)
            }
            report(event.kind, by: client, event.command)
        }
    }

    /// Reports what a client did.
    func report(_ kind: ClientEvent.Kind, by id: ConnectionID, _ command: Verb?) {
        report(kind, by: caption(of: id), command)
    }

    private typealias Caption = (address: String, origin: ClientOrigin?, principal: String?)

    private func caption(of id: ConnectionID) -> Caption {
        look { state in
            let client = state.machine.clients[id]
            return (client?.address ?? "-", state.origin(of: id), client?.principal?.description)
        }
    }

    private func report(_ kind: ClientEvent.Kind, by client: Caption, _ command: Verb?) {
        report(
            ClientEvent(
                kind: kind, address: client.address, origin: client.origin, principal: client.principal,
                command: command?.rawValue))
    }

    func connections(of share: ReactorShare) -> [Connection] {
        state.withLock { $0.connections(of: share) }
    }

    /// Admits a client of this process.
    func enter(local address: String, _ waitsForAll: Bool) -> ConnectionID {
        state.withLock { state in
            state.machine.now = timekeeper.nowNanoseconds
            return state.enter(local: address, waitsForAll)
        }
    }

    func disconnect(local id: ConnectionID) {
        transactFromAnywhere { $0.disconnect(local: id) }
    }

    /// The connection that all in-process users without a client of their own share.
    var sharedConnection: ConnectionID {
        state.withLock { state in
            if let known = state.sharedConnection { return known }
            state.machine.now = timekeeper.nowNanoseconds
            let id = state.enter(local: "in-process", false)
            state.sharedConnection = id
            return id
        }
    }

    // MARK: Transactions

    /// Runs `body` on the state machine under the hub's lock; after the lock is released, notifies the connections that
    /// have replies.
    ///
    /// - Parameter share: what the calling thread's reactor shares; nil on a thread that serves no connections.
    func transact(_ share: ReactorShare?, _ body: (inout HubStateMachine) -> Void) {
        transactOnState(share) { state in body(&state.machine) }
    }

    /// Does the same as `transact`, for code of this process on any thread.
    func transactFromAnywhere(_ body: (inout HubState) -> Void) {
        let reactor = Reactor.current
        transactOnState(reactor.flatMap { reactor in look { $0.shares.first { $0.reactor === reactor } } }, body)
    }

    /// Does the same as `transact`, on the whole state.
    @inline(__always)
    func transactOnState(_ share: ReactorShare?, _ body: (inout HubState) -> Void) {
        let now = timekeeper.nowNanoseconds
        let aftermath = state.withLock { (state) -> Aftermath? in
            state.machine.now = now
            state.begin(for: share)
            body(&state)
            return state.conclude(for: share)
        }
        share?.notifyOwners()
        if let aftermath { perform(aftermath) }
    }

    private func perform(_ aftermath: Aftermath) {
        for answer in aftermath.answers { answer.continuation.resume(returning: .reply(answer.reply)) }
        for share in aftermath.woken { share.reactor.post { [weak self] in self?.collectMail(of: share) } }
        if let alarm = aftermath.alarm { setAlarm(for: alarm) }
        if aftermath.continues { timekeeper.post { [weak self] in self?.continueUnfinishedWork() } }
        if aftermath.ebbs { giveMemoryBack() }
        if aftermath.memoryFalls {
            timekeeper.post { [memoryReturn, weak timekeeper] in
                if let timekeeper { memoryReturn.perform(on: timekeeper) }
            }
        }
        for event in aftermath.events { report(event) }
        if aftermath.isDrained { timekeeper.post { [drained] in drained.open() } }
    }

    /// Reads the state without changing it.
    func look<Result: Sendable>(_ body: (borrowing HubState) -> Result) -> Result {
        let now = timekeeper.nowNanoseconds
        return state.withLock { state in
            state.machine.now = now
            return body(state)
        }
    }

    /// Collects the replies that other reactors have decided for the connections of this one.
    func collectMail(of share: ReactorShare) {
        state.withLock { $0.collectMail(of: share) }
        share.notifyOwners()
    }

    /// Returns free memory to the system, once the clients that have just left have also released theirs.
    private func giveMemoryBack() {
        // Weak, here and below: pending work must not keep a reactor alive that has stopped.
        timekeeper.post { [weak timekeeper] in
            _ = timekeeper?.call(after: .seconds(1)) { ResidentMemory.returnToSystem() }
        }
    }

    /// Continues the work that decisions have left, for one slice.
    private func continueUnfinishedWork() {
        transactOnState(share(of: timekeeper)) { state in
            state.isContinuing = false
            state.machine.continueUnfinished()
        }
    }

    // MARK: Deadlines

    private func setAlarm(for deadline: UInt64) {
        guard timekeeper.isCurrent else {
            timekeeper.post { [weak self] in self?.setAlarm(for: deadline) }
            return
        }
        alarm.set(for: deadline, on: timekeeper) { [weak self] in self?.expire($0) }
    }

    private func expire(_ deadline: UInt64) {
        let share = share(of: timekeeper)
        state.withLock { state in
            if state.alarm == deadline { state.alarm = .max }
        }
        transact(share) { $0.expire() }
    }
}

/// The result of admitting a client.
enum Entry {
    case admitted(Connection)
    /// The ending under which the hub counts the client, and the error that the client gets.
    case turnedAway(ConnectionEnding, WireError)
}
