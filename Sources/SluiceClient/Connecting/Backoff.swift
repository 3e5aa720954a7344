/// How long to wait before a lost connection is tried again: at random up to a bound that doubles with each failure, so
/// that a thousand clients of a server that was restarted do not come back all at once.
///
/// The "full jitter" of Marc Brooker, "Exponential Backoff and Jitter" (2015).
public struct Backoff: Sendable, Hashable {
    /// The bound of the first wait.
    public var initial: Duration
    /// The bound that no wait exceeds.
    public var longest: Duration

    /// At first 50 ms at most, and 5 s at most in the end.
    public init(initial: Duration = .milliseconds(50), longest: Duration = .seconds(5)) {
        self.initial = initial
        self.longest = longest
    }

    /// The bound of a wait after so many failures in a row, from 0.
    func bound(afterFailures failures: Int) -> Duration {
        min(initial * (1 << min(failures, 20)), longest)
    }

    func delay(afterFailures failures: Int) -> Duration {
        bound(afterFailures: failures) * Double.random(in: 0...1)
    }
}
