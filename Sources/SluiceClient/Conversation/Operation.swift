import SluiceRuntime
package import SluiceWire

/// How an operation has ended.
package enum OperationOutcome: Sendable {
    /// The server's final reply, over the connection of that number.
    case reply(Reply, connection: Int)
    /// The operation ended without a reply.
    case failed(SluiceError)
}

/// What the listener of an operation is told.
package enum OperationEvent: Sendable {
    /// A reply before the final one: a message of a counted receive, or a line of a trace.
    case part(Reply, connection: Int)
    case ended(OperationOutcome)
}

/// A command on its way, from the call that asks for it to its final reply, over several connections if need be.
package final class Operation: @unchecked Sendable {
    // Sendable: `listener` is set before the operation is submitted, and cleared when its only end is told. Everything
    // else that changes is behind the lock of the conversation that it was submitted to.

    enum Stage {
        case new
        /// Waits in the client for a connection, or for a tag.
        case queued
        /// The server has it, under the tag of this slot.
        case pending(Int)
        /// The server has it without a tag, and answers at once.
        case asked
        case ended
    }

    enum Listener {
        case none
        case task(UnsafeContinuation<OperationOutcome, Never>)
        case handler(@Sendable (OperationEvent) -> Void)
        /// A send of a pipeline, which has no closure of its own: that saves an allocation for each message.
        case pipeline(SendPipeline, onOutcome: @Sendable (OperationOutcome) -> Void)
    }

    var command: Command
    /// The queue in which it waits for a tag; nil when the server answers it at once.
    let lane: Lane?
    /// Whether it is a send with an id.
    let hasIdentity: Bool
    /// The bytes that it sends besides its line.
    let bodyBytes: Int
    /// How long it may wait; nil when there is no limit, or when it never waits.
    let timeout: Duration?
    /// The only connection on which it makes sense, if it concerns a message that came over that connection.
    let connection: Int?
    /// Whether replies come before the final one: it is a counted receive or a trace.
    let hasParts: Bool
    var listener = Listener.none
    var stage = Stage.new
    var isCancelled = false
    /// The replies before the final one that have come.
    var parts = 0
    /// Its place in the order of submission, which holds again after a new connection.
    var serial: UInt64 = 0
    /// When its timeout expires, by the clock of the reactor.
    var deadline: UInt64?
    /// Whether it has waited in the client, so that less than its whole timeout is left.
    var wasDelayed = false
    /// When the server was last heard before the loss of the connection over which this may have happened already.
    var inDoubtSince: UInt64?

    var isQueued: Bool {
        if case .queued = stage { true } else { false }
    }

    /// Whether its listener is a function, which does not submit further operations as a resumed task does.
    var hasHandler: Bool {
        switch listener {
        case .handler, .pipeline: true
        case .none, .task: false
        }
    }

    /// The pipeline that has submitted it.
    var pipeline: SendPipeline? {
        if case .pipeline(let pipeline, _) = listener { pipeline } else { nil }
    }

    init(_ command: Command, connection: Int? = nil) {
        self.command = command
        self.connection = connection
        hasParts = command.hasParts
        lane = command.lane
        bodyBytes = command.bodyBytes
        timeout = command.timeout
        hasIdentity = if case .send(let send) = command { send.identity != nil } else { false }
    }

    func tell(_ event: OperationEvent) {
        guard case .ended(let outcome) = event else {
            if case .handler(let handle) = listener { handle(event) }
            return
        }
        // A handler may refer to its operation.
        var ended = Listener.none
        swap(&ended, &listener)
        switch ended {
        case .task(let continuation): continuation.resume(returning: outcome)
        case .handler(let handle): handle(event)
        case .pipeline(let pipeline, let onOutcome):
            onOutcome(outcome)
            pipeline.settle(outcome, bytes: bodyBytes)
        case .none: break
        }
    }

    /// Leaves what a counted receive still has to bring, for the next connection.
    ///
    /// - Returns: false when it has brought everything, and only its end was lost.
    func continueCounting() -> Bool {
        guard case .receive(var receive) = command, case .exactly(let count)? = receive.count else { return true }
        guard count > parts else { return false }
        receive.count = .exactly(count - parts)
        receive.window = receive.window.map { min($0, count - parts) }
        command = .receive(receive)
        parts = 0
        return true
    }
}

/// The two queues for commands that may wait. Each has a share of the tags, so that a send finds a tag however many
/// receives are waiting, and the other way round.
enum Lane: Sendable {
    /// Receives, and everything else that may wait and sends nothing.
    case taking
    case sending
}

/// What happens to a command whose connection was lost before its final reply.
enum Recovery: Sendable {
    /// It is asked again: it has not happened, or it may happen twice without harm.
    case again
    /// It is sent again under its id.
    case withIdentity
    /// It may have happened.
    case inDoubt
    /// It concerned a message that has gone back with the connection.
    case stale
    /// It concerned the connection itself.
    case disconnected
}
