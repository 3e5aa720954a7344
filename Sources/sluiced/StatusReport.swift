import Glibc
import Logging
import SluiceHub
import SluiceRuntime

/// Logs on SIGUSR1 what the daemon does.
struct StatusReport: Sendable {
    let hub: Hub
    let log: DaemonLog

    /// Logs a line on each SIGUSR1. Call this on the reactor's thread.
    func beginOnSignals(of reactor: Reactor) throws(SluiceError) {
        let signals = try reactor.signals(SIGUSR1)
        reactor.spawn("SIGUSR1") {
            while true {
                _ = try await signals.next()
                log.write(
                    .notice, "status",
                    [
                        "connections": "\(hub.connectionCount)", "parked": "\(hub.parkedCount)",
                        "channels": "\(hub.channelCount)", "draining": hub.isDraining ? "yes" : "no",
                    ])
            }
        }
    }
}
