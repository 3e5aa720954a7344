// Time as messages, so that it can be waited for in a loop or a select.

extension Channel where Element == Duration {
    /// A channel that yields one message when `duration` has passed, and is then closed. The message is the time that
    /// has passed in fact.
    ///
    /// ```swift
    /// let deadline = try Channel.after(.seconds(30))
    /// while !isDone {
    ///     try await select {
    ///         jobs.receiving { … }
    ///         deadline.receiving { _ in isDone = true }
    ///     }
    /// }
    /// ```
    ///
    /// The timer is gone as soon as the channel is: when its ends have left. Go's `time.After`, without the leak.
    ///
    /// - Parameter reactor: whose clock counts; nil for the reactor of the calling task.
    /// - Throws: `.misuse` off the reactors when none is given.
    public static func after(
        _ duration: Duration, on reactor: Reactor? = nil
    ) throws(SluiceError) -> ReceivingEnd<Duration> {
        let channel = Channel(.buffered(capacity: 1), name: "after \(duration)")
        let ticker = try Reactor.given(reactor, for: channel.name).startTicker(every: duration) { elapsed in
            channel.publish(elapsed)
            channel.close()
            return .stop
        }
        return ReceivingEnd(of: channel) { ticker.stop() }
    }

    /// A channel that yields a message every `interval`, the first when one has passed, until its ends have left. The
    /// message is the time since the channel was made.
    ///
    /// ```swift
    /// for try await elapsed in try Channel.every(.seconds(1)) { print("running for \(elapsed)") }
    /// ```
    ///
    /// Ticks never queue: a reader that is late finds the last one only, like that of Go's `time.Ticker`. They keep to
    /// multiples of the interval, so they do not drift.
    ///
    /// - Parameter reactor: whose clock counts; nil for the reactor of the calling task. While there is a ticker on it,
    ///   no deadlock is found.
    /// - Throws: `.misuse` when the interval is not positive, and off the reactors when none is given.
    public static func every(
        _ interval: Duration, on reactor: Reactor? = nil
    ) throws(SluiceError) -> ReceivingEnd<Duration> {
        let channel = Channel(.droppingOldest(capacity: 1), name: "every \(interval)")
        let ticker = try Reactor.given(reactor, for: channel.name).tick(every: interval) { channel.publish($0) }
        return ReceivingEnd(of: channel) { ticker.stop() }
    }

    /// Sends a time on a channel that has room for it, or has ended.
    private func publish(_ elapsed: Duration) {
        _ = try? trySend(elapsed)
    }
}

extension Reactor {
    /// `reactor`, or else the one that the calling thread runs.
    ///
    /// - Parameter purpose: what needs it, for the error.
    @usableFromInline
    static func given(_ reactor: Reactor?, for purpose: String) throws(SluiceError) -> Reactor {
        guard let reactor = reactor ?? current else {
            throw SluiceError(.misuse, "'\(purpose)' needs a reactor: call it from a green task, or name one")
        }
        return reactor
    }
}
