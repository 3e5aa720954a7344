import Synchronization

/// What a reactor knows about one green task: its name, and what it waits on. The base of `GreenTask<Success>`,
/// whatever the type of the result.
///
/// A `GreenTask` takes 104 bytes and must not take more: that keeps a parked task below 1 500 bytes, Swift's part
/// included.
public class TaskRecord: WaitSource, @unchecked Sendable {
    // Sendable: `title` and `reactor` are constant, `joinStage` and `joinWord` are guarded by the reactor's `joinLock`,
    // and everything else belongs to the reactor's thread.

    private let title: Title?
    /// The reactor that runs the task.
    public let reactor: Reactor

    // Every suspension touches these, on one thread. Checking their exclusivity at run time took 6 % of a transfer.
    /// The Swift task that this record describes; nil before it begins and after it has ended.
    @usableFromInline @exclusivity(unchecked) private(set) var identity: UnsafeRawPointer?
    @exclusivity(unchecked) private var wait: ParkedWait?
    // The small members stand together, so that they share one word.
    @exclusivity(unchecked) private var marks = Marks()
    /// Whether somebody has learned of the task's error. Guarded by the reactor's `joinLock`.
    private var isFailureSeen = false
    /// When the wait began.
    @exclusivity(unchecked) var waitEpoch: UInt16 = 0
    /// The number of cancelled scopes around the running code: the task itself, and its nurseries and timeouts.
    @exclusivity(unchecked) private var cancelledScopes: UInt16 = 0
    @usableFromInline @exclusivity(unchecked) private(set) var joinStage = JoinStage.alone
    /// What `JoinStage` says for `joinStage`.
    @usableFromInline @exclusivity(unchecked) private(set) var joinWord: UnsafeMutableRawPointer?
    /// The neighbours in the reactor's `TaskRegistry`.
    @exclusivity(unchecked) var next: Unmanaged<TaskRecord>?
    @exclusivity(unchecked) var previous: Unmanaged<TaskRecord>?

    @usableFromInline
    init(name: String, reactor: Reactor) {
        title = name.isEmpty ? nil : Title(name)
        self.reactor = reactor
    }

    /// What belongs to the reactor's thread, in one byte.
    private struct Marks: OptionSet {
        let rawValue: UInt8

        static let cancelled = Marks(rawValue: 1)
        /// `suspend` has met the continuation of another task, and `resumes` has not reported it yet.
        static let metForeignTask = Marks(rawValue: 2)
    }

    /// Boxed, because most tasks of a large number have no name.
    private final class Title {
        let text: String

        init(_ text: String) { self.text = text }
    }

    /// The task's name in reports; empty for a task without a name.
    public var name: String { title?.text ?? "" }

    /// The name of the running green task, for logs; nil off the reactors and in child tasks.
    public static var currentName: String? { running?.name }

    /// The record of the running green task; nil off the reactors and in child tasks. In a task that `Task.immediate`
    /// started, this is its starter's record, which does not `owns` the task's continuations.
    @usableFromInline
    static var running: TaskRecord? {
        CurrentReactor.unretained?._withUnsafeGuaranteedRef { $0.runningTask }
    }

    /// Whether `continuation` belongs to this task, and not to one that `Task.immediate` started in it.
    ///
    /// A continuation is one pointer, to its Swift task. Comparing it costs nothing, while `withUnsafeCurrentTask`
    /// would take 30 ns of each suspension. If a later runtime changes that, no continuation matches, and green tasks
    /// wait in the slower way of any other task.
    @inlinable
    func owns<Verdict>(_ continuation: UnsafeContinuation<Verdict, Never>) -> Bool {
        identity == unsafeBitCast(continuation, to: UnsafeRawPointer.self)
    }

    /// The task in a report: its name in quotes, or "unnamed".
    var label: String { name.isEmpty ? "unnamed" : "'\(name)'" }

    /// Whether the task is in a wait that only another task can end.
    final var waitsForTasks: Bool { wait?.side.isWokenByTasksOnly ?? false }

    /// The task and what it waits on, in words.
    var report: String { "\(label): \(wait?.description ?? "waits on nothing of the reactor's")" }

    /// What the task waits on; nil if it waits on nothing of the reactor's.
    var currentWait: String? { wait?.description }

    /// When the current wait began, by the reactor's clock, or up to a second earlier.
    var waitBegan: UInt64 { reactor.epochs.beginning(of: waitEpoch) }

    /// The same in a deadlock, where a task that waits for nothing of the reactor's awaits one that does.
    var deadlockReport: String { wait == nil ? "\(label): await a task that waits" : report }

    // MARK: Life

    /// Runs the task from `begin` to `end`. One function, because every frame around the body adds its size to each
    /// parked task, and a Swift task's first slab ends at 984 bytes.
    @usableFromInline
    nonisolated(nonsending) func live() async {}

    /// Records that the task's first job runs.
    @usableFromInline
    final func begin() {
        identity = reactor.runningJob
        reactor.runningTask = self
        if isCancelled { withUnsafeCurrentTask { $0?.cancel() } }
    }

    /// Makes the record that of a running Swift task which the reactor has not started, until `endAdoption`.
    final func adopt(_ swiftTask: UnsafeRawPointer?) {
        reactor.tasks.add(self)
        identity = swiftTask
        reactor.runningTask = self
    }

    final func endAdoption() {
        reactor.progress.forget(self)
        identity = nil
        reactor.tasks.remove(self)
    }

    /// Makes the record that of a child of its Swift task, which runs and does the task's work until `moveBack`.
    ///
    /// - Returns: the task's own Swift task, for `moveBack`.
    final func move(to child: UnsafeRawPointer?) -> UnsafeRawPointer? {
        defer {
            identity = child
            reactor.runningTask = self
        }
        return identity
    }

    final func moveBack(to parent: UnsafeRawPointer?) {
        identity = parent
        if marks.contains(.cancelled), let parent { cancelSwiftTask(at: parent) }
    }

    /// Records that the task has ended, and resumes its joiners.
    ///
    /// - Parameter parcel: the task's result if `stage` is `.succeeded`, its error if it is `.failed`.
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

    /// Notes that somebody has learned of the error with which the task has ended or is about to end.
    @usableFromInline
    final func noteFailureSeen() {
        reactor.joinLock.withLock { _ in isFailureSeen = true }
    }

    /// Reports the error of the task if nobody has learned of it. Nobody can do so later: nothing refers to the task.
    final func reportFailure(_ error: any Error) {
        guard !isFailureSeen, !CancelScope.isCancellation(error) else { return }
        reactor.report(TaskFailure(task: name, reactor: reactor.name, error: error))
    }

    // MARK: Joining

    /// Whether the task has ended.
    @usableFromInline final var hasEnded: Bool { reactor.joinLock.withLock { _ in joinStage.isEnd } }

    /// Does not say what it throws: `join` is inlined, and must not convert the error. See `Channel`.
    @usableFromInline
    nonisolated(nonsending) final func waitUntilEnded(timeout: Duration?) async throws {
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

    /// Adds a closure that is called when the task has ended; see `Joiners.addLink`.
    final func addLink(_ action: @escaping @Sendable () -> Void) -> UInt64? {
        reactor.joinLock.withLock { _ in Joiners.addLink(action, &joinStage, &joinWord) }
    }

    final func removeLink(_ number: UInt64) {
        reactor.joinLock.withLock { _ in Joiners.removeLink(number, joinStage, joinWord) }
    }

    @usableFromInline
    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        reactor.joinLock.withLock { _ in Joiners.remove(ticket, &joinStage, &joinWord) }?
            .resume(returning: .withdrawn(reason))
    }

    @usableFromInline
    package override var waitDescription: String { "task \(label)" }

    // MARK: Waiting

    /// Suspends the task until the waiter that `register` queues is resumed. Called with the task's continuation; the
    /// caller calls `resumes` once that has been resumed.
    ///
    /// - Parameter register: as in `suspendTask`; not called in a cancelled scope, where the wait ends at once.
    /// - Returns: the timer of the timeout, for `resumes`.
    @inlinable
    final func suspend<Verdict: WaitVerdict>(
        _ continuation: UnsafeContinuation<Verdict, Never>, on source: WaitSource, _ side: WaitSide,
        timeout: Duration?, register: (UnsafeContinuation<Verdict, Never>) -> WaitTicket?
    ) -> TimerHandle? {
        guard owns(continuation) else {
            noteForeignTask()
            continuation.resume(returning: Verdict.withdrawn(.cancelled))
            return nil
        }
        if isCancelled {
            continuation.resume(returning: Verdict.withdrawn(.cancelled))
        } else if let ticket = register(continuation) {
            return park(ParkedWait(on: source, ticket, side), timeout: timeout)
        }
        return nil
    }

    @usableFromInline
    final func noteForeignTask() {
        marks.insert(.metForeignTask)
    }

    /// Notes that the task runs again after `suspend`.
    ///
    /// - Returns: false when the continuation was that of another task, which has not waited yet.
    @usableFromInline
    final func resumes(alarm: TimerHandle?) -> Bool {
        if marks.contains(.metForeignTask) {
            marks.remove(.metForeignTask)
            return false
        }
        reactor.runningTask = self
        guard let wait else { return true }
        if wait.side.isWokenByTasksOnly { reactor.tasks.parkedCount -= 1 }
        self.wait = nil
        if let alarm { reactor.cancelTimer(alarm) }
        return true
    }

    @usableFromInline
    final func park(_ wait: ParkedWait, timeout: Duration?) -> TimerHandle? {
        self.wait = wait
        waitEpoch = reactor.epochs.current
        reactor.runningTask = nil
        if wait.side.isWokenByTasksOnly { reactor.tasks.parkedCount += 1 }
        return timeout.map { reactor.setTimer(after: $0, .expire(self)) }
    }

    /// Withdraws the current wait, if the task waits. On the reactor's thread only.
    final func withdrawWait(because reason: WithdrawalReason) {
        wait?.withdraw(because: reason)
    }

    // MARK: Cancellation

    /// Whether every wait of this library in the running code throws `.cancelled`. On the reactor's thread only.
    @usableFromInline final var isCancelled: Bool { cancelledScopes > 0 }

    /// Cancels the task. Its current wait and all later ones throw `.cancelled`. May be called from any thread, any
    /// number of times.
    public final func cancel() {
        reactor.perform { [self] in
            if !marks.contains(.cancelled) { cancelScope() }
            marks.insert(.cancelled)
            if let identity { cancelSwiftTask(at: identity) }
        }
    }

    /// Cancels the scope that the task is in, until `closeCancelledScope`. On the reactor's thread only.
    final func cancelScope() {
        cancelledScopes += 1
        withdrawWait(because: .cancelled)
    }

    final func closeCancelledScope() {
        cancelledScopes -= 1
    }

    /// Allows the task to wait although it is in cancelled scopes. A later cancellation still ends the wait. For a
    /// nursery, which awaits its children. On the reactor's thread only.
    ///
    /// - Returns: the number to pass to `unshield`.
    final func shield() -> UInt16 {
        defer { cancelledScopes = 0 }
        return cancelledScopes
    }

    final func unshield(_ scopes: UInt16) {
        cancelledScopes += scopes
    }
}
