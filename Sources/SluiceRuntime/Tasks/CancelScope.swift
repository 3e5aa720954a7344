import CLibev

/// A part of a green task's code that can be cancelled without the rest of the task, as trio's cancel scopes.
///
/// Scopes nest as the code does. On the thread of the task's reactor only.
final class CancelScope: @unchecked Sendable {
    // Sendable: see above.

    let task: TaskRecord
    private(set) var isCancelled = false
    private var isOpen = true
    /// The Swift task that runs the scope's code; nil before `run` and after it.
    private var child: UnsafeRawPointer?

    /// Opens a scope in `task`, which is running.
    init(in task: TaskRecord) {
        self.task = task
    }

    /// Makes every wait in the scope throw `.cancelled`, the current one included, and cancels every other `await`.
    /// Does nothing once the scope is closed.
    func cancel() {
        guard isOpen, !isCancelled else { return }
        isCancelled = true
        task.cancelScope()
        if let child { cancelSwiftTask(at: child) }
    }

    /// Closes the scope, so that its cancellation has no effect on the code that follows.
    func close() {
        isOpen = false
        if isCancelled { task.closeCancelledScope() }
    }

    /// Runs `body` in a child of the calling Swift task, which can be cancelled without that task: Swift cannot take
    /// back a cancellation. Meanwhile the green task's record belongs to the child, so that waits cost the same there.
    nonisolated(nonsending) func run<Result>(_ body: () async throws -> Result) async throws -> Result {
        // The caller waits for the child, so that no two tasks use `body` at a time. Swift has no way to say so of a
        // closure that does not escape.
        let runner: (@Sendable () async throws -> Result) async throws -> Result = runInChild
        return try await unsafeBitCast(runner, to: ((() async throws -> Result) async throws -> Result).self)(body)
    }

    private nonisolated(nonsending) func runInChild<Result>(
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        let isolation = #isolation
        let outcome = await withoutActuallyEscaping(body) { body in
            await withTaskGroup(of: Handover<Swift.Result<Result, any Error>>.self) { group in
                // The child begins at once, ahead of the tasks that are ready. The executor is named, because in a release
                // build, Swift 6.3 lets such a child go on elsewhere after a wait.
                group.addImmediateTask(executorPreference: task.reactor) { [self] in
                    await perform(body, isolation: isolation)
                }
                return await group.next()
            }
        }
        guard let outcome else { throw SluiceError(.misuse, "the code of a scope has not ended") }
        return try outcome.value.get()
    }

    private func perform<Result>(
        _ body: @Sendable () async throws -> Result, isolation: isolated (any Actor)?
    ) async -> Handover<Swift.Result<Result, any Error>> {
        let parent = task.move(to: swift_task_getCurrent())
        child = task.identity
        defer {
            child = nil
            task.moveBack(to: parent)
        }
        if isCancelled, let child { cancelSwiftTask(at: child) }
        do {
            return Handover(.success(try await body()))
        } catch {
            return Handover(.failure(error))
        }
    }

    /// Whether `error` reports a cancellation and nothing else.
    static func isCancellation(_ error: any Error) -> Bool {
        error is CancellationError || (error as? SluiceError)?.code == .cancelled
    }
}

/// A value that one task hands over to another.
private struct Handover<Value>: @unchecked Sendable {
    // Sendable: the first task does not use the value afterwards.
    let value: Value

    init(_ value: Value) { self.value = value }
}

/// Runs `body`. When `timeout` has passed, every wait in `body` throws `.cancelled`, and this function throws
/// `.timedOut`.
///
/// `body` runs in a child of the calling task. When the time has run out, the child is cancelled, which ends the
/// `await`s of other libraries too, such as `Task.sleep`, if they support cancellation.
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
/// - Throws: `.timedOut`; what `body` throws; `.misuse` off the reactors.
@discardableResult
public func withTimeout<Result>(_ timeout: Duration, _ body: () async throws -> Result) async throws -> Result {
    guard let task = TaskRecord.executing else {
        return try await asGreenTask(for: "a timeout") { try await withTimeout(timeout, body) }
    }
    let scope = CancelScope(in: task)
    let alarm = task.reactor.call(after: timeout) { scope.cancel() }
    defer { task.reactor.cancelTimer(alarm) }
    do {
        let result = try await scope.run(body)
        scope.close()
        return result
    } catch {
        scope.close()
        // If an outer scope is cancelled too, its cancellation is passed on.
        guard scope.isCancelled, CancelScope.isCancellation(error), !task.isCancelled else { throw error }
        throw SluiceError(.timedOut, "the time of \(timeout) has run out")
    }
}
