import SeededRandom
import SluiceHub
import SluiceRuntime
import SluiceWire

/// Plays a plan on a whole hub: the real parser, conversations, connections and state machine, on a reactor whose clock
/// and sockets are simulated.
///
/// Everything runs on one thread, and nothing depends on the kernel, on a clock or on the process's hash seed, so the same
/// plan always gives the same history. A turn of the hub takes no time, or the time that the plan says. When the hub has
/// nothing left to do, the clock moves on to the next event.
final class Simulation {
    static let epoch = 42

    let plan: Plan
    let clock = ManualReactorClock()
    let reactor: Reactor
    let hub: Hub
    var events = EventQueue()
    /// Decides in which order the hub learns of events at the same time.
    private var chance: Chance
    var history: History
    var hash = TraceHash()
    var connections: [ClientConnection] = []
    /// The connection that each client uses now.
    var current: [Int: ClientConnection] = [:]
    /// The number of connections that each client has had.
    var connectionCounts: [Int: Int] = [:]
    /// The number of messages that were received at the end.
    var auditedCount = 0
    /// The sends with an id whose outcome a client does not know.
    var unanswered: [Int: [Exchange]] = [:]
    /// What clients do with the messages of an exchange that they hold under a lease.
    var reactions: [Int: Reaction] = [:]
    /// The connections whose socket is ready for the hub.
    private var ready: [ClientConnection] = []
    private var serial = 0
    /// The number of turns that the reactor has taken.
    private(set) var reactorTurns = 0
    /// The time at which the hub last had nothing left to do, and whether it has had something since.
    private var lastQuietTime: UInt64 = 0
    private var wasBusy = false
    /// The turn in which the neighbour's last command arrived. Nil if it has been answered.
    private var neighbourSince: Int?
    private var turns = 0
    /// The steps that the input of the clients had taken at the end of the last turn.
    var inputSteps = 0
    /// Whether the network neither delays nor splits anything any more, and time stands still while the hub works.
    var isCalm = false

    init(_ plan: Plan) throws {
        self.plan = plan
        reactor = try Reactor(clock: clock)
        chance = Chance(seed: plan.seed ^ 0x5EED)
        hub = Hub(
            on: reactor, limits: plan.setting.limits, principals: nil, epoch: Self.epoch,
            generator: SeededGenerator(seed: plan.seed), report: { _ in })
        history = History(plan: plan)
        history.inputStepsOfTurn = hub.inputStepsOfTurn
    }

    var now: UInt64 { clock.nowNanoseconds }

    /// Plays the plan, and returns what its clients observe.
    func play() throws -> History {
        try reactor.runByHand {
            connectNeighbour()
            for step in plan.steps { events.add(.step(step), at: step.time) }
            run(untilQuietFor: 30_000_000_000)
            rest()
        }
        history.hash = hash.value
        return history
    }

    // MARK: Time

    /// Plays events until the clients have had nothing to do for `quiet` nanoseconds. Timers of the hub do not count: the
    /// hub checks a client that it does not read from again and again.
    func run(untilQuietFor quiet: UInt64) {
        var end = UInt64.max
        while true {
            let isBusy = takeTurn()
            if notifyReady() { continue }
            guard turns < maxTurns else { return reportEndlessness() }
            if let event = events.popFirst(upTo: now) {
                turns += 1
                if event.client != Self.neighbour { end = .max }
                play(event)
                continue
            }
            sampleUse()
            if isBusy {
                pass(plan.setting.turnNanoseconds)
                continue
            }
            end = events.nextTime == nil ? min(end, now + quiet) : .max
            let next = min(events.nextTime ?? .max, reactor.nextTimerNanoseconds ?? .max)
            guard next <= end, next != .max else { return }
            if next > now { clock.advance(by: .nanoseconds(Int64(clamping: next - now))) }
        }
    }

    /// Lets the reactor take a turn, and returns whether it has something left to do.
    private func takeTurn() -> Bool {
        reactorTurns += 1
        let isBusy = measure(isTurn: true) { reactor.takeTurnByHand() }
        noteInput()
        if isBusy {
            wasBusy = true
        } else {
            if wasBusy, now > lastQuietTime { history.backlogs.append(Backlog(from: lastQuietTime, to: now)) }
            wasBusy = false
            lastQuietTime = now
        }
        return isBusy
    }

    /// Moves the clock on while the hub works.
    private func pass(_ nanoseconds: UInt64) {
        if isCalm { return }
        if nanoseconds > 0 { clock.advance(by: .nanoseconds(Int64(clamping: nanoseconds))) }
        askNeighbour()
    }

    /// Records how long the neighbour has waited for an answer.
    func noteAnswerToNeighbour() {
        guard let since = neighbourSince.take() else { return }
        history.neighbourTurns = max(history.neighbourTurns, reactorTurns - since)
    }

    private var maxTurns: Int { 400_000 + 2000 * plan.steps.count }

    private func reportEndlessness() {
        let fault = Fault("simulations end", "the clients still have something to do after \(maxTurns) turns")
        if !history.faults.contains(fault) { history.faults.append(fault) }
    }

    /// Notifies the hub of the sockets that are ready, in any order, as a poll does.
    ///
    /// - Returns: whether a socket was ready.
    private func notifyReady() -> Bool {
        guard !ready.isEmpty else { return false }
        var notified: [ClientConnection] = []
        swap(&notified, &ready)
        chance.shuffle(&notified)
        for connection in notified {
            connection.isReady = false
            measure(isTurn: false) { connection.socket.tell() }
            if connection.socket.isReady { becomesReady(connection) }
        }
        return true
    }

    func becomesReady(_ connection: ClientConnection) {
        guard !connection.isReady else { return }
        connection.isReady = true
        ready.append(connection)
    }

    /// Records how much the hub holds, once in several turns.
    private func sampleUse() {
        turns += 1
        guard turns % max(16, plan.setting.clients) == 0 else { return }
        let use = hub.largestUse
        history.largestUse.heldInput = max(history.largestUse.heldInput, use.heldInput)
        history.largestUse.output = max(history.largestUse.output, use.output)
    }

    /// Returns the present moment, with the next serial number.
    func moment() -> Moment {
        serial += 1
        return Moment(serial: serial, time: now)
    }

    func delay(on connection: ClientConnection) -> UInt64 {
        isCalm || connection.client < 0 ? 0 : connection.chance.upTo(plan.setting.latencyNanoseconds)
    }

    private func play(_ event: EventQueue.Event) {
        switch event {
        case .step(let step): perform(step)
        case .arrival(let connection, let bytes):
            if connection.client == Self.neighbour { neighbourSince = reactorTurns }
            connection.socket.arrive(bytes)
        case .arrivalOfEnd(let connection): connection.socket.arriveEnd()
        case .reading(let connection): read(connection)
        case .reaction(let connection, let command):
            guard !connection.hasEnded, !connection.hasFinishedSending else { return }
            send(command, isTagged: true, on: connection, step: -1)
            // The reply to this PING tells that the command has succeeded, unless it was answered ERR before.
            if command.repliesOnlyToFailure { send(.ping([]), isTagged: true, on: connection, step: -1) }
        }
    }

    // MARK: Steps

    private func perform(_ step: Step) {
        switch step.action {
        case .operate(let operation): operate([operation], step)
        case .burst(let operations): operate(operations, step)
        case .cancel(let number): cancel(number, step)
        case .sendInvalidLine(let text):
            if let connection = connection(of: step.client) { sendInvalidLine(text, on: connection, step.number) }
        case .pauseWithinLine(let nanoseconds):
            guard let connection = connection(of: step.client) else { return }
            send(Array("PI".utf8), on: connection)
            connection.lastArrival = max(connection.lastArrival, now + nanoseconds)
            begin(.ping([]), nil, on: connection, step.number)
            send(Array("NG\n".utf8), on: connection)
        case .stall(let nanoseconds): if let connection = current[step.client] { stall(connection, nanoseconds) }
        case .finishSending: if let connection = current[step.client] { finishSending(connection) }
        case .breakOff: if let connection = current[step.client] { breakOff(connection) }
        case .jump(let nanoseconds): clock.advance(by: .nanoseconds(Int64(clamping: nanoseconds)))
        case .drain(let limitNanoseconds): drain(within: limitNanoseconds)
        }
    }

    private func drain(within limitNanoseconds: UInt64?) {
        history.drain = DrainRecord(moment: moment(), limitNanoseconds: limitNanoseconds)
        hub.drain(within: limitNanoseconds.map { .nanoseconds(Int64(clamping: $0)) })
    }

    /// Sends the commands in one write.
    private func operate(_ operations: [Operation], _ step: Step) {
        guard let connection = connection(of: step.client) else { return }
        var bytes: [UInt8] = []
        for operation in operations {
            let (exchange, words) = begin(
                operation.command, isTagged: operation.isTagged, isText: operation.isText, on: connection,
                step: step.number)
            reactions[exchange] = operation.reaction
            bytes += words
            if operation.isFenced, operation.command != .quit {
                bytes += begin(.ping([]), isTagged: true, on: connection, step: -1).words
            }
        }
        send(bytes, on: connection)
        if operations.contains(where: { $0.command == .quit }) {
            history.connections[connection.number].farewell = moment()
            current[step.client] = nil
        }
    }

    private func cancel(_ number: Int, _ step: Step) {
        guard let connection = current[step.client],
            let exchange = connection.tagged.values.sorted().last(where: { history.exchanges[$0].step == number }),
            let tag = history.exchanges[exchange].tag
        else { return }
        send(.cancel(tag), isTagged: true, on: connection, step: step.number)
    }

    private func stall(_ connection: ClientConnection, _ nanoseconds: UInt64) {
        connection.stalledUntil = max(connection.stalledUntil, now + nanoseconds)
        history.connections[connection.number].stalls.append((moment(), connection.stalledUntil))
    }

    private func sendInvalidLine(_ text: String, on connection: ClientConnection, _ step: Int) {
        begin(nil, nil, on: connection, step)
        send(Array((text + "\n").utf8), on: connection)
    }
}
