import Glibc

/// How a connection ended.
public enum ConnectionEnding: String, Sendable, Hashable, CaseIterable {
    /// The client asked for it with `QUIT`.
    case quit
    /// The client had finished sending, and had every reply.
    case endOfInput = "end-of-input"
    /// The client broke the connection off, or the network did.
    case reset
    /// The client's host answered nothing any more, or the way to it was lost.
    case silent
    /// The client sent what is not the protocol: `ERR framing` or `ERR not-sluice`.
    case refused
    /// The client did not prove who it is, or not in time.
    case denied
    /// The client did not finish a line, or stopped within a body.
    case slowLine = "slow-line"
    /// The client did not take its replies.
    case stalled
    /// More replies than a connection may have were waiting for the client.
    case backlog
    /// There were as many connections as there may be.
    case tooMany = "too-many"
    /// There were as many connections of the client's address as there may be.
    case tooManyOfAddress = "too-many-of-address"
    /// There were as many connections of the principal that the client is as there may be.
    case tooManyOfPrincipal = "too-many-of-principal"
    /// The system had no descriptor for the connection.
    case noDescriptor = "no-descriptor"
    /// The hub was about to stop, and the client had every reply.
    case drained
    /// The hub has stopped.
    case stopped

    /// Whether the client has not simply gone: it has said good-bye, or was told everything there was to tell.
    var isOrderly: Bool {
        switch self {
        case .quit, .drained: true
        case .endOfInput, .reset, .silent, .refused, .denied, .slowLine, .stalled, .backlog, .tooMany,
            .tooManyOfAddress, .tooManyOfPrincipal, .noDescriptor, .stopped:
            false
        }
    }
}

extension ConnectionEnding {
    /// What has ended a connection that does not work any more.
    ///
    /// - Parameter errno: the error number of a transfer.
    init(errno: Int32) {
        switch errno {
        case ETIMEDOUT, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN: self = .silent
        default: self = .reset
        }
    }
}
