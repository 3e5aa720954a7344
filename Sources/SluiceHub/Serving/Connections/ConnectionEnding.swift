import Glibc

/// How a connection ended.
public enum ConnectionEnding: String, Sendable, Hashable, CaseIterable {
    /// The client sent `QUIT`.
    case quit
    /// The client half-closed, and got every reply.
    case endOfInput = "end-of-input"
    /// The client or the network reset the connection.
    case reset
    /// The client's host stopped responding, or became unreachable.
    case silent
    /// The client did not speak the protocol: `ERR framing` or `ERR not-sluice`.
    case refused
    /// The client did not authenticate, or not in time.
    case denied
    /// The TLS handshake failed, or was not finished in time.
    case tls
    /// The client's principal was removed, or what proved it has changed.
    case revoked
    /// A client closed it with `KILL`.
    case killed
    /// The client did not finish a line or a body in time.
    case slowLine = "slow-line"
    /// The client's unfinished command exceeded its share of memory.
    case memory
    /// The client did not read its replies.
    case stalled
    /// The client's pending replies exceeded the limit.
    case backlog
    /// The server had reached its limit of connections.
    case tooMany = "too-many"
    /// The client's address had reached its limit of connections.
    case tooManyOfAddress = "too-many-of-address"
    /// The client's principal had reached its limit of connections.
    case tooManyOfPrincipal = "too-many-of-principal"
    /// The system had no descriptor for the connection.
    case noDescriptor = "no-descriptor"
    /// The hub drained, and the client got every reply.
    case drained
    /// The hub stopped.
    case stopped

    /// Whether the connection ended in good order: the client sent `QUIT`, or the hub drained.
    var isOrderly: Bool {
        switch self {
        case .quit, .drained: true
        case .endOfInput, .reset, .silent, .refused, .denied, .tls, .revoked, .killed, .slowLine, .memory, .stalled,
            .backlog,
            .tooMany, .tooManyOfAddress, .tooManyOfPrincipal, .noDescriptor, .stopped:
            false
        }
    }
}

extension ConnectionEnding {
    /// The ending for a connection whose socket has failed.
    ///
    /// - Parameter errno: the error number of the failed call.
    init(errno: Int32) {
        switch errno {
        case ETIMEDOUT, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN: self = .silent
        default: self = .reset
        }
    }
}
