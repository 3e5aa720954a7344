import SluiceRuntime
import SluiceWire

extension Command {
    /// The queue in which it waits for a tag; nil when the server answers it at once, so that it needs none.
    var lane: Lane? {
        switch self {
        case .send: .sending
        case .receive, .barrier, .redrive, .trace: .taking
        case .select(let command): command.sendsOrMeets ? .sending : .taking
        case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .reject, .touch, .open, .close, .poison, .join,
            .leave,
            .inspect, .kill, .cancel, .help, .quit:
            nil
        }
    }

    var recovery: Recovery {
        switch self {
        case .receive, .trace, .inspect, .ping, .name, .open, .close, .poison, .join, .help, .hello: .again
        case .send(let command): command.identity == nil ? .inDoubt : .withIdentity
        case .select(let command): command.sendsOrMeets ? .inDoubt : .again
        case .barrier, .acknowledge, .redrive: .inDoubt
        case .nack, .reject, .touch: .stale
        case .leave, .authenticate, .kill, .cancel, .quit: .disconnected
        }
    }

    var bodyBytes: Int {
        switch self {
        case .send(let command): command.body.count
        case .acknowledge(let command): command.answer?.count ?? 0
        case .select(let command):
            command.arms.reduce(0) { sum, arm in
                if case .send(_, let body, _, _) = arm { sum + body.count } else { sum }
            }
        case .hello, .authenticate, .name, .ping, .receive, .barrier, .nack, .reject, .redrive, .touch, .open, .close,
            .poison,
            .join, .leave, .inspect, .trace, .kill, .cancel, .help, .quit:
            0
        }
    }

    /// How long it may wait; nil when there is no limit, or when it never waits.
    var timeout: Duration? {
        get {
            switch self {
            case .send(let command): command.timeout
            case .receive(let command): command.timeout
            case .select(let command): command.timeout
            case .barrier(let command): command.timeout
            case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .reject, .redrive, .touch, .open, .close,
                .poison, .join,
                .leave, .inspect, .trace, .kill, .cancel, .help, .quit:
                nil
            }
        }
        set {
            switch self {
            case .send(var command):
                command.timeout = newValue
                self = .send(command)
            case .receive(var command):
                command.timeout = newValue
                self = .receive(command)
            case .select(var command):
                command.timeout = newValue
                self = .select(command)
            case .barrier(var command):
                command.timeout = newValue
                self = .barrier(command)
            case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .reject, .redrive, .touch, .open, .close,
                .poison, .join,
                .leave, .inspect, .trace, .kill, .cancel, .help, .quit:
                break
            }
        }
    }

    /// Whether replies come before the final one.
    var hasParts: Bool {
        switch self {
        case .receive(let command): command.count != nil
        case .trace: true
        case .hello, .authenticate, .name, .ping, .send, .select, .barrier, .acknowledge, .nack, .reject, .redrive,
            .touch, .open, .close,
            .poison, .join, .leave, .inspect, .kill, .cancel, .help, .quit:
            false
        }
    }
}

extension SelectCommand {
    /// Whether an arm sends or passes a barrier, which cannot be done twice without harm.
    fileprivate var sendsOrMeets: Bool {
        arms.contains { arm in
            switch arm {
            case .send, .barrier: true
            case .receive: false
            }
        }
    }
}
