import SluiceWire

extension Command {
    /// Whether the command runs under the hub's lock.
    var runsUnderLock: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .acknowledge, .nack, .reject, .redrive, .touch, .open, .close, .poison,
            .join, .leave,
            .name, .trace, .cancel, .ping:
            true
        case .hello, .authenticate, .inspect, .kill, .help, .quit: false
        }
    }

    /// Whether the command may have to wait.
    var mayPark: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .redrive, .trace: true
        case .acknowledge, .nack, .reject, .touch, .open, .close, .poison, .join, .leave, .name, .hello, .authenticate,
            .ping,
            .inspect, .kill, .cancel, .help, .quit:
            false
        }
    }
}

extension Command {
    /// Whether the command may begin work that a draining hub could not complete.
    var beginsWork: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .redrive, .open, .join, .trace: true
        case .acknowledge, .nack, .reject, .touch, .close, .poison, .leave, .name, .hello, .authenticate, .ping,
            .inspect,
            .kill, .cancel, .help, .quit:
            false
        }
    }
}

/// The connection that an operation belongs to, and the tag for its reply.
struct Caller: Sendable, Hashable {
    let connection: ConnectionID
    let tag: Tag?
}

/// The result of applying a command.
enum Outcome: Sendable, Hashable {
    /// The operation is complete, and its reply is `OK`. A `Reply` for that took a thirtieth of a handoff.
    case ok(CommonAttributes)
    /// The operation is complete, with this reply.
    case done(Reply)
    /// The operation is complete, and its client wants no reply.
    case unreported
    /// The operation is parked. Its replies follow as effects.
    case parked(OperationID)

    /// The reply. Nil if there is none, or if the operation is parked.
    var reply: Reply? {
        switch self {
        case .ok(let attributes): .ok(Attributes(attributes))
        case .done(let reply): reply
        case .unreported, .parked: nil
        }
    }
}

/// A reply or event for the client of a parked operation.
struct Effect: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        /// The operation has ended.
        case final(Reply)
        /// A message of a counted receive that continues.
        case partial(Reply)
        /// A handoff that the client is tracing.
        indirect case handoff(Handoff)
        /// The client no longer holds a lease, which matters while the hub drains.
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

    /// Returns the effect for a connection that no longer holds a lease.
    static func released(_ connection: ConnectionID) -> Effect {
        Effect(Caller(connection: connection, tag: nil), noOperation, .released)
    }

    private static let noOperation = OperationID(slot: -1, serial: 0)
}
