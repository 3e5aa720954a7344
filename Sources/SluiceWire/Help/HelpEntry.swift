/// The help text of one verb.
struct HelpEntry {
    /// A few words for the list of verbs.
    let summary: String
    /// The forms of the command.
    let usage: [String]
    /// What the command does, how it is answered, and its options.
    let details: String

    init(_ summary: String, usage: String..., details: String) {
        self.summary = summary
        self.usage = usage
        self.details = details
    }

    init(_ verb: Verb, _ limits: Limits) {
        switch verb {
        case .hello: self = .hello
        case .authenticate: self = .authenticate
        case .name: self = .name
        case .ping: self = .ping
        case .send: self = .send(limits)
        case .call: self = .call(limits)
        case .receive: self = .receive(limits)
        case .select: self = .select(limits)
        case .barrier: self = .barrier
        case .acknowledge: self = .acknowledge
        case .nack: self = .nack
        case .reject: self = .reject
        case .touch: self = .touch
        case .open: self = .open(limits)
        case .close: self = .close
        case .poison: self = .poison
        case .redrive: self = .redrive
        case .join: self = .join
        case .leave: self = .leave
        case .info: self = .info
        case .channels: self = .channels
        case .waiters: self = .waiters
        case .clients: self = .clients
        case .stuck: self = .stuck
        case .trace: self = .trace
        case .kill: self = .kill
        case .cancel: self = .cancel(limits)
        case .help: self = .help
        case .quit: self = .quit
        }
    }
}
