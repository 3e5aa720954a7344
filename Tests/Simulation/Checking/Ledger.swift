import SluiceWire

/// A history indexed by message, by channel and by delivery.
struct Ledger {
    let history: History
    private(set) var messages: [MessageRecord] = []
    private(set) var channels: [ChannelRecord] = []
    /// Sentences about received messages that were never sent.
    private(set) var phantoms: [String] = []
    private var messageNumbers: [MessageName: Int] = [:]
    private var channelNumbers: [ChannelName: Int] = [:]
    /// The commands that acknowledge, reject or touch each delivery, in the order in which they were sent.
    private(set) var settlings: [DeliveryID: [Exchange]] = [:]

    init(_ history: History) {
        self.history = history
        for channel in history.plan.setting.channels { _ = channelNumber(channel.name) }
        for number in history.exchanges.indices { enterExchange(number) }
        for number in history.exchanges.indices { enterReceipts(number) }
        for number in messages.indices { messages[number].receipts.sort { $0.moment < $1.moment } }
    }

    var exchanges: [Exchange] { history.exchanges }
    var rest: Moment { history.rest.moment }

    /// Returns whether the connection ended before the command was answered.
    func isLost(_ exchange: Exchange) -> Bool {
        exchange.final == nil && history.connections[exchange.connection].end != nil
    }

    /// Returns whether the hub may have had too much to do to notice by `moment` what was due at `time`.
    func mayBeLate(due time: UInt64, at moment: Moment) -> Bool {
        history.backlogs.contains { $0.from <= time && moment.time <= $0.to }
    }

    /// Returns the moment up to which the hub may have performed the command.
    func end(of exchange: Exchange) -> Moment { exchange.final?.moment ?? Moment(serial: .max, time: .max) }

    private mutating func channelNumber(_ name: ChannelName) -> Int {
        if let number = channelNumbers[name] { return number }
        channelNumbers[name] = channels.count
        let planned = history.plan.setting.channels.first { $0.name == name }
        channels.append(
            ChannelRecord(
                name: name, declaration: planned?.declaration ?? .rendezvous, policy: planned?.policy))
        return channels.count - 1
    }

    /// Whether a client has sent dead letters back to their channels, where their attempts begin anew.
    var hasRedrives: Bool { channels.contains { !$0.redrives.isEmpty } }

    func channel(_ name: ChannelName) -> ChannelRecord? { channelNumbers[name].map { channels[$0] } }

    /// Whether the client of an exchange has said before, on the same connection, that it understands an addition.
    func understands(_ feature: Feature, _ exchange: Exchange) -> Bool {
        let first = history.connections[exchange.connection].exchanges.first.map { exchanges[$0] }
        guard case .hello(let features?) = first?.command else { return false }
        return features.contains(feature)
    }

    // MARK: Indexing

    private mutating func enterExchange(_ number: Int) {
        let exchange = exchanges[number]
        switch exchange.command {
        case .send(let send):
            enterSend(SendRecord(exchange: number, arm: nil), send.channel, send.body.body, hasID: send.identity != nil)
        case .receive(let receive): channels[channelNumber(receive.channel)].receives.append(number)
        case .select(let select):
            for (place, arm) in select.arms.enumerated() {
                switch arm {
                case .send(let name, let body, let id, _):
                    enterSend(SendRecord(exchange: number, arm: place), name, body, hasID: id != nil)
                case .receive(let name, _): channels[channelNumber(name)].receives.append(number)
                case .barrier: break
                }
            }
        case .acknowledge(let command): settlings[command.delivery, default: []].append(exchange)
        case .touch(let delivery): settlings[delivery, default: []].append(exchange)
        case .reject(let command): settlings[command.delivery, default: []].append(exchange)
        case .nack(let command): settlings[command.delivery, default: []].append(exchange)
        case .close(let name): channels[channelNumber(name)].closes.append(number)
        case .poison(let name, _):
            // The poisonings at the end, when all clients have disconnected, do not count.
            if !exchange.isFromAuditor { channels[channelNumber(name)].poisons.append(number) }
        case .open(let command): channels[channelNumber(command.channel)].opens.append(number)
        case .redrive(let command): channels[channelNumber(command.channel)].redrives.append(number)
        case .join(let command): channels[channelNumber(command.end.channel)].joins.append(number)
        case .leave(let end): channels[channelNumber(end.channel)].leaves.append(number)
        case .hello, .authenticate, .name, .ping, .barrier, .inspect, .trace, .kill, .cancel, .help, .quit, nil:
            break
        }
    }

    private mutating func enterSend(_ send: SendRecord, _ channel: ChannelName, _ body: Body, hasID: Bool) {
        let name = MessageName(channel: channel, text: MessageName.text(of: body))
        let number = messageNumbers[name] ?? messages.count
        if number == messages.count {
            messageNumbers[name] = number
            messages.append(MessageRecord(name: name, body: body, hasID: hasID))
            channels[channelNumber(channel)].messages.append(number)
        }
        messages[number].sends.append(send)
    }

    private mutating func enterReceipts(_ number: Int) {
        let exchange = exchanges[number]
        for (moment, reply) in exchange.parts + (exchange.final.map { [$0] } ?? []) {
            guard case .message(let channel, let body, let attributes) = reply else { continue }
            let origin = RejectedOrigin(attributes).flatMap { ChannelName($0.channel) }
            let name = MessageName(channel: origin ?? channel, text: MessageName.text(of: body))
            guard let message = messageNumbers[name], messages[message].body == body else {
                phantoms.append("\(name) was received by t\(number), but never sent")
                continue
            }
            let arm = attributes.number(of: .arm)
            messages[message].receipts.append(
                Receipt(
                    exchange: number, moment: moment, arm: arm,
                    delivery: attributes.first { $0.key == .delivery }.flatMap { DeliveryID($0.value) },
                    attempt: attributes.number(of: .attempt), isCall: attributes.isCall,
                    lease: exchange.command?.lease(ofArm: arm),
                    fence: attributes.fence, trace: attributes.trace, channel: channel, isDead: origin != nil))
        }
    }
}

/// The identity of a message: its channel and the first word of its body.
struct MessageName: Hashable, Sendable, CustomStringConvertible {
    let channel: ChannelName
    let text: String

    static func text(of body: Body) -> String {
        String(decoding: body.prefix { $0 != 0x20 }, as: UTF8.self)
    }

    var description: String { "\(text) on \(channel)" }
}

extension Attributes {
    /// Returns the number that is the value of the attribute with the key.
    func number(of key: Attribute.Key) -> Int? { first { $0.key == key }.flatMap { Int($0.value) } }
}

extension Command {
    /// Returns the lease that an arm of a select, or a receive if `arm` is nil, asks for.
    func lease(ofArm arm: Int?) -> Duration? {
        switch self {
        case .receive(let command): return command.lease
        case .select(let command):
            guard let arm, command.arms.indices.contains(arm), case .receive(_, let lease) = command.arms[arm] else {
                return nil
            }
            return lease
        case .hello, .authenticate, .name, .ping, .send, .barrier, .acknowledge, .nack, .reject, .redrive, .touch,
            .open, .close,
            .poison, .join, .leave, .inspect, .trace, .kill, .cancel, .help, .quit:
            return nil
        }
    }

    /// How long the command waits; nil is without end.
    var timeout: Duration? {
        switch self {
        case .send(let command): command.timeout
        case .receive(let command): command.timeout
        case .select(let command): command.timeout
        case .barrier(let command): command.timeout
        case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .reject, .redrive, .touch, .open, .close,
            .poison, .join, .leave,
            .inspect, .trace, .kill, .cancel, .help, .quit:
            nil
        }
    }

    /// Whether the command stays parked when its client has finished sending.
    var waitsAfterEOF: Bool {
        switch self {
        case .send(let command): command.waitsAfterEOF
        case .receive(let command): command.waitsAfterEOF
        case .select(let command): command.waitsAfterEOF
        case .barrier(let command): command.waitsAfterEOF
        case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .reject, .redrive, .touch, .open, .close,
            .poison, .join, .leave,
            .inspect, .trace, .kill, .cancel, .help, .quit:
            false
        }
    }

    /// Whether the command can be parked.
    var mayWait: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .trace: true
        case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .reject, .redrive, .touch, .open, .close,
            .poison, .join, .leave,
            .inspect, .kill, .cancel, .help, .quit:
            false
        }
    }
}
