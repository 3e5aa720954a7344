import SluiceWire

/// What a client has told the server about its connection and its channels, and tells it again on a new connection.
struct ConnectionMemory {
    private var name: Command?
    private var ends: [ChannelEnd: JoinCommand] = [:]
    private var openings: [ChannelName: OpenCommand] = [:]

    init(label: ChannelName?) {
        name = label.map { .name($0) }
    }

    /// Records a command that the server has answered with `OK`.
    mutating func note(_ command: Command) {
        switch command {
        case .name: name = command
        case .join(let command): ends[command.end] = command
        case .leave(let end): ends[end] = nil
        case .open(let command): openings[command.channel] = command
        case .close(let channel), .poison(let channel, _): openings[channel] = nil
        case .hello, .authenticate, .ping, .send, .receive, .select, .barrier, .acknowledge, .nack, .reject, .redrive,
            .touch, .inspect,
            .trace, .kill, .cancel, .help, .quit:
            break
        }
    }

    /// The commands for a new connection.
    ///
    /// - Parameter isNewServer: whether the server was restarted, and has forgotten its channels.
    func commands(isNewServer: Bool) -> [Command] {
        let channels = isNewServer ? openings.values.sorted { $0.channel.description < $1.channel.description } : []
        return (name.map { [$0] } ?? []) + channels.map { .open($0) } + ends.values.map { .join($0) }
    }
}
