/// How long a connection may take.
enum Timeouts {
    /// Between two requests.
    static let idle = Duration.seconds(60)
    /// Until the client closes its side, after the last response.
    static let linger = Duration.seconds(2)
    /// Between two signs of life of a stream without events. Many proxies end a connection after a minute of silence.
    static let heartbeat = Duration.seconds(20)
    /// Between two looks at a client whose input is not read.
    static let probe = Duration.seconds(1)
}

/// When to look whether a client's kernel has confirmed a response: after a millisecond, then after ever longer times.
struct ConfirmationSchedule {
    private var delay = Duration.milliseconds(1)
    private var waited = Duration.zero
    /// A kernel that has confirmed nothing by then is gone.
    private static let limit = Duration.seconds(30)

    /// The time until the next look; nil if the client has taken too long.
    mutating func next() -> Duration? {
        guard waited < Self.limit else { return nil }
        defer {
            waited += delay
            delay = min(delay * 2, .milliseconds(100))
        }
        return delay
    }
}
