import Glibc

/// A file descriptor with exactly one owner. It is closed exactly once, when the owner releases it.
public struct Descriptor: ~Copyable, Sendable {
    /// The descriptor's number, for system calls while this value is alive. It must not be closed.
    public let number: Int32

    /// Takes over an open descriptor.
    public init(owning number: Int32) {
        self.number = number
    }

    deinit {
        // Linux frees the number even if `close` fails.
        _ = Glibc.close(number)
    }

    /// Closes the descriptor now: consuming the value runs `deinit`.
    public consuming func close() {}
}

/// A descriptor in reserve for the case that the process or the system has no more of them. Releasing it makes it
/// possible to accept a connection and refuse it. Otherwise the connection would stay in the queue and keep the loop
/// busy.
struct ReserveDescriptor: ~Copyable {
    private var descriptor: Descriptor?

    init() { refill() }

    /// Opens the descriptor again if it was released.
    ///
    /// - Returns: false when no descriptor is available.
    @discardableResult
    mutating func refill() -> Bool {
        if descriptor != nil { return true }
        let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
        if number >= 0 { descriptor = Descriptor(owning: number) }
        return number >= 0
    }

    /// Releases the descriptor while `body` runs.
    mutating func lend<Result>(_ body: () -> Result) -> Result {
        descriptor = nil
        defer { refill() }
        return body()
    }
}
