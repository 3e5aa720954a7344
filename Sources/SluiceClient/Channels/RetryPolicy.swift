import SluiceRuntime

/// How a message is retried after its work has failed.
///
/// A channel can have a policy of its own; see ``RemoteChannel/open(_:maxAttempts:dead:retry:)``. Then the longer of the two
/// delays and the smaller number of attempts hold.
public struct RetryPolicy: Sendable, Hashable {
    /// The time before the second attempt, doubled for each further one.
    public var delay: Duration
    /// The longest time between two attempts.
    public var longestDelay: Duration
    /// The number of attempts after which the message is rejected, at least 1. Nil means no limit.
    public var maxAttempts: Int?

    /// Creates a policy.
    public init(
        delay: Duration = .milliseconds(100), longestDelay: Duration = .seconds(60), maxAttempts: Int? = nil
    ) {
        self.delay = delay
        self.longestDelay = longestDelay
        self.maxAttempts = maxAttempts
    }

    /// Whether the message is rejected after an attempt has failed.
    ///
    /// - Parameter error: what the work has thrown. An error with the code `.rejected` rejects the message at once.
    func rejects(after attempt: Int, _ error: any Error) -> Bool {
        if let error = error as? SluiceError, error.code == .rejected { return true }
        return maxAttempts.map { attempt >= $0 } ?? false
    }

    /// The time to wait after an attempt has failed.
    package func delay(after attempt: Int) -> Duration {
        guard delay > .zero, delay < longestDelay else { return min(delay, longestDelay) }
        return min(delay * (1 << min(max(attempt - 1, 0), 30)), longestDelay)
    }
}
