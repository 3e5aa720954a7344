import SluiceWire

/// What a command asks of its session, with the command's tag.
struct SessionStep {
    enum Action {
        case answer(Reply)
        case operate(HubOperation)
        case cancel(Tag)
    }

    let tag: Tag?
    let action: Action
}

extension Command {
    /// The operation on the hub that the command is; nil when it is the session's own.
    var operation: HubOperation? {
        switch self {
        case .send(let command): .send(command)
        case .receive(let command): .receive(command)
        case .select(let command): .select(command)
        case .barrier(let command): .barrier(command)
        case .acknowledge(let delivery): .acknowledge(delivery)
        case .refuse(let command): .refuse(command)
        case .touch(let delivery): .touch(delivery)
        case .open(let command): .open(command)
        case .close(let channel): .close(channel)
        case .poison(let channel, let reason): .poison(channel, reason)
        case .join(let command): .join(command)
        case .leave(let end): .leave(end)
        case .name(let label): .name(label)
        case .trace(let command): .trace(command)
        case .hello, .authenticate, .ping, .inspect, .cancel, .help, .quit: nil
        }
    }
}
