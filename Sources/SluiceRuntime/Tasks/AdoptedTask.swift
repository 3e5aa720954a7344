import CLibev

extension TaskRecord {
    /// The record of the running green task; nil in any other code, such as that of a task that `Task.immediate`
    /// started in a green task.
    static var executing: TaskRecord? {
        guard let task = running, task.identity == swift_task_getCurrent() else { return nil }
        return task
    }
}

/// Makes the calling task a green task while `body` runs, if it is another task on a reactor, such as a child task
/// (`async let`, `TaskGroup`). When that task is cancelled, the waits in `body` throw `.cancelled`.
///
/// - Parameter purpose: what needs a green task, shown in the error.
/// - Throws: what `body` throws; `.misuse` off the reactors.
@inline(never)
nonisolated(nonsending) func asGreenTask<Result>(
    for purpose: String, _ body: () async throws -> Result
) async throws -> Result {
    guard let reactor = Reactor.current else {
        throw SluiceError(.misuse, "\(purpose) needs a task on a reactor, such as one started by Reactor.spawn")
    }
    let record = TaskRecord(name: Task.name ?? "a child task", reactor: reactor)
    record.adopt(swift_task_getCurrent())
    defer { record.endAdoption() }
    return try await withTaskCancellationHandler {
        try await body()
    } onCancel: {
        record.cancel()
    }
}

/// Cancels the Swift task at `address`, which has not ended.
func cancelSwiftTask(at address: UnsafeRawPointer) {
    unsafeBitCast(address, to: UnsafeCurrentTask.self).cancel()
}
