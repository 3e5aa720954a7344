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

/// When to check whether a client's kernel has confirmed a response: after a millisecond, then after longer and longer
/// times.
struct ConfirmationSchedule {
    private var delay = Duration.milliseconds(1)
    private var waited = Duration.zero
    /// A kernel that has confirmed nothing for this long is considered gone.
    private static let limit = Duration.seconds(30)

    /// Returns the time until the next check; nil if the client's kernel has taken too long.
    mutating func next() -> Duration? {
        guard waited < Self.limit else { return nil }
        defer {
            waited += delay
            delay = min(delay * 2, .milliseconds(100))
        }
        return delay
    }
}
