import Dispatch
import Glibc
import Logging
import SluiceHub
import SluiceRuntime
import Synchronization

/// Stops the daemon on a signal: closes the listeners, drains the hub, and lets `run` return.
final class Shutdown: Sendable {
    /// The time beyond the limit of a drain after which the process ends, even if a loop hangs.
    private static let grace = 5
    /// The longest drain after SIGUSR2. The longest lease would last for a century.
    private static let longestDrain = Duration.seconds(24 * 60 * 60)

    let hub: Hub
    let listeners: [Listener]
    let log: DaemonLog
    let manager: ServiceManager
    /// Whether what the hub keeps is to be written before the process ends.
    let keepsState: Bool
    /// Whether the process ends although a loop hangs.
    private let mayForceEnd = Lock(true)

    init(hub: Hub, listeners: [Listener], log: DaemonLog, manager: ServiceManager, keepsState: Bool) {
        self.hub = hub
        self.keepsState = keepsState
        self.listeners = listeners
        self.log = log
        self.manager = manager
    }

    /// Starts waiting for the signals that stop the daemon.
    ///
    /// The first SIGTERM or SIGINT drains the hub within the configured limit. A second one, or SIGQUIT, ends the
    /// drain: every pending command gets its reply, and the daemon stops. After that, these signals have their default
    /// action. SIGUSR2 drains for up to a day, until another signal sets a shorter limit.
    ///
    /// Call this on the reactor's thread.
    func beginOnSignals(of reactor: Reactor) throws(SluiceError) {
        let stops = try reactor.signals(SIGTERM, SIGINT, SIGQUIT)
        let drains = try reactor.signals(SIGUSR2)
        reactor.spawn("SIGTERM, SIGINT and SIGQUIT") { [self] in
            var signal = try await stops.next()
            if signal != SIGQUIT {
                begin(because: signal, within: hub.currentLimits.drainTimeout)
                signal = try await stops.next()
            }
            stops.close()
            begin(because: signal, within: .zero)
        }
        reactor.spawn("SIGUSR2") { [self] in
            while true { begin(because: try await drains.next(), within: Self.longestDrain) }
        }
    }

    private func begin(because signal: Int32, within limit: Duration) {
        log.write(
            .info, "stopping",
            ["signal": String(cString: strsignal(signal)), "limit": "\(limit)"])
        manager.stopping(within: limit + .seconds(Self.grace))
        for listener in listeners { listener.close() }
        hub.drain(within: limit)
        endProcess(after: limit)
    }

    /// Ends the process some time after `limit`, in case a loop hangs.
    private func endProcess(after limit: Duration) {
        let seconds = Int(limit.components.seconds) + Self.grace
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) { [self] in
            guard mayForceEnd.withLock({ $0 }) else { return }
            log.write(.error, "stopped by force, because a loop did not end")
            if keepsState { log.write(.error, "what the hub kept is lost") }
            log.flush(within: .milliseconds(500))
            _exit(keepsState ? ExitStatus.inputOutput.rawValue : EXIT_SUCCESS)
        }
    }

    /// Lets the process take any time for its end, because no loop hangs.
    func cancelForcedEnd() { mayForceEnd.withLock { $0 = false } }
}
