import SluiceRuntime
import SluiceWire

/// How an operation has ended.
enum OperationOutcome: Sendable {
    /// The server has answered, over the connection of that number.
    case reply(Reply, connection: Int)
    /// It ended without an answer.
    case failed(SluiceError)
}

/// What an operation is told.
enum OperationEvent: Sendable {
    /// A reply that is not the last one: of a counted receive, or of a trace.
    case part(Reply, connection: Int)
    case ended(OperationOutcome)
}

/// One command on its way: from the call that wants it done up to its final reply, over more than one connection where it
/// must be.
final class Operation: @unchecked Sendable {
    // Sendable: `listener` is set before the operation is submitted, and everything else that changes is behind the lock of
    // the conversation that it was submitted to.

    enum Stage {
        case new
        /// Waits for a connection, or for a tag.
        case queued
        /// The server has it, under the tag of this slot.
        case pending(Int)
        /// The server has it, without a tag: it answers at once.
        case asked
        case ended
    }

    /// Whom to tell.
    enum Listener {
        case none
        case task(UnsafeContinuation<OperationOutcome, Never>)
        case handler(@Sendable (OperationEvent) -> Void)
    }

    var command: Command
    /// Where it waits for its turn; nil when the server answers it at once.
    let lane: Lane?
    /// Whether it is a send with an id.
    let hasIdentity: Bool
    /// How many bytes it sends besides its line.
    let bodyBytes: Int
    /// The only connection over which it makes sense, where it is about a message that came over that one.
    let connection: Int?
    var listener = Listener.none
    var stage = Stage.new
    /// Whether whoever waits for it wants it no more.
    var isCancelled = false
    /// Its place among all operations of the conversation, for their order after a new connection.
    var serial: UInt64 = 0
    /// When its time is over, by the clock of the reactor.
    var deadline: UInt64?
    /// Whether it has waited in the client, so that less of its time is left than `command` says.
    var wasDelayed = false
    /// When the server was last heard of before the connection was lost over which this may have happened already.
    var inDoubtSince: UInt64?

    var isQueued: Bool {
        if case .queued = stage { true } else { false }
    }

    init(_ command: Command, connection: Int? = nil) {
        self.command = command
        self.connection = connection
        lane = command.lane
        bodyBytes = command.bodyBytes
        hasIdentity = if case .send(let send) = command { send.identity != nil } else { false }
    }

    func tell(_ event: OperationEvent) {
        switch (listener, event) {
        case (.task(let continuation), .ended(let outcome)): continuation.resume(returning: outcome)
        case (.handler(let handle), _): handle(event)
        case (.task, .part), (.none, _): break
        }
    }
}

/// The commands that may wait are of two kinds, each with a share of the tags: however many receives wait, a send finds a
/// tag, and the other way round.
enum Lane: Sendable {
    /// Receives, and all else that may wait and sends nothing.
    case taking
    case sending
}

/// What becomes of a command whose connection was lost before its final reply.
enum Recovery: Sendable {
    /// It is asked for again: it has not happened, or it makes no difference if it happens twice.
    case again
    /// It is asked for again under its id.
    case withIdentity
    /// Nobody can tell whether it has happened.
    case inDoubt
    /// It was about a message that has gone back with the connection.
    case stale
    /// It was about the connection itself.
    case disconnected
}

extension Command {
    /// Where it waits for its turn; nil when the server answers it at once, and it needs no tag.
    var lane: Lane? {
        switch self {
        case .send: .sending
        case .receive, .barrier, .trace: .taking
        case .select(let command): command.sendsOrMeets ? .sending : .taking
        case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .touch, .open, .close, .poison, .join, .leave,
            .inspect, .cancel, .help, .quit:
            nil
        }
    }

    var recovery: Recovery {
        switch self {
        case .receive, .trace, .inspect, .ping, .name, .open, .close, .poison, .join, .help, .hello: .again
        case .send(let command): command.identity == nil ? .inDoubt : .withIdentity
        case .select(let command): command.sendsOrMeets ? .inDoubt : .again
        case .barrier, .acknowledge: .inDoubt
        case .nack, .touch: .stale
        case .leave, .authenticate, .cancel, .quit: .disconnected
        }
    }

    var bodyBytes: Int {
        switch self {
        case .send(let command): command.body.count
        case .select(let command):
            command.arms.reduce(0) { sum, arm in if case .send(_, let body, _) = arm { sum + body.count } else { sum } }
        case .hello, .authenticate, .name, .ping, .receive, .barrier, .acknowledge, .nack, .touch, .open, .close,
            .poison, .join, .leave, .inspect, .trace, .cancel, .help, .quit:
            0
        }
    }

    /// How long it may wait; nil for ever, or when it does not wait.
    var timeout: Duration? {
        get {
            switch self {
            case .send(let command): command.timeout
            case .receive(let command): command.timeout
            case .select(let command): command.timeout
            case .barrier(let command): command.timeout
            case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .touch, .open, .close, .poison, .join,
                .leave, .inspect, .trace, .cancel, .help, .quit:
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
            case .hello, .authenticate, .name, .ping, .acknowledge, .nack, .touch, .open, .close, .poison, .join,
                .leave, .inspect, .trace, .cancel, .help, .quit:
                break
            }
        }
    }

    /// Whether `reply` precedes the final one.
    func isPart(_ reply: Reply) -> Bool {
        switch (self, reply) {
        case (.receive(let command), .message): command.count != nil
        case (.trace, .data): true
        default: false
        }
    }
}

extension SelectCommand {
    /// Whether an arm does something to others that cannot be done twice: sends, or passes a barrier.
    fileprivate var sendsOrMeets: Bool {
        arms.contains { arm in
            switch arm {
            case .send, .barrier: true
            case .receive: false
            }
        }
    }
}
