import Foundation
import SluiceRuntime
import Synchronization

/// The processes that this one has started: they end with it, also when a signal ends it.
final class Offspring: Sendable {
    static let shared = Offspring()

    private let pids = Lock<Set<Int32>>([])

    func add(_ pid: Int32) { _ = pids.withLock { $0.insert(pid) } }
    func remove(_ pid: Int32) { _ = pids.withLock { $0.remove(pid) } }

    /// From here on signals that would end the process end its children first. To be called before there are threads: they
    /// inherit that the signals are for the one that waits for them.
    func guardAgainstSignals() {
        let ending = [SIGINT, SIGTERM, SIGHUP]
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in ending { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        Thread.detachNewThread { [self] in
            var number: Int32 = 0
            var awaited = sigset_t()
            sigemptyset(&awaited)
            for number in ending { sigaddset(&awaited, number) }
            sigwait(&awaited, &number)
            pids.withLock { for pid in $0 { kill(pid, SIGKILL) } }
            _exit(128 + number)
        }
    }
}
