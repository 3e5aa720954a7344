import SeededRandom
import SluiceHub
import SluiceRuntime
import SluiceWire

/// Plays a plan on a whole hub: the real parser, sessions, connections and state machine, on a reactor whose clock and
/// sockets are the simulation's.
///
/// One thread, and nothing left to the kernel, to a clock or to a hash of the process: the same plan gives the same
/// history. Time stands still while the hub works, and moves on to what comes next.
final class Simulation {
    private static let epoch = 42
    /// How often clients refuse a message, or let its lease run out: if they did so for ever, there would be no end. Then
    /// they acknowledge it; and if they are too slow for that, they break off.
    private static let mostAttempts = 5

    let plan: Plan
    private let clock = ManualReactorClock()
    let reactor: Reactor
    let hub: Hub
    private var agenda = Agenda()
    /// Decides in which order the hub is told of what happens at the same time.
    private var chance: Chance
    var history: History
    private var hash = TraceHash()
    private(set) var lines: [Line] = []
    /// The line that each client uses now.
    private var current: [Int: Line] = [:]
    /// How many lines each client has had.
    private var lineCounts: [Int: Int] = [:]
    /// The sends with an id of which a client does not know what became.
    private var unanswered: [Int: [Act]] = [:]
    private var reactions: [Int: Reaction] = [:]
    /// Where something waits to be told to the hub.
    private var ready: [Line] = []
    private var serial = 0
    private var turns = 0
    /// Whether the network is at its best, and nobody acts of their own accord any more.
    var isCalm = false

    init(_ plan: Plan) throws {
        self.plan = plan
        reactor = try Reactor(clock: clock)
        chance = Chance(seed: plan.seed ^ 0x5EED)
        hub = Hub(
            on: reactor, limits: plan.setting.limits, users: nil, epoch: Self.epoch,
            generator: SeededGenerator(seed: plan.seed), report: { _, _ in })
        history = History(plan: plan)
    }

    var now: UInt64 { clock.nowNanoseconds }

    /// The history of what the plan leads to.
    func play() throws -> History {
        try reactor.runByHand {
            for step in plan.steps { agenda.put(.step(step), at: step.time) }
            run(untilQuietFor: 30_000_000_000)
            rest()
        }
        history.hash = hash.value
        return history
    }

    // MARK: Time

    /// Goes on until the clients have had nothing to do for so many nanoseconds. The hub may: it looks after a client that
    /// it does not read from for ever.
    func run(untilQuietFor quiet: UInt64) {
        var end = UInt64.max
        while true {
            reactor.settle()
            if tellReady() { continue }
            if let entry = agenda.next(at: now), turns < mostTurns {
                turns += 1
                perform(entry)
                continue
            }
            note()
            guard turns < mostTurns else { return noteEndlessness() }
            end = agenda.nextTime == nil ? min(end, now + quiet) : .max
            let next = min(agenda.nextTime ?? .max, reactor.nextTimerNanoseconds ?? .max)
            guard next <= end, next != .max else { return }
            if next > now { clock.advance(by: .nanoseconds(Int64(clamping: next - now))) }
        }
    }

    private var mostTurns: Int { 50_000 + 400 * plan.steps.count }

    private func noteEndlessness() {
        let fault = Fault("comes to an end", "the clients still have something to do after \(mostTurns) turns")
        if !history.faults.contains(fault) { history.faults.append(fault) }
    }

    /// Tells the hub what a poll would: in any order.
    private func tellReady() -> Bool {
        guard !ready.isEmpty else { return false }
        var told: [Line] = []
        swap(&told, &ready)
        chance.shuffle(&told)
        for line in told {
            line.isReady = false
            line.socket.tell()
            if line.socket.isReady { becomesReady(line) }
        }
        return true
    }

    private func becomesReady(_ line: Line) {
        guard !line.isReady else { return }
        line.isReady = true
        ready.append(line)
    }

    /// Looks now and then at what the hub keeps.
    private func note() {
        turns += 1
        guard turns % max(16, plan.setting.clients) == 0 else { return }
        let use = hub.largestUse
        history.largestUse.heldInput = max(history.largestUse.heldInput, use.heldInput)
        history.largestUse.output = max(history.largestUse.output, use.output)
    }

    func moment() -> Moment {
        serial += 1
        return Moment(serial: serial, time: now)
    }

    private func delay(on line: Line) -> UInt64 { isCalm ? 0 : line.chance.upTo(plan.setting.latency) }

    private func perform(_ entry: Agenda.Entry) {
        switch entry {
        case .step(let step): perform(step)
        case .arrival(let line, let bytes): line.socket.arrive(bytes)
        case .arrivalOfEnd(let line): line.socket.arriveEnd()
        case .taking(let line): take(line)
        case .reaction(let line, let command):
            if !line.isOver, !line.hasFinishedSending { say(command, isTagged: true, on: line, step: -1) }
        }
    }

    // MARK: Steps

    private func perform(_ step: Step) {
        switch step.deed {
        case .operate(let operation): operate([operation], step)
        case .burst(let operations): operate(operations, step)
        case .cancel(let number): cancel(number, step)
        case .babble(let text):
            if let line = line(of: step.client) { babble(text, on: line, step.number) }
        case .hesitate(let nanoseconds):
            guard let line = line(of: step.client) else { return }
            send(Array("PI".utf8), on: line)
            line.lastArrival = max(line.lastArrival, now + nanoseconds)
            begin(.ping([]), nil, on: line, step.number)
            send(Array("NG\n".utf8), on: line)
        case .stall(let nanoseconds): if let line = current[step.client] { stall(line, nanoseconds) }
        case .finishSending: if let line = current[step.client] { finishSending(line) }
        case .breakOff: if let line = current[step.client] { breakOff(line) }
        case .jump(let nanoseconds): clock.advance(by: .nanoseconds(Int64(clamping: nanoseconds)))
        case .drain(let limit): drain(within: limit)
        }
    }

    private func drain(within limit: UInt64?) {
        history.drain = DrainRecord(moment: moment(), limit: limit)
        hub.drain(within: limit.map { .nanoseconds(Int64(clamping: $0)) })
    }

    /// Sends commands, all in one write.
    private func operate(_ operations: [Operation], _ step: Step) {
        guard let line = line(of: step.client) else { return }
        var bytes: [UInt8] = []
        for operation in operations {
            let (act, words) = begin(
                operation.command, isTagged: operation.isTagged, isText: operation.isText, on: line, step: step.number)
            reactions[act] = operation.reaction
            bytes += words
            if operation.isFenced, operation.command != .quit {
                bytes += begin(.ping([]), isTagged: true, on: line, step: -1).words
            }
        }
        send(bytes, on: line)
        if operations.contains(where: { $0.command == .quit }) {
            history.lines[line.number].farewell = moment()
            current[step.client] = nil
        }
    }

    private func cancel(_ number: Int, _ step: Step) {
        guard let line = current[step.client],
            let tag = line.tagged.values.sorted().last(where: { history.acts[$0].step == number }).flatMap({
                history.acts[$0].tag
            })
        else { return }
        say(.cancel(tag), isTagged: true, on: line, step: step.number)
    }

    private func stall(_ line: Line, _ nanoseconds: UInt64) {
        line.stalledUntil = max(line.stalledUntil, now + nanoseconds)
        history.lines[line.number].stalls.append((moment(), line.stalledUntil))
    }

    private func babble(_ text: String, on line: Line, _ step: Int) {
        begin(nil, nil, on: line, step)
        send(Array((text + "\n").utf8), on: line)
    }

    // MARK: Connections

    /// The client's line, which is made if there is none; nil if the hub does not take it.
    private func line(of client: Int) -> Line? {
        if let line = current[client] { return line }
        guard let line = connect(client, outputRoom: plan.setting.outputRoom) else { return nil }
        current[client] = line
        for act in unanswered.removeValue(forKey: client) ?? [] {
            guard let command = act.command else { continue }
            say(command, isTagged: true, on: line, step: act.step)
        }
        return line
    }

    func connect(_ client: Int, outputRoom: Int) -> Line? {
        // Whoever tells a hub to drain has closed its listeners before.
        guard history.drain == nil else { return nil }
        let address = client < 0 ? "auditor" : "c\(client).\(lines.count)"
        let socket = VirtualSocket(outputRoom: outputRoom)
        lineCounts[client, default: 0] += 1
        let seed = plan.seed &+ UInt64(truncatingIfNeeded: client << 20 + (lineCounts[client] ?? 0)) << 24
        let line = Line(lines.count, of: client, socket, chance: Chance(seed: seed))
        socket.whenReady = { [unowned self, unowned line] _ in becomesReady(line) }
        socket.whenChanged = { [unowned self, unowned line] _ in planToTake(line) }
        guard hub.admit(socket, from: address) else { return nil }
        lines.append(line)
        history.lines.append(LineRecord(client: client, address: address))
        hash.take(.connected, line.number, at: now)
        return line
    }

    func finishSending(_ line: Line) {
        guard !line.isOver, !line.hasFinishedSending else { return }
        line.hasFinishedSending = true
        if current[line.client] === line { current[line.client] = nil }
        history.lines[line.number].farewell = history.lines[line.number].farewell ?? moment()
        hash.take(.inputEnded, line.number, at: now)
        line.lastArrival = max(line.lastArrival, now + delay(on: line))
        agenda.put(.arrivalOfEnd(line), at: line.lastArrival)
    }

    func breakOff(_ line: Line) {
        hash.take(.brokenOff, line.number, at: now)
        history.lines[line.number].isBroken = true
        line.socket.breakOff()
        isOver(line)
    }

    /// The client knows that nothing more will come.
    private func isOver(_ line: Line) {
        guard !line.isOver else { return }
        line.isOver = true
        history.lines[line.number].end = moment()
        if current[line.client] === line { current[line.client] = nil }
        for act in line.tagged.values.sorted() {
            guard case .send(let send)? = history.acts[act].command, send.identity != nil else { continue }
            unanswered[line.client, default: []].append(history.acts[act])
        }
    }

    // MARK: Sending

    /// Sends a command; returns the number of the act.
    @discardableResult
    func say(_ command: Command, isTagged: Bool, on line: Line, step: Int) -> Int {
        let (act, words) = begin(command, isTagged: isTagged, on: line, step: step)
        send(words, on: line)
        return act
    }

    /// The number of a new act, and what is to be sent for it.
    private func begin(
        _ command: Command, isTagged: Bool, isText: Bool = false, on line: Line, step: Int
    ) -> (act: Int, words: [UInt8]) {
        let tag = isTagged ? Tag("t\(history.acts.count)") : nil
        let act = begin(command, tag, on: line, step)
        var words: [UInt8] = []
        if let tag { words += Array("#\(tag) ".utf8) }
        if isText, case .send(let send) = command {
            words += Array("send \(send.channel) ".utf8) + send.body + [0x0A]
        } else {
            Request(command: command).append(to: &words)
        }
        return (act, words)
    }

    @discardableResult
    private func begin(_ command: Command?, _ tag: Tag?, on line: Line, _ step: Int) -> Int {
        let act = history.acts.count
        history.acts.append(
            Act(step: step, client: line.client, line: line.number, command: command, tag: tag, sent: moment()))
        history.lines[line.number].acts.append(act)
        if let tag { line.tagged[tag] = act } else { line.untagged.append(act) }
        return act
    }

    private func send(_ bytes: [UInt8], on line: Line) {
        hash.take(.sent, line.number, at: now, bytes)
        var rest = bytes[...]
        repeat {
            let isSplit = plan.setting.splits && !isCalm && rest.count > 1 && line.chance.happens(1, of: 4)
            let piece = rest.prefix(isSplit ? 1 + line.chance.below(rest.count - 1) : rest.count)
            rest = rest.dropFirst(piece.count)
            line.lastArrival = max(line.lastArrival, now + delay(on: line))
            agenda.put(.arrival(line, Array(piece)), at: line.lastArrival)
        } while !rest.isEmpty
    }

    // MARK: Receiving

    private func planToTake(_ line: Line) {
        guard !line.isTaking, !line.isOver else { return }
        line.isTaking = true
        agenda.put(.taking(line), at: max(now + delay(on: line), line.stalledUntil))
    }

    private func take(_ line: Line) {
        line.isTaking = false
        guard !line.isOver else { return }
        if !isCalm, line.stalledUntil > now { return planToTake(line) }
        let isPart = plan.setting.splits && !isCalm && line.chance.happens(1, of: 3)
        let bytes = line.socket.takeOutput(upTo: isPart ? 1 + line.chance.below(64) : .max)
        if !bytes.isEmpty {
            if line.client >= 0 { hash.take(.received, line.number, at: now, bytes) }
            parse(bytes, on: line)
        }
        if line.socket.untakenBytes > 0 { return planToTake(line) }
        guard line.socket.hasOutputEnded else { return }
        hash.take(.outputEnded, line.number, at: now)
        history.lines[line.number].isBroken = history.lines[line.number].isBroken || isBrokenOff(line)
        finishSending(line)
        isOver(line)
    }

    /// Whether the hub has closed without saying that the last reply was the last.
    private func isBrokenOff(_ line: Line) -> Bool {
        line.socket.isClosed && !line.hasFinishedSending && history.lines[line.number].farewell == nil
    }

    private func parse(_ bytes: [UInt8], on line: Line) {
        line.unparsed += bytes
        var offset = 0
        var replies: [(Tag?, Reply)] = []
        line.unparsed.withUnsafeBytes { input in
            while true {
                switch line.parser.next(input, offset: &offset) {
                case .reply(let tag, let reply): replies.append((tag, reply))
                case .failed(let error):
                    history.faults.append(Fault("replies fit", "line \(line.number): \(error.message)"))
                case .needsMore: return
                }
            }
        }
        line.unparsed.removeFirst(offset)
        for (tag, reply) in replies { hear(reply, tag, on: line) }
    }

    private func hear(_ reply: Reply, _ tag: Tag?, on line: Line) {
        guard let act = tag.map({ line.tagged[$0] }) ?? line.untagged.first else { return hearNotice(reply, tag, line) }
        let moment = moment()
        noteEntered(upTo: act, on: line, moment)
        if isPart(reply, of: act) {
            history.acts[act].parts.append((moment, reply))
        } else {
            history.acts[act].final = (moment, reply)
            if let tag { line.tagged[tag] = nil } else { line.untagged.removeFirst() }
        }
        if case .error(let error) = reply, error.isFatal { history.lines[line.number].isRefused = true }
        react(to: reply, act, on: line)
    }

    private func isPart(_ reply: Reply, of act: Int) -> Bool {
        guard case .receive(let command)? = history.acts[act].command, command.count != nil, case .message = reply
        else {
            if case .trace? = history.acts[act].command, case .data = reply { return true }
            return false
        }
        return true
    }

    /// A reply to nothing that was asked: the hub may say why it ends the connection, and nothing else.
    private func hearNotice(_ reply: Reply, _ tag: Tag?, _ line: Line) {
        if tag == nil, case .error(let error) = reply, error.code == .limit || error.isFatal {
            history.lines[line.number].isRefused = true
            return
        }
        history.faults.append(
            Fault("replies fit", "line \(line.number) heard \(reply), tag \(tag as Any), for nothing"))
    }

    /// What was sent before something that is answered has been looked at.
    private func noteEntered(upTo act: Int, on line: Line, _ moment: Moment) {
        let acts = history.lines[line.number].acts
        while line.enteredCount < acts.count, acts[line.enteredCount] <= act {
            history.acts[acts[line.enteredCount]].entered = moment
            line.enteredCount += 1
        }
    }

    private func react(to reply: Reply, _ act: Int, on line: Line) {
        guard case .message(_, _, let attributes) = reply, let reaction = reactions[act],
            let delivery = attributes.first(where: { $0.key == .delivery }).flatMap({ DeliveryID($0.value) })
        else { return }
        switch attributes.number(of: .attempt) ?? 0 {
        case ...Self.mostAttempts: break
        case ...(2 * Self.mostAttempts): return agenda.put(.reaction(line, .acknowledge(delivery)), at: now)
        default: return breakOff(line)
        }
        switch reaction {
        case .nothing: break
        case .acknowledge(let delay): agenda.put(.reaction(line, .acknowledge(delivery)), at: now + delay)
        case .acknowledgeTwice(let delay):
            agenda.put(.reaction(line, .acknowledge(delivery)), at: now + delay)
            agenda.put(.reaction(line, .acknowledge(delivery)), at: now + delay)
        case .refuse(let after, let delay):
            agenda.put(.reaction(line, .nack(NackCommand(delivery, delay: delay))), at: now + after)
        case .touchAndAcknowledge(let delay):
            agenda.put(.reaction(line, .touch(delivery)), at: now + delay)
            agenda.put(.reaction(line, .acknowledge(delivery)), at: now + 2 * delay)
        case .haveAcknowledged(let other, let delay):
            if let other = current[other], other !== line {
                agenda.put(.reaction(other, .acknowledge(delivery)), at: now + delay)
            }
        }
    }
}
