/// Work that a reactor does at regular times, until it is stopped or nothing refers to the ticker any more.
public final class Ticker: Sendable {
    private let reactor: Reactor
    private let beat: Beat

    fileprivate init(_ beat: Beat, on reactor: Reactor) {
        self.reactor = reactor
        self.beat = beat
    }

    deinit { stop() }

    /// Ends the ticking. May be called from any thread, any number of times; on the reactor's, no tick comes
    /// afterwards.
    public func stop() {
        reactor.perform { [beat] in beat.stop() }
    }
}

/// What becomes of a ticker after a tick.
enum TickVerdict {
    case goOn
    case stop
}

extension Reactor {
    /// Calls `work` on the reactor's thread every `interval`, the first time when one has passed. May be called from
    /// any thread.
    ///
    /// The ticks keep to multiples of the interval, however long the work takes: they do not drift, and the reactor
    /// skips those that it could not keep. While there is a ticker, no deadlock is found.
    ///
    /// - Parameter work: is given the time since the ticker was made. It must not block.
    /// - Throws: `.misuse` when the interval is not positive.
    public func tick(
        every interval: Duration, _ work: @escaping @Sendable (Duration) -> Void
    ) throws(SluiceError) -> Ticker {
        guard interval > .zero else { throw SluiceError(.misuse, "a ticker cannot tick every \(interval)") }
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

    /// Not retained: the reactor's timer holds this, and the ticker holds the reactor.
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
        // Time has passed since `init`, where that was on another thread.
        setTimer(afterNanoseconds: interval - min(interval, sinceBeginning))
    }

    func stop() {
        isStopped = true
        if let timer { reactor.cancelTimer(timer) }
        timer = nil
    }

    private var sinceBeginning: UInt64 { reactor.clock.nowNanoseconds - beginning }

    private func setTimer(afterNanoseconds delay: UInt64) {
        timer = reactor.call(after: .nanoseconds(Int64(clamping: delay))) { [self] in fire() }
    }

    private func fire() {
        timer = nil
        if work(.nanoseconds(Int64(clamping: sinceBeginning))) == .stop { stop() }
        // The work may have stopped the ticker, and took its time.
        guard !isStopped, interval > 0 else { return }
        setTimer(afterNanoseconds: interval - sinceBeginning % interval)
    }
}
