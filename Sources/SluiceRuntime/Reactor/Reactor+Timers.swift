import CLibev

/// What a reactor does when a timer is due.
enum TimerAction {
    /// End the task's current wait, because its time has run out.
    case expire(TaskRecord)
    case call(@Sendable () -> Void)

    func fire() {
        switch self {
        case .expire(let task): task.withdrawWait(because: .timedOut)
        case .call(let work): work()
        }
    }
}

extension Reactor {
    func setTimer(after timeout: Duration, _ action: TimerAction) -> TimerHandle {
        timers.insert(action, at: nowNanoseconds &+ timeout.wholeNanoseconds)
    }

    /// Withdraws a timer; does nothing if it has fired. On the reactor's thread only.
    package func cancelTimer(_ handle: TimerHandle) {
        timers.remove(handle)
    }

    /// The current time of the reactor's clock, in nanoseconds. May be read on any thread.
    package var nowNanoseconds: UInt64 {
        usesSystemClock ? SystemReactorClock().nowNanoseconds : clock.nowNanoseconds
    }

    /// The time since the loop last polled, in nanoseconds of the wall clock. 0 if the wall clock was set back, and for a
    /// reactor whose clock is moved by hand.
    package var nanosecondsSincePoll: UInt64 {
        runsByItself ? UInt64(max(0, ev_time() - ev_now(loop)) * 1e9) : 0
    }

    /// Calls `work` after `delay`, unless the timer is cancelled before. On the reactor's thread only.
    package func call(after delay: Duration, _ work: @escaping @Sendable () -> Void) -> TimerHandle {
        setTimer(after: delay, .call(work))
    }

    /// Calls `work` when the clock shows `time`, in nanoseconds, unless the timer is cancelled before. On the reactor's
    /// thread only.
    func call(at time: UInt64, _ work: @escaping @Sendable () -> Void) -> TimerHandle {
        timers.insert(.call(work), at: time)
    }

    /// The number of timers that are set. On the reactor's thread only.
    package var timerCount: Int { timers.count }

    /// When the first timer is due, in nanoseconds of the clock; nil when no timer is set. On the reactor's thread
    /// only.
    package var nextTimerNanoseconds: UInt64? { timers.leastPriority }

    func fireDueTimers() {
        // While the alarm is set, no timer is due.
        guard timers.count > 0, !isAlarmSet else { return }
        let now = nowNanoseconds
        // A timer that is set meanwhile fires in the next turn at the earliest, even if the clock stands still.
        let last = timers.lastSerial
        while let action = timers.popFirst(upTo: now, insertedBy: last) { action.fire() }
    }

    /// Sets the one timer of libev to the deadline of the earliest timer. Cancelling a timer does not change it: at
    /// worst the loop wakes once for nothing, which costs less than setting it for each operation with a deadline.
    func setAlarm() {
        guard runsByItself, let earliest = timers.leastPriority else { return }
        guard earliest < alarmDeadline || !isAlarmSet else { return }
        let now = nowNanoseconds
        ev_timer_stop(loop, alarm)
        ev_now_update(loop)
        clibev_timer_init(alarm, { _, _, _ in }, earliest > now ? Double(earliest - now) / 1e9 : 0, 0)
        ev_timer_start(loop, alarm)
        alarmDeadline = earliest
    }

    private var isAlarmSet: Bool { alarm.pointee.active != 0 }
}
