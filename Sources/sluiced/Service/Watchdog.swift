import SluiceRuntime
import Synchronization

/// Gives signs of life as long as every loop of the daemon turns.
final class Watchdog: Sendable {
    /// The signs of life that fit into the service manager's limit. Two loops may be out of step by one interval.
    private static let beatsPerLimit = 4

    private let count: Int
    /// The loops that have turned since the last sign of life.
    private let turned = Lock<Set<Int>>([])
    private let beat: @Sendable () -> Void

    /// - Parameters:
    ///   - count: the number of loops.
    ///   - beat: gives a sign of life.
    init(loops count: Int, _ beat: @escaping @Sendable () -> Void) {
        self.count = count
        self.beat = beat
    }

    /// Starts to watch the loops.
    ///
    /// - Parameter limit: the time in which the service manager expects a sign of life.
    /// - Returns: the tickers, which must be kept.
    static func watch(
        _ reactors: [Reactor], within limit: Duration, _ beat: @escaping @Sendable () -> Void
    ) throws(SluiceError) -> [Ticker] {
        let watchdog = Watchdog(loops: reactors.count, beat)
        var tickers: [Ticker] = []
        for (index, reactor) in reactors.enumerated() {
            tickers.append(
                try reactor.tick(every: max(limit / beatsPerLimit, .milliseconds(1))) { _ in
                    watchdog.loopTurns(index)
                })
        }
        return tickers
    }

    /// Notes that a loop turns. The last of the loops gives the sign of life for all.
    func loopTurns(_ index: Int) {
        let isLast = turned.withLock { turned in
            turned.insert(index)
            guard turned.count == count else { return false }
            turned.removeAll()
            return true
        }
        if isLast { beat() }
    }
}
