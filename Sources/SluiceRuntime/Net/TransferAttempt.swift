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
