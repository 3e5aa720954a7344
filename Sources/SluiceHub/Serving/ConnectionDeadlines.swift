import SluiceRuntime

/// What a connection waits for that may not happen, each in nanoseconds of the reactor's clock; nil where it does not wait.
///
/// Apart from the connection, most of which owe nothing and take what they are sent. One alarm for all, set for the earliest
/// and not moved when that is put off: at worst it rings once for nothing, which costs less than to move it for each read
/// of a long body. Belongs to the reactor's thread.
final class ConnectionDeadlines {
    /// When the client must have sent what it owes.
    @exclusivity(unchecked) var patience: UInt64?
    /// When to see whether a client is still there that is not read from.
    @exclusivity(unchecked) var probe: UInt64?
    /// When the client must have taken some of its replies.
    @exclusivity(unchecked) var stall: UInt64?
    /// When the client must have closed its side.
    @exclusivity(unchecked) var linger: UInt64?
    private var alarm: (handle: TimerHandle, time: UInt64)?

    /// Begins to wait, unless it waits already, or stops to wait.
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

    /// Whether the time for something is over; then it is not waited for any more.
    func takeDue(_ wait: ReferenceWritableKeyPath<ConnectionDeadlines, UInt64?>, _ now: UInt64) -> Bool {
        guard let time = self[keyPath: wait], time <= now else { return false }
        self[keyPath: wait] = nil
        return true
    }

    /// Has `ring` called when the first of the deadlines is there.
    func setAlarm(on reactor: Reactor, _ now: UInt64, _ ring: @escaping @Sendable () -> Void) {
        guard let earliest = [patience, probe, stall, linger].compactMap(\.self).min() else { return }
        if let alarm, alarm.time <= earliest { return }
        cancelAlarm(on: reactor)
        let delay = earliest > now ? Int64(clamping: earliest - now) : 0
        alarm = (reactor.call(after: .nanoseconds(delay), ring), earliest)
    }

    func alarmHasRung() {
        alarm = nil
    }

    func cancelAlarm(on reactor: Reactor) {
        if let alarm { reactor.cancelTimer(alarm.handle) }
        alarm = nil
    }
}
