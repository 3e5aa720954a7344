import Glibc

/// What a process inherits, and what the daemon makes of it before it does anything else.
enum ProcessState {
    /// The signals that would end or stop the process by their default action, although nothing is wrong: with a peer
    /// that has gone, a log file at the limit of file sizes, a terminal that stops its background jobs, or a timer.
    private static let ignoredSignals = [SIGPIPE, SIGXFSZ, SIGTTOU, SIGTTIN, SIGALRM, SIGVTALRM, SIGPROF, SIGIO]

    /// Ignores the signals that stop the daemon, because it stops already.
    static func ignoreStopSignals() {
        for number in [SIGTERM, SIGINT, SIGQUIT, SIGUSR2] { signal(number, SIG_IGN) }
    }

    /// Ignores signals that must not end the daemon. SIGHUP and SIGUSR1 get a meaning once the daemon serves.
    static func ignoreSignals() {
        for number in ignoredSignals + [SIGHUP, SIGUSR1] { signal(number, SIG_IGN) }
    }
}
