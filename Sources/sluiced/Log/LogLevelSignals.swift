import Glibc
import Logging
import SluiceRuntime

/// Changes the level of the log on the signals that systemd uses for that.
struct LogLevelSignals: Sendable {
    /// Logs everything from the level debug.
    static var debug: Int32 { __libc_current_sigrtmin() + 22 }
    /// Logs from the configured level again.
    static var configured: Int32 { __libc_current_sigrtmin() + 23 }

    let log: DaemonLog

    /// Starts waiting for the signals. Call this on the reactor's thread.
    func begin(of reactor: Reactor) throws(SluiceError) {
        let signals = try reactor.signals(Self.debug, Self.configured)
        reactor.spawn("SIGRTMIN+22 and SIGRTMIN+23") {
            while true {
                let showsDetails = try await signals.next() == Self.debug
                let level = log.showDetails(showsDetails)
                log.write(.notice, "log level changed", ["level": level.rawValue])
            }
        }
    }
}
