package import SluiceHub
package import SluiceRuntime
import Synchronization

/// How late the loops of reactors are: how long work that is ready waits. A timer of each reactor measures it.
package final class LoopLag: Sendable {
    private static let interval = Duration.milliseconds(250)

    private let histogram = Lock(TimeHistogram())

    /// Starts to measure.
    package init(of reactors: [Reactor]) {
        for reactor in reactors { reactor.post { [self] in measure(reactor) } }
    }

    package var times: TimeHistogram { histogram.withLock { $0 } }

    private func measure(_ reactor: Reactor) {
        let due = reactor.nowNanoseconds &+ UInt64(Self.interval / .nanoseconds(1))
        _ = reactor.call(after: Self.interval) { [weak self, unowned reactor] in
            guard let self else { return }
            let now = reactor.nowNanoseconds
            histogram.withLock { $0.count(now > due ? now - due : 0) }
            measure(reactor)
        }
    }
}
