import SluiceHub
import SluiceWire

/// Makes the plan of a seed.
///
/// Each seed draws which of the features its clients use, so that some seeds are full of one thing: a fault that needs
/// many of them, and nothing that hides it, is found by these.
package struct Planner {
    private var chance: Chance
    private let seed: UInt64
    private var setting = Setting()
    private var steps: [Step] = []
    private var time: UInt64 = 0
    private var appetite = Appetite()
    /// Whether some channels end while the clients are there.
    private var endsChannels = false
    /// Whether every message is long, and many clients take nothing for long: then the limits are reached.
    private var floods = false

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
        drawLimits()
        drawNetwork()
        drawChannels(isCrowd ? setting.clients / 30 : floods ? 1 : 1 + chance.below(4))
        appetite = Appetite(&chance, isCrowd: isCrowd)
        endsChannels = chance.happens(1, of: 2)
        for channel in setting.channels where channel.declaration != .rendezvous {
            add(.operate(Operation(command: .open(OpenCommand(channel.name, channel.declaration)))), of: 0)
        }
        time += 2 * setting.latency
        let count = isCrowd ? setting.clients * 3 : 120 + chance.below(200)
        let gap: UInt64 = chance.one(of: [200_000, 2_000_000, 10_000_000]) / (isCrowd ? 20 : 1)
        let flows = !isCrowd && chance.happens(1, of: 12)
        if flows { beginFlows() }
        for _ in 0..<count {
            time += chance.happens(1, of: 4) ? 0 : chance.upTo(2 * gap)
            if flows, chance.happens(2, of: 3) { flow() } else { add(deed(), of: chance.below(setting.clients)) }
        }
        if chance.happens(1, of: 6) { drain() }
    }

    /// Each channel has a client that receives without end, and is mostly alone in that.
    private mutating func beginFlows() {
        for (client, channel) in setting.channels.enumerated() where client < setting.clients {
            var command = ReceiveCommand(channel: channel.name)
            command.count = .endless
            add(.operate(Operation(command: .receive(command))), of: client)
        }
        time += 2 * setting.latency
    }

    /// Messages to these, who do not always take them.
    private mutating func flow() {
        if chance.happens(1, of: 6) {
            add(.stall(milliseconds(2000)), of: chance.below(setting.channels.count))
        } else {
            add(burst(), of: chance.below(setting.clients))
        }
    }

    /// Has the hub told to stop while the clients go on as if it were not.
    private mutating func drain() {
        let number = steps.count
        let time = time / 4 + chance.upTo(time / 4 * 3)
        let limit = chance.happens(1, of: 3) ? milliseconds(1000) : nil
        let place = steps.firstIndex { $0.time > time } ?? steps.count
        steps.insert(Step(number: number, time: time, client: -1, deed: .drain(within: limit)), at: place)
    }

    // MARK: The setting

    private mutating func drawLimits() {
        var limits = HubLimits()
        // Longer than any plan, so that what is remembered is never forgotten for its age.
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
        setting.limits = limits
    }

    private mutating func drawNetwork() {
        setting.latency = chance.one(of: [0, 0, 300_000, 5_000_000, 80_000_000])
        setting.splits = chance.happens(1, of: 2)
        setting.outputRoom = chance.one(of: floods ? [64, 1024] : [64, 1024, 1 << 16])
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
    }

    // MARK: Deeds

    private mutating func add(_ deed: Deed, of client: Int) {
        steps.append(Step(number: steps.count, time: time, client: client, deed: deed))
    }

    private mutating func deed() -> Deed {
        switch appetite.choose(&chance) {
        case .send: send()
        case .burst: burst()
        case .receive: receive()
        case .stream: stream()
        case .select: select()
        case .barrier: barrier()
        case .cancel: .cancel(step: steps.count - 1 - chance.below(min(steps.count, 12)))
        case .manage: manage()
        case .look: look()
        case .fault: fault()
        }
    }

    private mutating func channel() -> PlannedChannel { chance.one(of: setting.channels) }
    private mutating func milliseconds(_ most: Int) -> UInt64 { UInt64(1 + chance.below(most)) * 1_000_000 }

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

    private mutating func send() -> Deed {
        let (channel, timeout) = (channel(), timeout())
        var command = SendCommand(channel: channel.name, body: body("m\(steps.count).0"), timeout: timeout)
        if appetite.usesIDs, "rb".contains(channel.name.description.prefix(1)), chance.happens(1, of: 3) {
            let text = "k\(chance.below(8))"
            command.body = Body(text.utf8)
            command.identity = MessageID(text).map { SendIdentity($0, epoch: chance.happens(1, of: 2) ? 42 : nil) }
        } else if chance.happens(1, of: 4) {
            command.until = .taken
        }
        if channel.declaration == .broadcast, chance.happens(1, of: 3) {
            command.minimumReceivers = 1 + chance.below(2)
        }
        command.waitsAfterEOF = chance.happens(1, of: 8)
        let isText = command == SendCommand(channel: command.channel, body: command.body) && chance.happens(2, of: 3)
        return operate(.send(command), timeout, isText: isText)
    }

    /// Many sends without options in one write, most of them to the same channel: a stream of messages.
    private mutating func burst() -> Deed {
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

    /// A body that names its message, and is as long as it says.
    private mutating func body(_ text: String) -> Body {
        let length = floods ? 500 + chance.below(1000) : chance.happens(1, of: 6) ? chance.below(1500) : 0
        return Body(text.utf8) + (length > 0 ? Body(" ".utf8) + Body(repeating: 0x2E, count: length) : [])
    }

    private mutating func operate(
        _ command: Command, _ timeout: Duration?, _ reaction: Reaction = .nothing, isText: Bool = false
    ) -> Deed {
        .operate(
            Operation(
                command: command, isTagged: isTagged(timeout), isText: isText, reaction: reaction,
                isFenced: chance.happens(1, of: 2)))
    }

    private mutating func lease(on channel: PlannedChannel) -> Duration? {
        guard appetite.usesLeases, channel.isQueue, chance.happens(3, of: 5) else { return nil }
        return chance.happens(1, of: 3) ? .milliseconds(1 + chance.below(400)) : .seconds(3600)
    }

    private mutating func reaction() -> Reaction {
        let delay = chance.happens(1, of: 3) ? 0 : milliseconds(500)
        switch chance.below(12) {
        case 0: return .nothing
        case 1...5: return .acknowledge(after: delay)
        case 6: return .acknowledgeTwice(after: delay)
        case 7, 8: return .refuse(after: delay, delay: nil)
        case 9: return .refuse(after: delay, delay: .milliseconds(1 + chance.below(400)))
        case 10: return .touchAndAcknowledge(after: delay)
        default: return .haveAcknowledged(by: chance.below(setting.clients), after: delay)
        }
    }

    private mutating func receive() -> Deed {
        let (channel, timeout) = (channel(), timeout())
        let command = ReceiveCommand(
            channel: channel.name, timeout: timeout, lease: lease(on: channel), waitsAfterEOF: chance.happens(1, of: 8))
        return operate(.receive(command), timeout, reaction())
    }

    private mutating func stream() -> Deed {
        let channel = channel()
        let isPlain = chance.happens(1, of: 3)
        var command = ReceiveCommand(channel: channel.name)
        if !isPlain { (command.timeout, command.lease) = (timeout(), lease(on: channel)) }
        command.count = chance.happens(1, of: 2) ? .endless : .exactly(1 + chance.below(5))
        if command.lease != nil, chance.happens(2, of: 3) { command.window = 1 + chance.below(3) }
        return .operate(
            Operation(command: .receive(command), reaction: reaction(), isFenced: chance.happens(1, of: 2)))
    }

    private mutating func select() -> Deed {
        var arms: [Arm] = []
        for number in 0..<(1 + chance.below(3)) {
            let channel = channel()
            switch chance.below(8) {
            case 0 where appetite.usesBarriers: arms.append(barrierArm())
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

    private mutating func barrier() -> Deed {
        let (parties, timeout) = (2 + chance.below(2), timeout())
        guard let name = ChannelName("g\(parties)") else { return .finishSending }
        return operate(.barrier(BarrierCommand(name, parties: parties, timeout: timeout)), timeout)
    }

    private mutating func manage() -> Deed {
        let channel = channel()
        guard endsChannels else {
            return .operate(Operation(command: .open(OpenCommand(channel.name, channel.declaration))))
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
            default: .open(OpenCommand(channel.name, channel.declaration))
            }
        return .operate(Operation(command: command, isFenced: true))
    }

    private mutating func look() -> Deed {
        switch chance.below(6) {
        case 0:
            return .babble(chance.one(of: ["fetch it", "recv", "send timeout=1 x y", "recv a b", "ack 1", "recv r!"]))
        case 1: return .operate(Operation(command: .hello))
        case 2: return .operate(Operation(command: .ping(body("p"))))
        case 3: return .operate(Operation(command: .inspect(Inspection(.stuck))))
        case 4: return .operate(Operation(command: .inspect(Inspection(.waiters(channel: nil)))))
        default: return .operate(Operation(command: .inspect(Inspection(.channels(prefix: nil), format: .json))))
        }
    }

    private mutating func fault() -> Deed {
        switch chance.below(10) {
        case 0, 1: .breakOff
        case 2, 3: .finishSending
        case 4: .operate(Operation(command: .quit))
        case 5, 6: .stall(milliseconds(chance.happens(1, of: 8) ? 30_000 : floods ? 9000 : 800))
        case 7: .hesitate(milliseconds(chance.happens(1, of: 4) ? 15_000 : 300))
        default: .jump(milliseconds(chance.happens(1, of: 4) ? 20_000 : 500))
        }
    }
}
