// Timers as channels, for loops and selects.

extension Channel where Element == Duration {
    /// Creates a channel that gets one message when `duration` has passed, and is then closed. The message is the time
    /// that has really passed.
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
    /// The timer is removed when the channel's last receiving end has retired. As Go's `time.After`, without the leak.
    ///
    /// - Parameter reactor: the reactor whose clock is used; nil for that of the calling task.
    /// - Throws: `.misuse` off the reactors if `reactor` is nil.
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

    /// Creates a channel that gets a message every `interval`, the first one after one interval, until its last
    /// receiving end has retired. The message is the time since the channel was created.
    ///
    /// ```swift
    /// for try await elapsed in try Channel.every(.seconds(1)) { print("running for \(elapsed)") }
    /// ```
    ///
    /// The channel keeps the latest tick only, for a reader that is late, as Go's `time.Ticker`. Ticks happen at
    /// multiples of the interval, so that they do not drift.
    ///
    /// - Parameter reactor: the reactor whose clock is used; nil for that of the calling task. While the channel is in
    ///   use, the reactor detects no deadlock.
    /// - Throws: `.misuse` when the interval is not positive, and off the reactors if `reactor` is nil.
    public static func every(
        _ interval: Duration, on reactor: Reactor? = nil
    ) throws(SluiceError) -> ReceivingEnd<Duration> {
        let channel = Channel(.droppingOldest(capacity: 1), name: "every \(interval)")
        let ticker = try Reactor.given(reactor, for: channel.name).tick(every: interval) { channel.publish($0) }
        return ReceivingEnd(of: channel) { ticker.stop() }
    }

    /// Sends a time on a channel that has room or has ended.
    private func publish(_ elapsed: Duration) {
        _ = try? trySend(elapsed)
    }
}

extension Reactor {
    /// Returns `reactor`, or the one that the calling thread runs if it is nil.
    ///
    /// - Parameter purpose: what needs the reactor, shown in the error.
    /// - Throws: `.misuse` when there is neither.
    @usableFromInline
    static func given(_ reactor: Reactor?, for purpose: String) throws(SluiceError) -> Reactor {
        guard let reactor = reactor ?? current else {
            throw SluiceError(.misuse, "'\(purpose)' needs a reactor: call it from a green task, or pass a reactor")
        }
        return reactor
    }
}
