import Glibc

/// A file descriptor that has exactly one owner, and is closed exactly once: when that owner lets go of it.
public struct Descriptor: ~Copyable, Sendable {
    /// The descriptor's number. It may be used in system calls while this value is alive, and must not be closed.
    public let number: Int32

    /// Takes over an open descriptor.
    public init(owning number: Int32) {
        self.number = number
    }

    deinit {
        // Linux frees the number whatever `close` returns, so a failure leaves nothing to do.
        _ = Glibc.close(number)
    }

    /// Closes the descriptor now: to consume it is to close it, see `deinit`.
    public consuming func close() {}
}
