import Glibc
import Logging
import SluiceHub
import SluiceRuntime

/// Stops the daemon on a signal: closes the listeners, drains the hub, and lets `run` return.
struct Shutdown: Sendable {
    let hub: Hub
    let listeners: [Listener]
    let log: DaemonLog

    /// Starts waiting for the signals that stop the daemon.
    ///
    /// The first SIGTERM or SIGINT drains the hub within the configured limit; a second one has its default action and
    /// kills the process. SIGUSR2 drains without a limit until SIGTERM or SIGINT sets one.
    ///
    /// Call this on the reactor's thread.
    func beginOnSignals(of reactor: Reactor) throws(SluiceError) {
        let stops = try reactor.signals(SIGTERM, SIGINT)
        let drains = try reactor.signals(SIGUSR2)
        reactor.spawn("SIGTERM and SIGINT") {
            let signal = try await stops.next()
            stops.close()
            begin(because: signal, within: hub.currentLimits.drainTimeout)
        }
        reactor.spawn("SIGUSR2") {
            while true { begin(because: try await drains.next(), within: nil) }
        }
    }

    private func begin(because signal: Int32, within limit: Duration?) {
        log.write(
            .info, "stopping",
            ["signal": "\(String(cString: strsignal(signal)))", "limit": "\(limit.map { "\($0)" } ?? "none")"])
        for listener in listeners { listener.close() }
        hub.drain(within: limit)
    }
}
