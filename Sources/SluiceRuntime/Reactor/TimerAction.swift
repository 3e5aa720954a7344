/// What a reactor does when a timer is due.
enum TimerAction {
    /// End the task's current wait: its time has run out.
    case expire(TaskRecord)
    case call(@Sendable () -> Void)

    func fire() {
        switch self {
        case .expire(let task): task.withdrawWait(because: .timedOut)
        case .call(let work): work()
        }
    }
}
