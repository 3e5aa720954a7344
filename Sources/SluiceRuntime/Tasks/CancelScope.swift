/// A part of a green task's code that can be cancelled without the rest of the task, as trio's cancel scopes.
///
/// Scopes nest as the code does. Except for `init`, on the thread of the task's reactor only.
final class CancelScope: @unchecked Sendable {
    // Sendable: see above.

    let task: TaskRecord
    private(set) var isCancelled = false
    private var isOpen = true

    /// Opens a scope in the running green task.
    ///
    /// - Parameter purpose: what the scope is for, shown in the error.
    /// - Throws: `.misuse` when the running code is not a green task's: off the reactors, and in child tasks.
    init(for purpose: String) throws(SluiceError) {
        guard let task = TaskRecord.running, task.isExecuting else {
            throw SluiceError(.misuse, "\(purpose) needs a green task: one started by Reactor.spawn or in a nursery")
        }
        self.task = task
    }

    /// Makes every wait in the scope throw `.cancelled`, the current one included. Does nothing once the scope is
    /// closed.
    func cancel() {
        guard isOpen, !isCancelled else { return }
        isCancelled = true
        task.cancelScope()
    }

    /// Closes the scope, so that its cancellation has no effect on the code that follows.
    func close() {
        isOpen = false
        if isCancelled { task.closeCancelledScope() }
    }

    /// Whether `error` reports a cancellation and nothing else.
    static func isCancellation(_ error: any Error) -> Bool {
        error is CancellationError || (error as? SluiceError)?.code == .cancelled
    }
}

extension TaskRecord {
    /// Whether the running code is this task's, and not that of a task that `Task.immediate` started in it.
    fileprivate var isExecuting: Bool {
        withUnsafeCurrentTask { $0.map { unsafeBitCast($0, to: UnsafeRawPointer.self) } == identity }
    }
}

/// Runs `body`. When `timeout` has passed, every wait in `body` throws `.cancelled`, and this function throws
/// `.timedOut`.
///
/// Calls may nest. If `body` returns, its result is returned even when the time has run out meanwhile, so that nothing
/// it received is lost. If `body` throws an error of its own, that error is thrown. After gevent's `Timeout` and trio's
/// `fail_after`.
///
/// ```swift
/// let greeting = try await withTimeout(.seconds(5)) {
///     try await stream.write(hello)
///     return try await stream.read(upTo: 100)
/// }
/// ```
///
/// - Returns: what `body` returns.
/// - Throws: `.timedOut`; what `body` throws; `.misuse` off the reactors and in child tasks (`async let`, `TaskGroup`).
@discardableResult
public func withTimeout<Result>(_ timeout: Duration, _ body: () async throws -> Result) async throws -> Result {
    let scope = try CancelScope(for: "a timeout")
    let reactor = scope.task.reactor
    let alarm = reactor.call(after: timeout) { scope.cancel() }
    defer { reactor.cancelTimer(alarm) }
    do {
        let result = try await body()
        scope.close()
        return result
    } catch {
        scope.close()
        // If an outer scope is cancelled too, its cancellation is passed on.
        guard scope.isCancelled, CancelScope.isCancellation(error), !scope.task.isCancelled else { throw error }
        throw SluiceError(.timedOut, "the time of \(timeout) has run out")
    }
}
