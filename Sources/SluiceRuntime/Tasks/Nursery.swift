/// A group of green tasks that end together: see `withNursery`.
public final class Nursery: @unchecked Sendable {
    // Sendable: everything that changes belongs to the reactor's thread, which `cancel` and `spawn` ensure.

    /// The nursery's name in reports.
    public let name: String
    let scope: CancelScope
    private let exit: NurseryExit
    private let timeout: Duration?
    private var alarm: TimerHandle?

    /// The children that have not ended, by their numbers: the order in which they were started.
    private var children: [UInt64: TaskRecord] = [:]
    /// The number of children started so far.
    private(set) var startedCount: UInt64 = 0
    /// The first error that is not just an effect of the nursery's cancellation.
    private var failure: (any Error)?
    private var areChildrenCancelled = false
    /// Whether a child has ended because it was cancelled.
    private var wasChildCutShort = false
    private var hasExpired = false
    private var hasEnded = false

    @usableFromInline var reactor: Reactor { scope.task.reactor }

    fileprivate init(_ name: String, timeout: Duration?, in task: TaskRecord) {
        self.name = name
        self.timeout = timeout
        scope = CancelScope(in: task)
        exit = NurseryExit(of: name)
        alarm = timeout.map { reactor.call(after: $0) { [self] in expire() } }
    }

    // MARK: Children

    /// Starts a child, which is a green task that the nursery awaits. The body, the children, and other tasks of the
    /// reactor may call this.
    ///
    /// An error that a child throws ends the whole nursery. A child that was cancelled by its own `cancel()` may throw
    /// `.cancelled` without that effect. In a cancelled nursery, the child is cancelled before it begins.
    ///
    /// - Parameter name: shown in reports and logs.
    /// - Returns: the child, for `join`, `value` and `cancel`. When the nursery has ended, or the caller is not on the
    ///   reactor's thread, `body` does not run, and the task throws `.misuse`.
    @inlinable
    @discardableResult
    public func spawn<Success: Sendable>(
        _ name: String = "", _ body: @escaping @Sendable () async throws -> Success
    ) -> GreenTask<Success> {
        guard let number = admit() else {
            return reactor.spawn(name) { [self] in throw refusal }
        }
        let child = reactor.spawn(name) { [self] in
            do {
                let result = try await body()
                childHasEnded(number, with: nil)
                return result
            } catch {
                childHasEnded(number, with: error)
                throw error
            }
        }
        add(child, number)
        return child
    }

    /// The number for a child that is about to be started; nil when no child can be started.
    @usableFromInline
    func admit() -> UInt64? {
        guard reactor.isCurrent, !hasEnded else { return nil }
        startedCount += 1
        return startedCount
    }

    /// Whether a child can be started by the calling thread.
    var canSpawn: Bool { reactor.isCurrent && !hasEnded }

    @usableFromInline var refusal: SluiceError {
        SluiceError(.misuse, "\(exit.label) has ended, or is on another reactor")
    }

    @usableFromInline
    func add(_ child: TaskRecord, _ number: UInt64) {
        children[number] = child
        exit.childCount = children.count
        if areChildrenCancelled { child.cancel() }
    }

    @usableFromInline
    func childHasEnded(_ number: UInt64, with error: (any Error)?) {
        let child = children.removeValue(forKey: number)
        exit.childCount = children.count
        if let error {
            child?.noteFailureSeen()
            if child?.isCancelled == true, CancelScope.isCancellation(error) {
                // A deadlock and the end of `Reactor.run` cancel the children before the nursery does.
                wasChildCutShort = wasChildCutShort || areChildrenCancelled || scope.task.isCancelled
            } else {
                fail(error)
            }
        }
        if children.isEmpty { exit.open() }
    }

    // MARK: Cancelling

    /// Cancels the children and the body. If the body returns anyway, `withNursery` returns its result, so that this
    /// also serves to end children that never end by themselves. May be called from any thread, any number of times.
    public func cancel() {
        reactor.perform { [self] in cancelAll() }
    }

    /// Whether the nursery was cancelled, by `cancel()`, its timeout, or an error. On the reactor's thread only.
    public var isCancelled: Bool { scope.isCancelled }

    private func cancelAll() {
        guard !hasEnded else { return }
        scope.cancel()
        cancelChildren()
    }

    private func cancelChildren() {
        guard !areChildrenCancelled else { return }
        areChildrenCancelled = true
        // In the order in which they were started, so that a program is deterministic.
        for (_, child) in children.sorted(by: { $0.key < $1.key }) { child.cancel() }
    }

    private func expire() {
        hasExpired = true
        cancelAll()
    }

    private func fail(_ error: any Error) {
        if failure == nil { failure = error }
        cancelAll()
    }

    // MARK: Ending

    fileprivate func bodyHasFailed(_ error: any Error) {
        if scope.task.isCancelled, CancelScope.isCancellation(error) {
            cancelAll()
        } else {
            fail(error)
        }
    }

    /// Waits until every child has ended. If the task is cancelled meanwhile, cancels the children and continues to
    /// wait.
    fileprivate nonisolated(nonsending) func awaitChildren() async {
        let task = scope.task
        while !children.isEmpty {
            let shielded = areChildrenCancelled ? task.shield() : 0
            let verdict: JoinVerdict = await suspendTask(on: exit, .join, timeout: nil, register: exit.register)
            task.unshield(shielded)
            if case .withdrawn = verdict { cancelChildren() }
        }
        hasEnded = true
        if let alarm { reactor.cancelTimer(alarm) }
        alarm = nil
        scope.close()
    }

    fileprivate func conclude<Result>(_ outcome: Swift.Result<Result, any Error>) throws -> Result {
        if let failure { throw failure }
        // If an outer scope is cancelled too, its cancellation is passed on.
        let hasTimedOut = hasExpired && !scope.task.isCancelled
        switch outcome {
        case .success(let result):
            if wasChildCutShort, hasTimedOut { throw timeoutError }
            if wasChildCutShort, scope.task.isCancelled { throw WithdrawalReason.cancelled.error }
            return result
        case .failure(let error):
            throw hasTimedOut ? timeoutError : error
        }
    }

    private var timeoutError: SluiceError {
        SluiceError(.timedOut, "the time of \(exit.label)\(timeout.map { ", \($0)," } ?? "") has run out")
    }
}

/// What the body's task waits on for the children of a nursery. On the reactor's thread only.
private final class NurseryExit: WaitSource {
    private let name: String
    private var waiter = SoleWaiter<JoinVerdict>()
    var childCount = 0

    init(of name: String) {
        self.name = name
    }

    func register(_ continuation: UnsafeContinuation<JoinVerdict, Never>) -> WaitTicket? {
        waiter.park(continuation)
    }

    func open() {
        waiter.resume(.ended)
    }

    override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        waiter.withdraw(ticket, because: reason)
    }

    var label: String { name.isEmpty ? "a nursery" : "nursery '\(name)'" }

    override var waitDescription: String { "the \(childCount) \(childCount == 1 ? "task" : "tasks") of \(label)" }
}

/// Runs `body` with a nursery, and returns when `body` and all green tasks started in the nursery have ended.
///
/// ```swift
/// try await withNursery("crawl", timeout: .seconds(30)) { nursery in
///     for address in addresses { nursery.spawn("fetch") { try await fetch(address) } }
/// }
/// ```
///
/// - The body runs in a child of the calling task, which awaits it. Children of the nursery run on its reactor, and may start siblings.
/// - The first error, of the body or of a child, cancels all the others and is thrown once they have ended.
/// - When `timeout` has passed, all are cancelled, and `.timedOut` is thrown unless all of them return a result
///   nevertheless.
/// - When the calling task or an outer scope is cancelled, the children are cancelled as soon as the body has ended,
///   and are awaited.
/// - In a cancelled task, every wait of this library throws `.cancelled` and takes no message. Other `await`s end if
///   they support Swift's cancellation. A task that returns a result in spite of its cancellation keeps it.
///
/// After trio's nurseries, and gevent's pools with `joinall(raise_error=True)`.
///
/// - Parameters:
///   - name: shown in reports.
///   - timeout: the time for the body and all children together; nil for no limit.
/// - Returns: what `body` returns.
/// - Throws: the first error; `.timedOut`; `.cancelled`; `.misuse` off the reactors, where `body` does not run.
@discardableResult
public func withNursery<Result>(
    _ name: String = "", timeout: Duration? = nil, _ body: (Nursery) async throws -> Result
) async throws -> Result {
    guard let task = TaskRecord.executing else {
        return try await asGreenTask(for: "a nursery") { try await withNursery(name, timeout: timeout, body) }
    }
    let nursery = Nursery(name, timeout: timeout, in: task)
    let outcome: Swift.Result<Result, any Error>
    do {
        outcome = .success(try await nursery.scope.run { try await body(nursery) })
    } catch {
        outcome = .failure(error)
        nursery.bodyHasFailed(error)
    }
    await nursery.awaitChildren()
    return try nursery.conclude(outcome)
}
