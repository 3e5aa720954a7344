import SluiceHub
import SluiceWire

/// Makes the plan of a seed.
///
/// Each seed chooses the features that its clients use. Some seeds use a few features a lot, which finds faults that need many
/// repetitions, or that other features hide.
package struct Planner {
    var chance: Chance
    private let seed: UInt64
    private(set) var setting = Setting()
    private var steps: [Step] = []
    private var time: UInt64 = 0
    private var mix = OperationMix()
    /// Whether clients close, poison, join and leave channels.
    var endsChannels = false
    /// Whether every message is long, and clients stall for long, so that the limits are reached.
    private var floods = false
    /// Whether clients park many operations at once, which others end with one command.
    private var hoards = false
    /// The last barrier at which many operations of one client wait.
    var crowdedBarrier: Arm?
    /// The channels of selects that receive from one and send to the other.
    var divided: (receiving: PlannedChannel, sending: PlannedChannel)?

    package static func plan(seed: UInt64) -> Plan {
        var planner = Planner(seed: seed)
        planner.draw()
        return Plan(seed: seed, setting: planner.setting, steps: planner.steps)
    }

    private init(seed: UInt64) {
        self.seed = seed
        chance = Chance(seed: seed)
    }

    private mutating func draw() {
        let isCrowd = Plan.isCrowd(seed: seed)
        setting.clients = isCrowd ? 1000 + chance.below(1500) : 3 + chance.below(10)
        floods = !isCrowd && chance.happens(1, of: 8)
        hoards = !isCrowd && !floods && chance.happens(1, of: 6)
        drawLimits()
        drawNetwork()
        drawPace()
        drawChannels(isCrowd ? setting.clients / 30 : floods ? 1 : 1 + chance.below(4))
        let usesPolicies = mix.usesPolicies
        mix = OperationMix(&chance, isCrowd: isCrowd)
        mix.usesPolicies = usesPolicies
        if usesPolicies { mix.usesLeases = true }
        endsChannels = chance.happens(1, of: 2)
        for channel in setting.channels where channel.declaration != .rendezvous || channel.policy != nil {
            add(.operate(Operation(command: channel.opening)), of: 0)
        }
        time += 2 * setting.latencyNanoseconds
        let count = isCrowd ? setting.clients * 3 : hoards ? 50 + chance.below(80) : 120 + chance.below(200)
        let gap: UInt64 = chance.one(of: [200_000, 2_000_000, 10_000_000]) / (isCrowd ? 20 : 1)
        let flows = !isCrowd && chance.happens(1, of: 12)
        if flows { beginFlows() }
        for _ in 0..<count {
            time += chance.happens(1, of: 4) ? 0 : chance.upTo(2 * gap)
            if flows, chance.happens(2, of: 3) {
                flow()
            } else if hoards, chance.happens(1, of: 3) {
                // Few clients, so that the one that leaves often has many parked operations.
                add(chance.happens(1, of: 2) ? hoard() : endHoard(), of: chance.below(min(setting.clients, 4)))
            } else {
                add(action(), of: chance.below(setting.clients))
            }
        }
        if chance.happens(1, of: 6) { drain() }
        setting.understandsAdditions = !isCrowd && chance.happens(1, of: 2)
    }

    /// Starts an endless receive on each channel, mostly the only receiver there.
    private mutating func beginFlows() {
        for (client, channel) in setting.channels.enumerated() where client < setting.clients {
            var command = ReceiveCommand(channel: channel.name)
            command.count = .endless
            add(.operate(Operation(command: .receive(command))), of: client)
        }
        time += 2 * setting.latencyNanoseconds
    }

    /// Sends messages to the endless receives, or stalls one of their clients.
    private mutating func flow() {
        if chance.happens(1, of: 6) {
            add(.stall(nanoseconds: milliseconds(2000)), of: chance.below(setting.channels.count))
        } else {
            add(burst(), of: chance.below(setting.clients))
        }
    }

    /// Inserts a step that drains the hub. The clients go on as if it did not drain.
    private mutating func drain() {
        let time = time / 4 + chance.upTo(time / 4 * 3)
        let limit = chance.happens(1, of: 3) ? milliseconds(1000) : nil
        insert(.drain(withinNanoseconds: limit), at: time)
    }

    private mutating func insert(_ action: Action, at time: UInt64) {
        let place = steps.firstIndex { $0.time > time } ?? steps.count
        steps.insert(Step(number: steps.count, time: time, client: -1, action: action), at: place)
    }

    // MARK: The setting

    private mutating func drawLimits() {
        var limits = HubLimits()
        // Longer than any plan: the rules assume that the hub does not forget message ids and tombstones by age.
        limits.tombstoneLife = .seconds(24 * 3600)
        limits.sendMemoryLife = .seconds(24 * 3600)
        limits.wire.maxBodyBytes = 4096
        limits.outputBytes = chance.one(of: floods ? [512, 4096] : [512, 4096, 64 << 10])
        if chance.happens(1, of: 3) {
            limits.maxLeases = 4
            limits.parkedBytes = 600
            limits.keptBytes = 1000
            limits.maxEnds = 2
            limits.maxDeclaredChannels = 6
            limits.wire.maxPendingTags = 12
            limits.wire.maxSelectArms = 3
            limits.wire.maxLineBytes = 256
            limits.inputBytes = 512
        }
        // With a few steps a turn, the hub does much of its work in slices.
        limits.turnSteps = chance.one(of: [1, 2, 8, 500])
        setting.limits = limits
    }

    private mutating func drawNetwork() {
        setting.latencyNanoseconds = chance.one(of: [0, 0, 300_000, 5_000_000, 80_000_000])
        setting.splits = chance.happens(1, of: 2)
        setting.networkBytes = chance.one(of: floods ? [64, 1024] : [64, 1024, 1 << 16])
    }

    /// Draws how long the hub's turns take, so that other things happen before it has done all of its work.
    private mutating func drawPace() {
        setting.turnNanoseconds = chance.one(of: hoards ? [0, 20_000, 200_000] : [0, 0, 20_000])
        setting.hasNeighbour = chance.happens(1, of: hoards || Plan.isCrowd(seed: seed) ? 1 : 4)
        if hoards { setting.limits.turnSteps = chance.one(of: [1, 2, 8, 50]) }
        if Plan.isCrowd(seed: seed) { setting.limits.turnSteps = chance.one(of: [8, 50, 500]) }
    }

    private mutating func drawChannels(_ count: Int) {
        let kinds: [(String, ChannelDeclaration)] = [
            ("r", .rendezvous), ("r", .rendezvous), ("r", .rendezvous), ("b", .queue(capacity: 3, overflow: .block)),
            ("b", .queue(capacity: 1, overflow: .block)), ("n", .queue(capacity: 2, overflow: .dropNewest)),
            ("o", .queue(capacity: 2, overflow: .dropOldest)), ("w", .broadcast), ("v", .once),
        ]
        for number in 0..<max(count, 1) {
            let (prefix, declaration) = number == 0 ? kinds[chance.below(5)] : chance.one(of: kinds)
            guard let name = ChannelName("\(prefix)\(number)") else { continue }
            setting.channels.append(PlannedChannel(name: name, declaration: declaration))
        }
        if chance.happens(1, of: 3) { addChannelWithPolicy() }
    }

    /// Adds a channel with a failure policy, and its dead channel.
    private mutating func addChannelWithPolicy() {
        let capacity = chance.one(of: [0, 1, 3])
        guard let name = ChannelName("p\(setting.channels.count)"),
            let dead = ChannelName("d\(setting.channels.count)")
        else { return }
        let policy = FailurePolicy(
            maxAttempts: chance.happens(3, of: 4) ? 1 + chance.below(3) : nil, deadChannel: dead,
            retryDelay: chance.happens(1, of: 2) ? .milliseconds(1 + chance.below(100)) : nil)
        setting.channels.append(
            PlannedChannel(name: name, declaration: .queue(capacity: capacity, overflow: .block), policy: policy))
        setting.channels.append(
            PlannedChannel(name: dead, declaration: .queue(capacity: 1 + chance.below(3), overflow: .block)))
        mix.usesPolicies = true
    }

    // MARK: Actions

    private mutating func add(_ action: Action, of client: Int) {
        steps.append(Step(number: steps.count, time: time, client: client, action: action))
    }

    private mutating func action() -> Action {
        switch mix.choose(&chance) {
        case .send: send()
        case .burst: burst()
        case .receive: receive()
        case .countedReceive: countedReceive()
        case .select: select()
        case .barrier: barrier()
        case .cancel: .cancel(step: steps.count - 1 - chance.below(min(steps.count, 12)))
        case .manage: manage()
        case .inspect: inspect()
        case .fault: fault()
        }
    }

    /// The number of steps that the plan has so far.
    var stepCount: Int { steps.count }
    mutating func channel() -> PlannedChannel { chance.one(of: setting.channels) }
    mutating func milliseconds(_ most: Int) -> UInt64 { UInt64(1 + chance.below(most)) * 1_000_000 }

    private mutating func timeout() -> Duration? {
        switch chance.below(10) {
        case 0: .zero
        case 1..<7: .milliseconds(1 + chance.below(600))
        default: nil
        }
    }

    private mutating func isTagged(_ timeout: Duration?) -> Bool {
        chance.happens(timeout == nil ? 19 : 14, of: 20)
    }

    private mutating func send() -> Action {
        let (channel, timeout) = (channel(), timeout())
        var command = SendCommand(channel: channel.name, body: body("m\(steps.count).0"), timeout: timeout)
        if mix.usesIDs, "rb".contains(channel.name.description.prefix(1)), chance.happens(1, of: 3) {
            let text = "k\(chance.below(8))"
            command.body = .owned(Body(text.utf8))
            command.identity = MessageID(text).map { SendIdentity($0, epoch: chance.happens(1, of: 2) ? 42 : nil) }
            // Even numbers are those of calls, with exceptions, which the hub refuses while it knows the id.
            command.wantsAnswer =
                mix.usesCalls && (text.utf8.last.map { $0 % 2 == 0 } ?? false) != chance.happens(1, of: 16)
        } else if mix.usesCalls, chance.happens(1, of: 2) {
            command.wantsAnswer = true
        } else if chance.happens(1, of: 4) {
            command.until = .taken
        }
        if channel.isQueue, command.identity == nil, !command.wantsAnswer, chance.happens(1, of: 8) {
            command.delay = .milliseconds(1 + chance.below(400))
        }
        if channel.declaration == .broadcast, !command.wantsAnswer, chance.happens(1, of: 3) {
            command.minimumReceivers = 1 + chance.below(2)
        }
        command.waitsAfterEOF = chance.happens(1, of: 8)
        let isText = command == SendCommand(channel: command.channel, body: command.body) && chance.happens(2, of: 3)
        if !isText, steps.count % 3 == 0 { command.trace = TraceContext("trace-\(steps.count)") }
        return operate(.send(command), timeout, isText: isText)
    }

    /// Makes many sends without options in one write, most of them on the same channel.
    private mutating func burst() -> Action {
        var (channel, isTagged) = (channel(), chance.happens(1, of: 2))
        let operations = (0..<(2 + chance.below(40))).map { number in
            if chance.happens(1, of: 12) { channel = self.channel() }
            if chance.happens(1, of: 12) { isTagged.toggle() }
            let command = SendCommand(channel: channel.name, body: body("m\(steps.count).\(number)"))
            return Operation(
                command: .send(command), isTagged: isTagged, isText: chance.happens(11, of: 12),
                isFenced: chance.happens(1, of: 12))
        }
        return .burst(operations)
    }

    /// Makes a body that begins with the name of its message, and has a random length.
    private mutating func body(_ text: String) -> Body {
        let length = floods ? 500 + chance.below(1000) : chance.happens(1, of: 6) ? chance.below(1500) : 0
        return Body(text.utf8) + (length > 0 ? Body(" ".utf8) + Body(repeating: 0x2E, count: length) : [])
    }

    private mutating func operate(
        _ command: Command, _ timeout: Duration?, _ reaction: Reaction = .nothing, isText: Bool = false
    ) -> Action {
        .operate(
            Operation(
                command: command, isTagged: isTagged(timeout), isText: isText, reaction: reaction,
                isFenced: chance.happens(1, of: 2)))
    }

    private mutating func lease(on channel: PlannedChannel) -> Duration? {
        guard mix.usesLeases, channel.isQueue, chance.happens(3, of: 5) else { return nil }
        return chance.happens(1, of: 3) ? .milliseconds(1 + chance.below(400)) : .seconds(3600)
    }

    private mutating func reaction() -> Reaction {
        let delay = chance.happens(1, of: 3) ? 0 : milliseconds(500)
        switch chance.below(14) {
        case 0: return .nothing
        case 11, 12: return .refuse(after: delay)
        case 1...5: return .acknowledge(after: delay)
        case 6: return .acknowledgeTwice(after: delay)
        case 7, 8: return .reject(after: delay, delay: nil)
        case 9: return .reject(after: delay, delay: .milliseconds(1 + chance.below(400)))
        case 10: return .touchAndAcknowledge(after: delay)
        default: return .acknowledgeFromAnother(client: chance.below(setting.clients), after: delay)
        }
    }

    private mutating func receive() -> Action {
        let (channel, timeout) = (channel(), timeout())
        let command = ReceiveCommand(
            channel: channel.name, timeout: timeout, lease: lease(on: channel), waitsAfterEOF: chance.happens(1, of: 8))
        return operate(.receive(command), timeout, reaction())
    }

    private mutating func countedReceive() -> Action {
        let channel = channel()
        let isPlain = chance.happens(1, of: 3)
        var command = ReceiveCommand(channel: channel.name)
        if !isPlain { (command.timeout, command.lease) = (timeout(), lease(on: channel)) }
        command.count = chance.happens(1, of: 2) ? .endless : .exactly(1 + chance.below(5))
        if command.lease != nil, chance.happens(2, of: 3) { command.window = 1 + chance.below(3) }
        return .operate(
            Operation(command: .receive(command), reaction: reaction(), isFenced: chance.happens(1, of: 2)))
    }

    private mutating func select() -> Action {
        var arms: [Arm] = []
        for number in 0..<(1 + chance.below(3)) {
            let channel = channel()
            switch chance.below(8) {
            case 0 where mix.usesBarriers: arms.append(barrierArm())
            case 1..<5: arms.append(.receive(channel.name, lease: lease(on: channel)))
            default: arms.append(.send(channel.name, body("m\(steps.count).\(number)")))
            }
        }
        var command = SelectCommand(arms: arms, order: chance.one(of: [.fair, .first, .random]))
        command.hasElse = chance.happens(1, of: 8)
        command.timeout = command.hasElse ? nil : timeout()
        command.waitsAfterEOF = chance.happens(1, of: 8)
        return operate(.select(command), command.hasElse ? .zero : command.timeout, reaction())
    }

    private mutating func barrierArm() -> Arm {
        let parties = 2 + chance.below(2)
        guard let name = ChannelName("g\(parties)") else { return .barrier(setting.channels[0].name) }
        return .barrier(name, parties: chance.happens(1, of: 2) ? parties : nil)
    }

    private mutating func barrier() -> Action {
        let (parties, timeout) = (2 + chance.below(2), timeout())
        guard let name = ChannelName("g\(parties)") else { return .finishSending }
        return operate(.barrier(BarrierCommand(name, parties: parties, timeout: timeout)), timeout)
    }

    private mutating func manage() -> Action {
        let channel = channel()
        if channel.name.description.hasPrefix("d"), chance.happens(1, of: 2) {
            let count = chance.happens(1, of: 2) ? 1 + chance.below(3) : nil
            return .operate(Operation(command: .redrive(RedriveCommand(channel.name, count: count))))
        }
        guard endsChannels else {
            return .operate(Operation(command: channel.opening))
        }
        let side: ChannelEnd.Side = chance.happens(1, of: 2) ? .send : .receive
        let command: Command =
            switch chance.below(10) {
            case 0, 1: .close(channel.name)
            case 2: .poison(channel.name, "enough")
            case 3...5:
                .join(
                    JoinCommand(ChannelEnd(side, of: channel.name), onDeath: chance.happens(1, of: 3) ? .poison : nil))
            case 6: .leave(ChannelEnd(side, of: channel.name))
            default: channel.opening
            }
        return .operate(Operation(command: command, isFenced: true))
    }

    private mutating func inspect() -> Action {
        switch chance.below(6) {
        case 0:
            return .sendInvalidLine(
                chance.one(of: [
                    "fetch it", "recv", "send timeout=1 x y", "recv a b", "ack 1", "ack 1 2", "call r!", "recv r!",
                ]))
        case 1: return .operate(Operation(command: .hello()))
        case 2: return .operate(Operation(command: .ping(body("p"))))
        case 3: return .operate(Operation(command: .inspect(Inspection(.stuck))))
        case 4: return .operate(Operation(command: .inspect(Inspection(.waiters(channel: nil)))))
        default: return .operate(Operation(command: .inspect(Inspection(.channels(prefix: nil), format: .json))))
        }
    }

    private mutating func fault() -> Action {
        switch chance.below(10) {
        case 0, 1: .breakOff
        case 2, 3: .finishSending
        case 4: .operate(Operation(command: .quit))
        case 5, 6: .stall(nanoseconds: milliseconds(chance.happens(1, of: 8) ? 30_000 : floods ? 9000 : 800))
        case 7: .pauseWithinLine(nanoseconds: milliseconds(chance.happens(1, of: 4) ? 15_000 : 300))
        default: .jump(nanoseconds: milliseconds(chance.happens(1, of: 4) ? 20_000 : 500))
        }
    }
}
