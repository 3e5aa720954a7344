import SluiceRuntime

/// The deadlines of a connection, in nanoseconds of the reactor's clock. A deadline is nil while nothing is due.
///
/// Stored apart from the connection, because most connections have no deadline. All deadlines share one alarm, which is
/// set for the earliest and is not moved when that is put off. At worst it goes off once for nothing, which costs less
/// than moving it for each read of a long body. Used only on the reactor's thread.
final class ConnectionDeadlines {
    /// The time by which the client must send what it owes: the rest of a line or body, or its authentication.
    @exclusivity(unchecked) var line: UInt64?
    /// The time to check whether a client whose input is not read is still connected.
    @exclusivity(unchecked) var probe: UInt64?
    /// The time by which the client must take some of its replies.
    @exclusivity(unchecked) var stall: UInt64?
    /// The time to resume writing, after the kernel has taken nothing from a socket that it had reported as writable.
    @exclusivity(unchecked) var resumeWriting: UInt64?
    private var pause: UInt64 = 0
    /// The time by which the client must close its side.
    @exclusivity(unchecked) var linger: UInt64?
    private var alarm: (handle: TimerHandle, time: UInt64)?
    /// Whether the alarm has gone off since the deadlines were last checked.
    @exclusivity(unchecked) var hasFired = false

    /// Sets a deadline that is not set yet if `isWaiting`, and clears it otherwise.
    func keep(
        _ wait: ReferenceWritableKeyPath<ConnectionDeadlines, UInt64?>, if isWaiting: Bool, _ now: UInt64,
        _ timeout: Duration
    ) {
        if !isWaiting {
            self[keyPath: wait] = nil
        } else if self[keyPath: wait] == nil {
            self[keyPath: wait] = now &+ timeout.wholeNanoseconds
        }
    }

    /// Returns whether a deadline has passed, and clears it if so.
    func takeDue(_ wait: ReferenceWritableKeyPath<ConnectionDeadlines, UInt64?>, _ now: UInt64) -> Bool {
        guard let time = self[keyPath: wait], time <= now else { return false }
        self[keyPath: wait] = nil
        return true
    }

    /// Whether writing is paused, until `resumeWriting`.
    var isWritingPaused: Bool { resumeWriting != nil }

    /// Pauses writing for a millisecond, or twice as long as the last time, up to a second.
    func pauseWriting(at now: UInt64) {
        pause = min(max(2 * pause, 1_000_000), 1_000_000_000)
        resumeWriting = now &+ pause
    }

    /// The time for a stall starts again with each byte that the client takes.
    func outputWasTaken() {
        stall = nil
        pause = 0
    }

    /// Sets an alarm that calls `fire` at the earliest deadline.
    func setAlarm(on reactor: Reactor, _ now: UInt64, _ fire: @escaping @Sendable () -> Void) {
        guard let earliest = [line, probe, stall, resumeWriting, linger].compactMap(\.self).min() else { return }
        if let alarm, alarm.time <= earliest { return }
        cancelAlarm(on: reactor)
        let delay = earliest > now ? Int64(clamping: earliest - now) : 0
        alarm = (reactor.call(after: .nanoseconds(delay), fire), earliest)
    }

    func alarmHasFired() {
        alarm = nil
        hasFired = true
    }

    func cancelAlarm(on reactor: Reactor) {
        if let alarm { reactor.cancelTimer(alarm.handle) }
        alarm = nil
    }
}
