public import SluiceRuntime
import SluiceWire
import Synchronization

/// The named channels of a daemon, and the clients that meet on them.
///
/// May be used from any thread, and by several reactors at once. A reactor of the hub's tells it the time.
public final class Hub: Sendable {
    /// What clients may use, as it was said at the beginning; see ``currentLimits``.
    public let limits: HubLimits
    /// Tells this life of the server from others: milliseconds since 1970 when it began.
    public let epoch: Int
    let timekeeper: Reactor
    /// When the hub began, by its clock.
    let startNanoseconds: UInt64
    let help: Help
    /// The answer to `HELLO`.
    let greeting: Reply
    private let report: @Sendable (String, ConnectionEnding) -> Void
    private let state: Lock<HubState>
    private let userList: Lock<Users?>
    let processes = ProcessList()
    let listeners = ListenerList()
    /// Opened when the hub is drained.
    let drained: Gate

    /// - Parameters:
    ///   - reactor: where deadlines are watched, by its clock.
    ///   - users: who may use the hub, which they tell with `AUTH`; nil is everybody.
    ///   - epoch: a number that no other life of the server has had.
    ///   - report: told of each connection that has ended: the client's address, and how. Called on the thread of the
    ///     connection's reactor.
    public convenience init(
        on reactor: Reactor,
        limits: HubLimits = HubLimits(),
        users: Users? = nil,
        epoch: Int,
        report: @escaping @Sendable (String, ConnectionEnding) -> Void = { _, _ in }
    ) {
        self.init(
            on: reactor, limits: limits, users: users, epoch: epoch, generator: SystemRandomNumberGenerator(),
            report: report)
    }

    /// - Parameter generator: makes the choice of selects that want it made at random.
    package init(
        on reactor: Reactor, limits: HubLimits, users: Users?, epoch: Int,
        generator: any RandomNumberGenerator & Sendable, report: @escaping @Sendable (String, ConnectionEnding) -> Void
    ) {
        self.limits = limits
        userList = Lock(users)
        self.epoch = epoch
        timekeeper = reactor
        drained = Gate("the end of the hub", on: reactor)
        startNanoseconds = reactor.nowNanoseconds
        help = Help(limits: limits.wire)
        greeting = .ok(Attributes([Attribute(.version, 1), Attribute(.epoch, epoch)] + limits.wire.attributes))
        self.report = report
        var machine = HubStateMachine(limits: limits, epoch: epoch, generator: generator)
        machine.outbox.startNanoseconds = startNanoseconds
        state = Lock(HubState(machine: machine))
    }

    /// Who may use the hub; nil is everybody.
    public var users: Users? { userList.withLock { $0 } }

    /// What clients may use now.
    public var currentLimits: HubLimits { state.withLock { $0.machine.limits } }

    /// Has other limits hold from now on, and other users be let in.
    ///
    /// Who is connected stays, and is who it was. Of the limits, those change that count something of all clients, of an
    /// address, of a principal or of a connection; not those of commands, of time, and of buffers, which a connection knows
    /// from its beginning.
    public func change(limits: HubLimits, users: Users?) {
        userList.withLock { $0 = users }
        transactFromAnywhere { $0.machine.adopt(limits) }
    }

    // MARK: What can be seen

    /// How many connections there are.
    public var connectionCount: Int { state.withLock { $0.machine.connectionCount - $0.localCount } }

    /// How many operations are parked.
    public var parkedCount: Int { state.withLock { $0.machine.parkedCount } }

    /// How many channels there are that somebody waits on.
    public var channelCount: Int { state.withLock { $0.machine.channels.count } }

    /// How many connections have ended in which way, those included that were turned away.
    public var endings: [ConnectionEnding: Int] {
        var endings = state.withLock { $0.endings }
        let refusals = listeners.refusedConnections
        if refusals > 0 { endings[.noDescriptor] = refusals }
        return endings
    }

    // MARK: Members

    func share(of reactor: Reactor) -> ReactorShare {
        state.withLock { $0.share(of: reactor, limits: limits) }
    }

    /// Takes a client in, on the reactor with the fewest, unless there are as many as there may be.
    ///
    /// - Parameters:
    ///   - client: what it is called in reports.
    ///   - origin: from where it has come.
    func enter(_ client: String, from origin: ClientOrigin?, on shares: [ReactorShare]) -> Entry {
        let entry = state.withLock { (state) -> Entry in
            state.machine.now = timekeeper.nowNanoseconds
            if let refusal = state.refusal(of: origin) {
                state.count(refusal.ending)
                return .turnedAway(refusal.ending, refusal.error)
            }
            let connection = state.enter(client, from: origin, on: shares) { id, share in
                Connection(id, at: client, on: share, of: self)
            }
            return .admitted(connection)
        }
        if case .turnedAway(let ending, _) = entry { report(client, ending) }
        return entry
    }

    /// Withdraws what a connection has parked, and forgets it.
    func leave(_ id: ConnectionID, _ client: String, on share: ReactorShare, because ending: ConnectionEnding) {
        transactOnState(share) { $0.leave(id, on: share, because: ending) }
        share.connectionLeaves()
        report(client, ending)
    }

    func connections(of share: ReactorShare) -> [Connection] {
        state.withLock { $0.connections(of: share) }
    }

    /// Takes in somebody of this process.
    func enter(local address: String) -> ConnectionID {
        state.withLock { state in
            state.machine.now = timekeeper.nowNanoseconds
            return state.enter(local: address)
        }
    }

    func leave(local id: ConnectionID) {
        transactFromAnywhere { $0.leave(local: id) }
    }

    /// The one of all in this process who have none of their own.
    var sharedConnection: ConnectionID {
        state.withLock { state in
            if let known = state.sharedConnection { return known }
            state.machine.now = timekeeper.nowNanoseconds
            let id = state.enter(local: "in-process")
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

    /// The same for code of this process, on any thread.
    func transactFromAnywhere(_ body: (inout HubState) -> Void) {
        let reactor = Reactor.current
        transactOnState(reactor.flatMap { reactor in look { $0.shares.first { $0.reactor === reactor } } }, body)
    }

    /// The same on the whole state.
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
        if aftermath.ebbs { giveMemoryBack() }
        if aftermath.isDrained { timekeeper.post { [drained] in drained.open() } }
    }

    /// Looks at the state, and changes nothing.
    func look<Result: Sendable>(_ body: (borrowing HubState) -> Result) -> Result {
        let now = timekeeper.nowNanoseconds
        return state.withLock { state in
            state.machine.now = now
            return body(state)
        }
    }

    /// Collects the replies that other reactors have decided for the connections of this one.
    private func collectMail(of share: ReactorShare) {
        state.withLock { $0.collectMail(of: share) }
        share.notifyOwners()
    }

    /// Gives memory back when those who have just gone have let go of theirs, too.
    private func giveMemoryBack() {
        // Weakly, here and below: a reactor that has stopped must not be kept by what it was still to do.
        timekeeper.post { [weak timekeeper] in
            _ = timekeeper?.call(after: .seconds(1)) { ResidentMemory.giveBack() }
        }
    }

    // MARK: Deadlines

    /// Sets an alarm; an earlier one that is set for later then finds nothing to do, which costs less than to move it
    /// for each operation that has a deadline.
    private func setAlarm(for deadline: UInt64) {
        guard timekeeper.isCurrent else {
            timekeeper.post { [weak self] in self?.setAlarm(for: deadline) }
            return
        }
        let now = timekeeper.nowNanoseconds
        let delay = Duration.nanoseconds(deadline > now ? Int64(clamping: deadline - now) : 0)
        _ = timekeeper.call(after: delay) { [weak self] in self?.expire(deadline) }
    }

    private func expire(_ deadline: UInt64) {
        let share = share(of: timekeeper)
        state.withLock { state in
            if state.alarm == deadline { state.alarm = nil }
        }
        transact(share) { $0.expire() }
    }
}

/// What becomes of a client that has connected.
enum Entry {
    case admitted(Connection)
    /// How that counts, and what the client is told.
    case turnedAway(ConnectionEnding, WireError)
}
