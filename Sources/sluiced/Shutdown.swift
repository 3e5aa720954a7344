import Glibc
import Logging
import SluiceHub
import SluiceRuntime

/// How the daemon comes to its end: it takes nothing new, sees to its end what has begun, and then stops.
struct Shutdown: Sendable {
    let hub: Hub
    let listeners: [Listener]
    let journal: Journal

    /// Has signals begin the end. By SIGTERM or SIGINT it has as long as the limits say; a second one has its usual effect,
    /// and ends the process at once. By SIGUSR2 it has all the time in the world, unless one of the others comes as well.
    ///
    /// On the reactor's thread.
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
        journal.log(
            .info, "stopping",
            ["signal": "\(String(cString: strsignal(signal)))", "limit": "\(limit.map { "\($0)" } ?? "none")"])
        for listener in listeners { listener.close() }
        hub.drain(within: limit)
    }
}
