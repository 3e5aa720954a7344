public import SluiceRuntime
import SluiceWire

/// What a server or a connection may do to an operation, besides what ``SluiceError`` names for every channel. A refusal of
/// the server has the code of its `ERR` reply by name.
extension SluiceError.Code {
    /// There is no connection with the server, and the operation did not happen.
    public static let disconnected = SluiceError.Code("disconnected")
    /// The server is about to stop and takes no new work: nothing happened.
    public static let draining = SluiceError.Code("draining")
    /// The message went back: its lease has ended, or the connection over which it came.
    public static let stale = SluiceError.Code("stale")
    /// The operation does not go together with how others use the channel or the barrier.
    public static let conflict = SluiceError.Code("conflict")
    /// The operation would exceed a limit of the server.
    public static let limit = SluiceError.Code("limit")
    /// The message is longer than the server takes.
    public static let tooBig = SluiceError.Code("too-big")
    /// The server wants to know who is there: give the client credentials.
    public static let authRequired = SluiceError.Code("auth-required")
    /// The server does not let the client do that.
    public static let denied = SluiceError.Code("denied")
    /// There is no such thing as was to be left.
    public static let notFound = SluiceError.Code("not-found")
    /// The channel has dropped the message, as it was declared to.
    public static let dropped = SluiceError.Code("dropped")
    /// The server has withdrawn the operation: nothing happened.
    public static let withdrawn = SluiceError.Code("withdrawn")
}

extension SluiceError {
    static var operationCancelled: SluiceError { SluiceError(.cancelled, "the task was cancelled while waiting") }
    static var lostInDoubt: SluiceError {
        SluiceError(.inDoubt, "the connection was lost before the answer: it may have happened")
    }
    static var goneWithConnection: SluiceError {
        SluiceError(.stale, "the message went back when its connection was lost")
    }
    static var connectionLost: SluiceError { SluiceError(.disconnected, "the connection with the server was lost") }
    static var clientClosed: SluiceError { SluiceError(.disconnected, "the client was closed") }
}

extension Reply {
    /// What a reply that is no success is as an error.
    func error() -> SluiceError {
        switch self {
        case .timeout: SluiceError(.timedOut, "the time ran out while waiting")
        case .cancelled(let reason): Self.withdrawal(reason)
        case .closed(let channel, let reason):
            SluiceError(.closed, "channel '\(channel)' is closed\(Self.clause(reason))")
        case .poisoned(let channel, let reason):
            SluiceError(.poisoned, "channel '\(channel)' was poisoned\(Self.clause(reason))")
        case .maybe("epoch"):
            SluiceError(.inDoubt, "the server was restarted since the first attempt, which may have been received")
        case .maybe(let reason):
            SluiceError(.inDoubt, "a receiver has the message, and has not said what becomes of it: \(reason)")
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
