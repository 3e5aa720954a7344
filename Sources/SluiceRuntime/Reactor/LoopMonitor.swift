import Synchronization

/// A job that blocks, or blocked, a reactor's loop.
public struct BlockedLoop: Sendable, Hashable {
    /// The reactor's name.
    public let reactor: String
    /// The green task's name; nil when the job belongs to no green task, or to one without a name.
    public let task: String?
    /// How long the job has blocked the loop so far, to within a quarter of the monitor's threshold.
    public let duration: Duration
    /// Whether the job has ended. A report of a running job is followed by another one when the job has ended.
    public let hasEnded: Bool
}

/// Reports jobs that block a reactor's loop for too long, such as endless computations and blocking calls.
///
/// A thread of its own samples the reactor four times per threshold. This has no measurable cost for the reactor. The
/// monitor does not keep the reactor alive, and ends with it.
public final class LoopMonitor: Sendable {
    /// The job that ran at the last sample.
    private struct Observation {
        let job: UInt64
        let sinceNanoseconds: UInt64
        /// The report made while it ran.
        var reported: BlockedLoop?
    }

    private let progress: LoopProgress
    private let reactorName: String
    private let threshold: Duration
    private let report: @Sendable (BlockedLoop) -> Void
    private let observation = Lock<Observation?>(nil)
    /// Stops the thread; nil while no thread runs.
    private let bell = Lock<StopBell?>(nil)

    /// Creates a monitor, which watches from `start` on.
    ///
    /// - Parameters:
    ///   - threshold: how long a job may block the loop before it is reported.
    ///   - report: called on the monitor's thread, once while the job still runs and once when it has ended. The second
    ///     time, the duration is the total.
    public init(
        watching reactor: Reactor, threshold: Duration = .milliseconds(100),
        report: @escaping @Sendable (BlockedLoop) -> Void
    ) {
        progress = reactor.progress
        reactorName = reactor.name
        self.threshold = threshold
        self.report = report
    }

    /// Starts watching. May be called from any thread.
    ///
    /// - Throws: `.misuse` when the monitor is watching already; `.system` when no thread can be created.
    public func start() throws(SluiceError) {
        let own = StopBell()
        let isFirst = bell.withLock { bell in
            guard bell == nil else { return false }
            bell = own
            return true
        }
        guard isFirst else { throw SluiceError(.misuse, "\(reactorName) is watched by this monitor already") }
        try ReactorThread.launchDetached("the monitor of \(reactorName)") { [self] in watch(until: own) }
    }

    /// Stops watching. One more report may follow. May be called from any thread, any number of times.
    public func stop() {
        bell.withLock { $0.take() }?.ring()
    }

    private func watch(until bell: StopBell) {
        let clock = SystemReactorClock()
        let interval = max(threshold / 4, .milliseconds(1))
        while !bell.rings(within: interval), !progress.hasEnded { sample(now: clock.nowNanoseconds) }
    }

    /// Samples the reactor once.
    ///
    /// - Parameter now: the time in nanoseconds, by any monotonic clock.
    func sample(now: UInt64) {
        let job = progress.currentJob
        if let blocked = observation.withLock({ observe(job, at: now, after: &$0) }) { report(blocked) }
    }

    private func observe(_ job: UInt64?, at now: UInt64, after last: inout Observation?) -> BlockedLoop? {
        guard var same = last, same.job == job else {
            let ended = last.flatMap { last in
                last.reported.map { blocked($0.task, since: last.sinceNanoseconds, now: now, hasEnded: true) }
            }
            last = job.map { Observation(job: $0, sinceNanoseconds: now) }
            return ended
        }
        guard same.reported == nil, now - same.sinceNanoseconds >= threshold.wholeNanoseconds else { return nil }
        same.reported = blocked(
            progress.taskName(ofJob: same.job), since: same.sinceNanoseconds, now: now, hasEnded: false)
        last = same
        return same.reported
    }

    private func blocked(_ task: String?, since start: UInt64, now: UInt64, hasEnded: Bool) -> BlockedLoop {
        BlockedLoop(
            reactor: reactorName, task: task, duration: .nanoseconds(Int64(clamping: now - start)), hasEnded: hasEnded)
    }
}
