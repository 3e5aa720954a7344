import Glibc
import Synchronization

/// A monotonic clock, by which a reactor's timers and timeouts go.
public protocol ReactorClock: Sendable {
    /// The current time, in nanoseconds since an arbitrary start. It never decreases.
    var nowNanoseconds: UInt64 { get }

    /// Registers a reactor, which a clock that is moved by hand wakes when it is moved. A clock that runs by itself
    /// does nothing.
    func attach(_ reactor: Reactor)

    /// Whether the time passes by itself, so that the reactor sleeps until its next timer is due.
    var runsByItself: Bool { get }
}

/// The machine's monotonic clock.
public struct SystemReactorClock: ReactorClock {
    /// Creates a value for the machine's one monotonic clock.
    public init() {}

    /// The time since the machine started, in nanoseconds.
    public var nowNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec &* 1_000_000_000 &+ time.tv_nsec)
    }

    /// Does nothing, because the time passes by itself.
    public func attach(_ reactor: Reactor) {}
    /// True.
    public var runsByItself: Bool { true }
}

/// A clock for tests. Its time stands still until `advance` moves it.
public final class ManualReactorClock: ReactorClock {
    private struct State {
        var nowNanoseconds: UInt64 = 0
        var reactors: [WeakReactor] = []
    }

    /// Weak, because each reactor retains its clock.
    private struct WeakReactor {
        weak var reactor: Reactor?
    }

    private let state = Lock(State())

    /// Creates a clock at 0.
    public init() {}

    /// The sum of all advances, in nanoseconds.
    public var nowNanoseconds: UInt64 { state.withLock { $0.nowNanoseconds } }
    /// False.
    public var runsByItself: Bool { false }

    /// Registers a reactor, to be woken by `advance`.
    public func attach(_ reactor: Reactor) {
        state.withLock { $0.reactors.append(WeakReactor(reactor: reactor)) }
    }

    /// Moves the time forward by `duration` and wakes every attached reactor, which fires the timers that are due. May
    /// be called from any thread.
    public func advance(by duration: Duration) {
        let reactors = state.withLock { state in
            state.nowNanoseconds += duration.wholeNanoseconds
            return state.reactors
        }
        for entry in reactors { entry.reactor?.wake() }
    }
}

extension Duration {
    /// The duration in nanoseconds, clamped to between 0 and about 292 years.
    package var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 9_223_372_036 else { return UInt64(Int64.max) }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
    }
}
