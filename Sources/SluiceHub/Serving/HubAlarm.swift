import SluiceRuntime

/// The one timer with which the hub waits for its earliest deadline. Used only on the timekeeper's thread.
///
/// An earlier deadline replaces the timer. So a client that begins and cancels operations with ever shorter timeouts
/// leaves no timers behind.
final class HubAlarm: @unchecked Sendable {
    // Sendable: everything is used only on the timekeeper's thread.

    private var timer: (handle: TimerHandle, deadline: UInt64)?

    /// Sets the timer for `deadline`, unless it is set for an earlier time. Both are times of the reactor's clock, in
    /// nanoseconds.
    func set(for deadline: UInt64, on reactor: Reactor, _ fire: @escaping @Sendable (UInt64) -> Void) {
        if let timer {
            if timer.deadline <= deadline { return }
            reactor.cancelTimer(timer.handle)
        }
        let now = reactor.nowNanoseconds
        let delay = Duration.nanoseconds(deadline > now ? Int64(clamping: deadline - now) : 0)
        let handle = reactor.call(after: delay) { [weak self] in
            self?.timer = nil
            fire(deadline)
        }
        timer = (handle, deadline)
    }
}
