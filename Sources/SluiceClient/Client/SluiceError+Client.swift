public import SluiceRuntime
import SluiceWire

/// What a server or a connection may do to an operation, besides the codes of ``SluiceError`` that every channel has. A
/// refusal has the code of the server's `ERR` reply.
extension SluiceError.Code {
    /// There is no connection to the server, and the operation did not happen.
    public static let disconnected = SluiceError.Code("disconnected")
    /// The server is about to stop and accepts no new work: the operation did not happen.
    public static let draining = SluiceError.Code("draining")
    /// The message went back, because its lease or its connection has ended.
    public static let stale = SluiceError.Code("stale")
    /// The operation conflicts with how other clients use the channel or the barrier.
    public static let conflict = SluiceError.Code("conflict")
    /// The operation would exceed a limit of the server.
    public static let limit = SluiceError.Code("limit")
    /// The message is longer than the server allows.
    public static let tooBig = SluiceError.Code("too-big")
    /// The server requires credentials.
    public static let authRequired = SluiceError.Code("auth-required")
    /// The server does not permit the operation to this client.
    public static let denied = SluiceError.Code("denied")
    /// The client is not an end of the channel that it wants to leave.
    public static let notFound = SluiceError.Code("not-found")
    /// The channel has dropped the message, as it was declared to.
    public static let dropped = SluiceError.Code("dropped")
    /// The server has withdrawn the operation: it did not happen.
    public static let withdrawn = SluiceError.Code("withdrawn")
}

extension SluiceError {
    static var operationCancelled: SluiceError {
        SluiceError(.cancelled, "the operation was cancelled while it was waiting")
    }
    static var goneWithConnection: SluiceError {
        SluiceError(.stale, "the message went back when its connection was lost")
    }
    static var credentialsRequired: SluiceError {
        SluiceError(.authRequired, "the server requires credentials")
    }
    static var clientClosed: SluiceError { SluiceError(.disconnected, "the client was closed") }

    /// The error of the operations that end with the last connection. Why it was lost says nothing about their own times.
    var asEndOfOperations: SluiceError {
        switch code {
        case .system, .timedOut, .closed, .address, .cancelled: SluiceError(.disconnected, message)
        default: self
        }
    }

    static func lostInDoubt(_ cause: SluiceError? = nil) -> SluiceError {
        let reason = cause?.message ?? "the connection was lost before the answer"
        return SluiceError(.inDoubt, "the operation may have happened: \(reason)")
    }
}

extension Reply {
    /// The error that a reply other than success stands for.
    func error() -> SluiceError {
        switch self {
        case .timeout: SluiceError(.timedOut, "the time ran out while waiting")
        case .timeoutWithoutReceivers: .timedOutWithoutReceivers
        case .cancelled(let reason): Self.withdrawal(reason)
        case .closed(let channel, let reason, _):
            SluiceError(.closed, "channel '\(channel)' is closed\(Self.clause(reason))")
        case .poisoned(let channel, let reason, _):
            SluiceError(.poisoned, "channel '\(channel)' is poisoned\(Self.clause(reason))")
        case .rejected(let channel, let reason, _):
            SluiceError(.rejected, "a receiver on channel '\(channel)' has rejected the message\(Self.clause(reason))")
        case .maybe("epoch"):
            SluiceError(.inDoubt, "the server was restarted after the first attempt, which may have been received")
        case .maybe(let reason):
            SluiceError(.inDoubt, "a receiver has the message and has not acknowledged it: \(reason)")
        case .error(let error): SluiceError(SluiceError.Code(error.code.description), error.message)
        case .ok, .message, .data, .otherwise, .end: SluiceError(.misuse, "the server gave an unexpected answer")
        }
    }

    private static func withdrawal(_ reason: String?) -> SluiceError {
        switch reason {
        case nil, "cancelled": .operationCancelled
        case "draining": SluiceError(.draining, "the server is about to stop")
        case "dropped": SluiceError(.dropped, "the channel has dropped the message")
        case let reason?: SluiceError(.withdrawn, "the server has withdrawn the operation: \(reason)")
        }
    }

    private static func clause(_ reason: String?) -> String { reason.map { ": \($0)" } ?? "" }
}

extension ChannelName {
    init(checking name: String) throws(SluiceError) {
        guard let valid = ChannelName(name) else { throw SluiceError(.misuse, ChannelName.rule) }
        self = valid
    }
}

extension TraceContext {
    init(checking trace: String) throws(SluiceError) {
        guard let valid = TraceContext(trace) else { throw SluiceError(.misuse, TraceContext.rule) }
        self = valid
    }
}

extension SendIdentity {
    init(checking id: String) throws(SluiceError) {
        guard let valid = MessageID(id) else {
            throw SluiceError(.misuse, "an id is 1 to \(Limits.maxMessageIDBytes) bytes of A-Z a-z 0-9 . _ : / -")
        }
        self.init(valid)
    }
}
