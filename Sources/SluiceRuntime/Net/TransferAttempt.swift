import Glibc

/// What came of a read that must not wait.
package enum ReadAttempt: Sendable, Hashable {
    /// So many bytes were read; at least one.
    case bytes(Int)
    /// The peer has finished writing: nothing more will come.
    case endOfStream
    /// Nothing is there yet.
    case wouldBlock
    /// The kernel refused, with this error number; `ECONNRESET` when the peer broke the connection off.
    case failed(errno: Int32)
}

/// What came of a write that must not wait.
package enum WriteAttempt: Sendable, Hashable {
    /// So many of the bytes were taken; at least one.
    case bytes(Int)
    /// The kernel's buffer is full: the peer does not read fast enough.
    case wouldBlock
    /// The kernel refused, with this error number; `EPIPE` or `ECONNRESET` when the peer is gone.
    case failed(errno: Int32)
}

/// Why a connection does not work any more.
package enum ConnectionFailure: Sendable, Hashable {
    /// The peer's host answers nothing, or there is no way to it.
    case silence
    /// As a rule the peer has broken the connection off.
    case other

    /// What an error number of a transfer means.
    package init(errno: Int32) {
        switch errno {
        case ETIMEDOUT, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN: self = .silence
        default: self = .other
        }
    }
}
