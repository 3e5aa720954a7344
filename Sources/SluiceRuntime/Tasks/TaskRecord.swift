import Synchronization

/// What a reactor knows of one green task: its name, and what it waits on.
///
/// The base of `GreenTask<Success>`, without its type. With it, 104 bytes and not one more: that is what keeps a parked
/// task, Swift's part included, below 1 500.
public class TaskRecord: WaitSource, @unchecked Sendable {
    // Sendable: `label` and `reactor` are constant, `joinStage` and `joinWord` belong to the reactor's `joinLock`,
    // everything else to the reactor's thread.

    private let title: Title?
    /// The reactor that the task lives on.
    public let reactor: Reactor

    // Every suspension touches these, from one thread: checking their exclusivity at run time took 6 % of a transfer.
    /// The Swift task that this record describes, while it lives.
    @usableFromInline @exclusivity(unchecked) private(set) var identity: UnsafeRawPointer?
    @exclusivity(unchecked) private var wait: ParkedWait?
    private var wasCancelled = false
    /// How many scopes around the running code are cancelled: the task itself, and nurseries that it is in.
    @exclusivity(unchecked) private var cancelledScopes: UInt16 = 0
    @usableFromInline @exclusivity(unchecked) private(set) var joinStage = JoinStage.alone
    /// What `joinStage` says.
    @usableFromInline @exclusivity(unchecked) private(set) var joinWord: UnsafeMutableRawPointer?
    /// The neighbours in the reactor's `TaskRegistry`.
    @exclusivity(unchecked) var next: Unmanaged<TaskRecord>?
    @exclusivity(unchecked) var previous: Unmanaged<TaskRecord>?

    @usableFromInline
    init(name: String, reactor: Reactor) {
        title = name.isEmpty ? nil : Title(name)
        self.reactor = reactor
    }

    /// Boxed, since most tasks of a crowd have no name.
    private final class Title {
        let text: String

        init(_ text: String) { self.text = text }
    }

    /// What the task is called in reports; empty where it was given no name.
    public var name: String { title?.text ?? "" }

    /// The name of the green task whose code runs, for logs; nil off the reactors and in child tasks.
    public static var currentName: String? { running?.name }

    /// The record of the green task whose code runs; nil off the reactors and in child tasks. A task that was started
    /// by `Task.immediate` gets the one of its starter, and must ask whether it `owns` the continuation.
    @usableFromInline
    static var running: TaskRecord? {
        CurrentReactor.unretained?._withUnsafeGuaranteedRef { $0.runningTask }
    }

    /// Whether `continuation` is one of this task, rather than of one that `Task.immediate` started.
    ///
    /// A continuation is one pointer, to its Swift task; comparing it is free, where `withUnsafeCurrentTask` takes 30
    /// ns of each suspension. Should a later runtime change that, no continuation would match, and green tasks would
    /// wait by the slower way that any task has.
    @inlinable
    func owns<Verdict>(_ continuation: UnsafeContinuation<Verdict, Never>) -> Bool {
        identity == unsafeBitCast(continuation, to: UnsafeRawPointer.self)
    }

    /// The task in a report: its name in quotes, or "unnamed".
    var label: String { name.isEmpty ? "unnamed" : "'\(name)'" }

    /// The task and what it waits on, in words.
    var report: String { "\(label): \(wait?.description ?? "waits on nothing of the reactor's")" }

    // MARK: Life

    /// Does what the task is for, from `begin` to `end`. One function, because each frame that is live around the body
    /// costs every parked task its size, and a Swift task's first slab ends at 984 bytes.
    @usableFromInline
    nonisolated(nonsending) func live() async {}

    /// Notes that the task's first job runs.
    @usableFromInline
    final func begin() {
        identity = reactor.runningJob
        reactor.runningTask = self
        if isCancelled { withUnsafeCurrentTask { $0?.cancel() } }
    }

    /// Notes that the task has ended, and resumes those who wait for that.
    ///
    /// - Parameter parcel: the task's result or its error, as `stage` says.
    @usableFromInline
    final func end(_ stage: JoinStage, _ parcel: UnsafeMutableRawPointer) {
        reactor.progress.forget(self)
        identity = nil
        let (joined, joiners) = reactor.joinLock.withLock { _ in
            defer { (joinStage, joinWord) = (stage, parcel) }
            return (joinStage, joinWord)
        }
        Joiners.resume(joined, joiners)
        reactor.tasks.remove(self)
    }

    // MARK: Joining

    /// Whether the task has ended.
    @usableFromInline final var hasEnded: Bool { reactor.joinLock.withLock { _ in joinStage.isEnd } }

    @usableFromInline
    nonisolated(nonsending) final func waitUntilEnded(timeout: Duration?) async throws(SluiceError) {
        if hasEnded { return }
        let verdict: JoinVerdict = await suspendTask(
            on: self, .join, timeout: timeout, register: addJoiner)
        if case .withdrawn(let reason) = verdict { throw reason.error }
    }

    private func addJoiner(_ continuation: UnsafeContinuation<JoinVerdict, Never>) -> WaitTicket? {
        let ticket = reactor.joinLock.withLock { _ in Joiners.add(continuation, &joinStage, &joinWord) }
        if ticket == nil { continuation.resume(returning: .ended) }
        return ticket
    }

    @usableFromInline
    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        reactor.joinLock.withLock { _ in Joiners.remove(ticket, &joinStage, &joinWord) }?
            .resume(returning: .withdrawn(reason))
    }

    @usableFromInline
    package override var waitDescription: String { "task \(label)" }

    // MARK: Waiting

    /// Notes that the task is about to be suspended in `wait`, at most for `timeout`; returns the timer of that.
    @usableFromInline
    final func park(_ wait: ParkedWait, timeout: Duration?) -> TimerHandle? {
        self.wait = wait
        reactor.runningTask = nil
        if wait.side.isWokenByTasksOnly { reactor.tasks.parkedCount += 1 }
        return timeout.map { reactor.setTimer(after: $0, .expire(self)) }
    }

    /// Notes that the task runs again.
    @usableFromInline
    final func unpark(alarm: TimerHandle?) {
        reactor.runningTask = self
        guard let wait else { return }
        if wait.side.isWokenByTasksOnly { reactor.tasks.parkedCount -= 1 }
        self.wait = nil
        if let alarm { reactor.cancelTimer(alarm) }
    }

    /// Ends the current wait, if there is one, without its having happened. On the reactor's thread only.
    final func withdrawWait(because reason: WithdrawalReason) {
        wait?.withdraw(because: reason)
    }

    // MARK: Cancellation

    /// Whether the running code is to end: every wait of ours throws at once. On the reactor's thread only.
    @usableFromInline final var isCancelled: Bool { cancelledScopes > 0 }

    /// Cancels the task: its current wait and all later ones throw. May be called from any thread, any number of times.
    public final func cancel() {
        reactor.perform { [self] in
            if !wasCancelled { cancelScope() }
            wasCancelled = true
            if let identity { unsafeBitCast(identity, to: UnsafeCurrentTask.self).cancel() }
        }
    }

    /// Cancels the scope that the task is in, until `leaveCancelledScope`. On the reactor's thread only.
    final func cancelScope() {
        cancelledScopes += 1
        withdrawWait(because: .cancelled)
    }

    final func leaveCancelledScope() {
        cancelledScopes -= 1
    }

    /// Lets the task wait although scopes around it are cancelled; a later cancellation ends the wait all the same. For
    /// a nursery, which must see its children end. On the reactor's thread only.
    ///
    /// - Returns: what `unshield` takes to undo this.
    final func shield() -> UInt16 {
        defer { cancelledScopes = 0 }
        return cancelledScopes
    }

    final func unshield(_ scopes: UInt16) {
        cancelledScopes += scopes
    }
}
