import Glibc
import Synchronization

/// The time that a reactor lives by: nanoseconds that only ever grow.
public protocol ReactorClock: Sendable {
    /// The current time in nanoseconds since an arbitrary start.
    var nowNanoseconds: UInt64 { get }

    /// Tells the clock which reactor to wake when its time is changed by hand. A clock that runs by itself ignores it.
    func attach(_ reactor: Reactor)

    /// Whether time passes by itself, so that the reactor should sleep until its next timer.
    var runsByItself: Bool { get }
}

/// The machine's monotonic clock.
public struct SystemReactorClock: ReactorClock {
    /// The one monotonic clock.
    public init() {}

    /// The time since the machine was started.
    public var nowNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Does nothing: the time changes by itself.
    public func attach(_ reactor: Reactor) {}
    /// True.
    public var runsByItself: Bool { true }
}

/// A clock for tests: its time stands still until `advance` moves it.
public final class ManualReactorClock: ReactorClock {
    private struct State {
        var nowNanoseconds: UInt64 = 0
        var reactors: [WeakReactor] = []
    }

    /// Weak, because each reactor holds its clock.
    private struct WeakReactor {
        weak var reactor: Reactor?
    }

    private let state = Lock(State())

    /// A clock at 0.
    public init() {}

    /// The sum of all `advance`.
    public var nowNanoseconds: UInt64 { state.withLock { $0.nowNanoseconds } }
    /// False.
    public var runsByItself: Bool { false }

    /// Notes a reactor to be woken by `advance`.
    public func attach(_ reactor: Reactor) {
        state.withLock { $0.reactors.append(WeakReactor(reactor: reactor)) }
    }

    /// Moves the time on and has every attached reactor fire the timers that are now due.
    public func advance(by duration: Duration) {
        let reactors = state.withLock { state in
            state.nowNanoseconds += duration.wholeNanoseconds
            return state.reactors
        }
        for entry in reactors { entry.reactor?.wake() }
    }
}

extension Duration {
    /// The duration in nanoseconds, at least 0 and at most about 292 years.
    package var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 9_223_372_036 else { return UInt64(Int64.max) }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
    }
}
