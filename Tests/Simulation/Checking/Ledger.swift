import SluiceWire

/// A history in the order in which the rules look at it: by message, by channel, by delivery.
struct Ledger {
    let history: History
    private(set) var stories: [Story] = []
    private(set) var channels: [ChannelStory] = []
    /// What was received and names no message that was sent.
    private(set) var strange: [String] = []
    private var storyNumbers: [MessageName: Int] = [:]
    private var channelNumbers: [ChannelName: Int] = [:]
    /// What was asked of each delivery, in the order of the asking.
    private(set) var settlings: [DeliveryID: [Act]] = [:]

    init(_ history: History) {
        self.history = history
        for channel in history.plan.setting.channels { _ = channelNumber(channel.name) }
        for number in history.acts.indices { enterAct(number) }
        for number in history.acts.indices { enterReceipts(number) }
        for number in stories.indices { stories[number].receipts.sort { $0.moment < $1.moment } }
    }

    var acts: [Act] { history.acts }
    var rest: Moment { history.rest.moment }

    /// Whether the client of an act will hear no more of it.
    func isLost(_ act: Act) -> Bool { act.final == nil && history.lines[act.line].end != nil }

    /// Up to when an act whose client has heard nothing may have been done.
    func end(of act: Act) -> Moment { act.final?.moment ?? Moment(serial: .max, time: .max) }

    private mutating func channelNumber(_ name: ChannelName) -> Int {
        if let number = channelNumbers[name] { return number }
        channelNumbers[name] = channels.count
        channels.append(
            ChannelStory(
                name: name,
                declaration: history.plan.setting.channels.first { $0.name == name }?.declaration ?? .rendezvous))
        return channels.count - 1
    }

    func channel(_ name: ChannelName) -> ChannelStory? { channelNumbers[name].map { channels[$0] } }

    // MARK: Entering

    private mutating func enterAct(_ number: Int) {
        let act = acts[number]
        switch act.command {
        case .send(let send):
            enterSend(SendView(act: number, arm: nil), send.channel, send.body, hasID: send.identity != nil)
        case .receive(let receive): channels[channelNumber(receive.channel)].receives.append(number)
        case .select(let select):
            for (place, arm) in select.arms.enumerated() {
                switch arm {
                case .send(let name, let body, let id):
                    enterSend(SendView(act: number, arm: place), name, body, hasID: id != nil)
                case .receive(let name, _): channels[channelNumber(name)].receives.append(number)
                case .barrier: break
                }
            }
        case .acknowledge(let delivery), .touch(let delivery): settlings[delivery, default: []].append(act)
        case .nack(let command): settlings[command.delivery, default: []].append(act)
        case .close(let name): channels[channelNumber(name)].closes.append(number)
        case .poison(let name, _):
            // Those of the end, when everybody has gone, are nobody's affair.
            if !act.isAuditors { channels[channelNumber(name)].poisons.append(number) }
        case .open(let command): channels[channelNumber(command.channel)].opens.append(number)
        case .join(let command): channels[channelNumber(command.end.channel)].joins.append(number)
        case .leave(let end): channels[channelNumber(end.channel)].leaves.append(number)
        case .hello, .authenticate, .name, .ping, .barrier, .inspect, .trace, .cancel, .help, .quit, nil: break
        }
    }

    private mutating func enterSend(_ send: SendView, _ channel: ChannelName, _ body: Body, hasID: Bool) {
        let name = MessageName(channel: channel, text: MessageName.text(of: body))
        let number = storyNumbers[name] ?? stories.count
        if number == stories.count {
            storyNumbers[name] = number
            stories.append(Story(name: name, body: body, hasID: hasID))
            channels[channelNumber(channel)].stories.append(number)
        }
        stories[number].sends.append(send)
    }

    private mutating func enterReceipts(_ number: Int) {
        let act = acts[number]
        for (moment, reply) in act.parts + (act.final.map { [$0] } ?? []) {
            guard case .message(let channel, let body, let attributes) = reply else { continue }
            let name = MessageName(channel: channel, text: MessageName.text(of: body))
            guard let story = storyNumbers[name], stories[story].body == body else {
                strange.append("\(name) was received by act \(number), and sent by nobody")
                continue
            }
            let arm = attributes.number(of: .arm)
            stories[story].receipts.append(
                Receipt(
                    act: number, moment: moment, arm: arm,
                    delivery: attributes.first { $0.key == .delivery }.flatMap { DeliveryID($0.value) },
                    attempt: attributes.number(of: .attempt), lease: act.command?.lease(ofArm: arm)))
        }
    }
}

/// What names a message: the first word of its body, on its channel.
struct MessageName: Hashable, Sendable, CustomStringConvertible {
    let channel: ChannelName
    let text: String

    static func text(of body: Body) -> String {
        String(decoding: body.prefix { $0 != 0x20 }, as: UTF8.self)
    }

    var description: String { "\(text) on \(channel)" }
}

extension [Attribute] {
    /// The number that the attribute of that key has.
    func number(of key: Attribute.Key) -> Int? { first { $0.key == key }.flatMap { Int($0.value) } }
}

extension Command {
    /// How long an arm's message may be held; of a plain receive with nil for the arm.
    func lease(ofArm arm: Int?) -> Duration? {
        switch self {
        case .receive(let command): return command.lease
        case .select(let command):
            guard let arm, command.arms.indices.contains(arm), case .receive(_, let lease) = command.arms[arm] else {
                return nil
            }
            return lease
        case .hello, .authenticate, .name, .ping, .send, .barrier, .acknowledge, .nack, .touch, .open, .close,
            .poison, .join, .leave, .inspect, .trace, .cancel, .help, .quit:
            return nil
        }
    }

    /// For how long the command waits; nil for ever.
    var patience: Duration? {
        switch self {
        case .send(let command): command.timeout
        case .receive(let command): command.timeout
        case .select(let command): command.timeout
        case .barrier(let command): command.timeout
        case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .touch, .open, .close, .poison, .join, .leave,
            .inspect, .trace, .cancel, .help, .quit:
            nil
        }
    }

    /// Whether the command goes on when its client has finished sending.
    var waitsAfterEOF: Bool {
        switch self {
        case .send(let command): command.waitsAfterEOF
        case .receive(let command): command.waitsAfterEOF
        case .select(let command): command.waitsAfterEOF
        case .barrier(let command): command.waitsAfterEOF
        case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .touch, .open, .close, .poison, .join, .leave,
            .inspect, .trace, .cancel, .help, .quit:
            false
        }
    }

    /// Whether the command may wait at all.
    var mayWait: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .trace: true
        case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .touch, .open, .close, .poison, .join, .leave,
            .inspect, .cancel, .help, .quit:
            false
        }
    }
}
