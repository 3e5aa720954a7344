/// A stretch of one green task's code that can be cancelled without the rest of the task, as in trio.
///
/// Scopes nest as the code does. On the thread of the task's reactor only, but for `init`.
final class CancelScope: @unchecked Sendable {
    // Sendable: see above.

    let task: TaskRecord
    private(set) var isCancelled = false
    private var isOpen = true

    /// - Parameter purpose: what the scope is for, in the error.
    /// - Throws: `.misuse` when the running code is not that of a green task: off the reactors, or in a child task.
    init(for purpose: String) throws(SluiceError) {
        guard let task = TaskRecord.running, task.isExecuting else {
            throw SluiceError(.misuse, "\(purpose) needs a green task: one started by Reactor.spawn or in a nursery")
        }
        self.task = task
    }

    /// Has every wait in the scope throw `.cancelled`, the current one included. Once the scope was left, nothing
    /// happens.
    func cancel() {
        guard isOpen, !isCancelled else { return }
        isCancelled = true
        task.cancelScope()
    }

    func leave() {
        isOpen = false
        if isCancelled { task.leaveCancelledScope() }
    }

    /// Whether `error` says no more than that the task's waits were cancelled.
    static func isCancellation(_ error: any Error) -> Bool {
        error is CancellationError || (error as? SluiceError)?.code == .cancelled
    }
}

extension TaskRecord {
    /// Whether the running code is that of this task, and not of one that `Task.immediate` started in it.
    fileprivate var isExecuting: Bool {
        withUnsafeCurrentTask { $0.map { unsafeBitCast($0, to: UnsafeRawPointer.self) } == identity }
    }
}

/// Runs `body`, at most for `timeout`: then every wait in it throws `.cancelled`, and this throws `.timedOut`.
///
/// Calls may nest. A body that ends well is never refused, even when its time has run out just then: what it received
/// is not lost. An error of its own is thrown as it is. After gevent's `Timeout` and trio's `fail_after`.
///
/// ```swift
/// let greeting = try await withTimeout(.seconds(5)) {
///     try await stream.write(hello)
///     return try await stream.read(upTo: 100)
/// }
/// ```
///
/// - Throws: `.timedOut`; what `body` throws; `.misuse` off the reactors and in child tasks (`async let`, `TaskGroup`).
@discardableResult
public func withTimeout<Result>(_ timeout: Duration, _ body: () async throws -> Result) async throws -> Result {
    let scope = try CancelScope(for: "a timeout")
    let reactor = scope.task.reactor
    let alarm = reactor.call(after: timeout) { scope.cancel() }
    defer { reactor.cancelTimer(alarm) }
    do {
        let result = try await body()
        scope.leave()
        return result
    } catch {
        scope.leave()
        // When a scope around is cancelled too, its cancellation is what has to be passed on.
        guard scope.isCancelled, CancelScope.isCancellation(error), !scope.task.isCancelled else { throw error }
        throw SluiceError(.timedOut, "the time of \(timeout) has run out")
    }
}
