import SluiceWire

/// A command that concerns other clients.
enum HubOperation: Sendable, Hashable {
    case send(SendCommand)
    case receive(ReceiveCommand)
    case select(SelectCommand)
    case barrier(BarrierCommand)
    case acknowledge(DeliveryID)
    case refuse(RefuseCommand)
    case touch(DeliveryID)
    case open(OpenCommand)
    case close(ChannelName)
    case poison(ChannelName, String?)
    case join(JoinCommand)
    case leave(ChannelEnd)
    case name(ChannelName)
    case trace(TraceCommand)

    /// Whether the operation may have to wait.
    var mayPark: Bool {
        switch self {
        case .send, .receive, .select, .barrier, .trace: true
        case .acknowledge, .refuse, .touch, .open, .close, .poison, .join, .leave, .name: false
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
        case handoff(Handoff)
    }

    let connection: ConnectionID
    let operation: OperationID
    let tag: Tag?
    let content: Content
}
