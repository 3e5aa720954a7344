import SluiceWire

extension Command {
    /// Whether the command runs under the hub's lock.
    var runsUnderLock: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .acknowledge, .nack, .touch, .open, .close, .poison, .join, .leave,
            .name, .trace, .cancel, .ping:
            true
        case .hello, .authenticate, .inspect, .help, .quit: false
        }
    }

    /// Whether the command may have to wait.
    var mayPark: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .trace: true
        case .acknowledge, .nack, .touch, .open, .close, .poison, .join, .leave, .name, .hello, .authenticate, .ping,
            .inspect, .cancel, .help, .quit:
            false
        }
    }
}

extension Command {
    /// Whether something may begin with the command that a hub which is about to stop could not see to its end.
    var beginsWork: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .open, .join, .trace: true
        case .acknowledge, .nack, .touch, .close, .poison, .leave, .name, .hello, .authenticate, .ping, .inspect,
            .cancel, .help, .quit:
            false
        }
    }
}

/// Whose operation it is, and the tag that its reply will carry.
struct Caller: Sendable, Hashable {
    let connection: ConnectionID
    let tag: Tag?
}

/// What became of an operation.
enum Outcome: Sendable, Hashable {
    /// It is complete; this is its reply.
    case done(Reply)
    /// It waits: its replies will be effects.
    case parked(OperationID)
}

/// Something that the client of a parked operation is to be told.
struct Effect: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        /// The operation is over.
        case final(Reply)
        /// A message of a counted receive, which goes on.
        case partial(Reply)
        /// A handoff that the client traces.
        indirect case handoff(Handoff)
        /// The client holds no message any more, which matters while the hub drains.
        case released
    }

    let connection: ConnectionID
    let operation: OperationID
    let tag: Tag?
    let content: Content

    init(_ caller: Caller, _ operation: OperationID, _ content: Content) {
        connection = caller.connection
        self.operation = operation
        tag = caller.tag
        self.content = content
    }

    /// The connection holds no lease any more.
    static func released(_ connection: ConnectionID) -> Effect {
        Effect(Caller(connection: connection, tag: nil), noOperation, .released)
    }

    private static let noOperation = OperationID(slot: -1, serial: 0)
}
