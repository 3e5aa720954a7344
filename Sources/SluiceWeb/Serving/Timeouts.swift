/// How long a connection may take.
enum Timeouts {
    /// Between two requests.
    static let idle = Duration.seconds(60)
    /// Until the client closes its side, after the last response.
    static let linger = Duration.seconds(2)
    /// Between two heartbeats of a stream without events, and two pings of a WebSocket without output. Many proxies end
    /// a connection after a minute of silence.
    static let heartbeat = Duration.seconds(20)
    /// Between two checks whether a client whose input is not read has hung up.
    static let probe = Duration.seconds(1)
}

/// When to check whether a client's kernel has confirmed the output: after a millisecond, then after longer and longer
/// times.
struct ConfirmationSchedule {
    private static let first = Duration.milliseconds(1)
    /// Linux may delay its confirmation by 40 ms. Until then, the checks are frequent: a sender waits for them.
    private static let frequentChecks = 12
    private static let mostBetweenFrequentChecks = Duration.milliseconds(4)

    private var delay = first
    private var checkCount = 0
    /// The most bytes that the client's kernel had confirmed in a check, and the time of the first such check, in
    /// nanoseconds. Nil before the first check.
    private var progress: (confirmedBytes: Int, time: UInt64)?

    /// Returns the time until the next check; nil if the client's kernel has confirmed nothing for longer than `limit`.
    mutating func next(confirmedBytes: Int, at now: UInt64, atMost limit: Duration) -> Duration? {
        if let progress, progress.confirmedBytes >= confirmedBytes {
            guard .nanoseconds(Int64(clamping: now - progress.time)) < limit else { return nil }
        } else {
            progress = (confirmedBytes, now)
        }
        defer {
            checkCount += 1
            let most = checkCount < Self.frequentChecks ? Self.mostBetweenFrequentChecks : .milliseconds(100)
            delay = min(delay * 2, most)
        }
        return delay
    }

    /// Lets the next check be soon, because there is more output.
    mutating func checkSoon() {
        delay = Self.first
        checkCount = 0
    }
}
