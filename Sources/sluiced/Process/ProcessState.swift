import Glibc

/// Sets the actions of signals, whatever actions the process has inherited.
enum ProcessState {
    /// The signals whose default action would end or stop the process for a harmless cause: a peer that has
    /// disconnected, a log file at the limit of file sizes, a terminal that stops its background jobs, or a timer.
    private static let ignoredSignals = [SIGPIPE, SIGXFSZ, SIGTTOU, SIGTTIN, SIGALRM, SIGVTALRM, SIGPROF, SIGIO]

    /// Ignores the signals that stop the daemon, once it is stopping.
    static func ignoreStopSignals() {
        for number in [SIGTERM, SIGINT, SIGQUIT, SIGUSR2] { signal(number, SIG_IGN) }
    }

    /// Ignores signals that must not end the daemon. The daemon handles SIGHUP, SIGUSR1 and those of the log's level
    /// once it serves.
    static func ignoreSignals() {
        for number in ignoredSignals + [SIGHUP, SIGUSR1, LogLevelSignals.debug, LogLevelSignals.configured] {
            signal(number, SIG_IGN)
        }
    }
}
