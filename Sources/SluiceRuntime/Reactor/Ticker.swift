/// Work that a reactor does at regular intervals, until `stop` is called or nothing refers to the ticker any more.
public final class Ticker: Sendable {
    private let reactor: Reactor
    private let beat: Beat

    fileprivate init(_ beat: Beat, on reactor: Reactor) {
        self.reactor = reactor
        self.beat = beat
    }

    deinit { stop() }

    /// Stops the ticks. May be called from any thread, any number of times. After a call on the reactor's thread, no
    /// more ticks follow.
    public func stop() {
        reactor.perform { [beat] in beat.stop() }
    }
}

/// Whether a ticker continues after a tick.
enum TickVerdict {
    case goOn
    case stop
}

extension Reactor {
    /// Calls `work` on the reactor's thread every `interval`, for the first time after one interval. May be called from
    /// any thread.
    ///
    /// Ticks happen at multiples of the interval, so that they do not drift, however long `work` takes. Ticks that the
    /// reactor is too late for are skipped. While a ticker exists, no deadlock is detected.
    ///
    /// - Parameter work: gets the time since the ticker was created. It must not block.
    /// - Throws: `.misuse` when the interval is not positive.
    public func tick(
        every interval: Duration, _ work: @escaping @Sendable (Duration) -> Void
    ) throws(SluiceError) -> Ticker {
        guard interval > .zero else {
            throw SluiceError(.misuse, "the interval of a ticker must be positive, and is \(interval)")
        }
        return startTicker(every: interval) { elapsed in
            work(elapsed)
            return .goOn
        }
    }

    func startTicker(every interval: Duration, _ work: @escaping @Sendable (Duration) -> TickVerdict) -> Ticker {
        let beat = Beat(every: interval, of: self, work)
        perform { beat.start() }
        return Ticker(beat, on: self)
    }
}

/// The reactor's side of a ticker. On the reactor's thread only, but for `init`.
private final class Beat: @unchecked Sendable {
    // Sendable: see above.

    /// Not retained: the reactor's timer retains this, and the ticker retains the reactor.
    private unowned(unsafe) let reactor: Reactor
    private let beginning: UInt64
    private let interval: UInt64
    private let work: @Sendable (Duration) -> TickVerdict
    private var timer: TimerHandle?
    private var isStopped = false

    init(every interval: Duration, of reactor: Reactor, _ work: @escaping @Sendable (Duration) -> TickVerdict) {
        self.reactor = reactor
        self.interval = interval.wholeNanoseconds
        self.work = work
        beginning = reactor.clock.nowNanoseconds
    }

    func start() {
        guard !isStopped else { return }
        setTimer(at: beginning &+ interval)
    }

    func stop() {
        isStopped = true
        if let timer { reactor.cancelTimer(timer) }
        timer = nil
    }

    private var sinceBeginning: UInt64 { reactor.clock.nowNanoseconds - beginning }

    private func setTimer(at time: UInt64) {
        timer = reactor.call(at: time) { [self] in fire() }
    }

    private func fire() {
        timer = nil
        if work(.nanoseconds(Int64(clamping: sinceBeginning))) == .stop { stop() }
        // The work may have stopped the ticker.
        guard !isStopped, interval > 0 else { return }
        setTimer(at: beginning &+ (sinceBeginning / interval + 1) &* interval)
    }
}
