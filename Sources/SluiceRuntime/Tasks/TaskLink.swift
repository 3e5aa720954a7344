import Synchronization

/// A closure that is called when a task ends, until it is cancelled.
public struct TaskLink: Sendable {
    private let cancellation: @Sendable () -> Void

    fileprivate init(_ cancellation: @escaping @Sendable () -> Void = {}) {
        self.cancellation = cancellation
    }

    /// Removes the closure from the task. Does nothing once it was called. May be called from any thread.
    public func cancel() { cancellation() }
}

extension GreenTask {
    /// Calls `action` with the task's result or error when the task has ended, before the tasks that join it continue.
    /// After gevent's `link`.
    ///
    /// The caller learns of the task's error, which is therefore not reported as that of a task that nobody joins. May be
    /// called from any thread.
    ///
    /// - Parameter action: called once, on the thread of the task's reactor; now and on the calling thread if the task
    ///   has ended. It must not block.
    /// - Returns: the link, to remove the closure from the task.
    @discardableResult
    public func onEnd(_ action: @escaping @Sendable (Result<Success, any Error>) -> Void) -> TaskLink {
        let report: @Sendable () -> Void = { [self] in action(endedOutcome) }
        guard let number = addLink(report) else {
            report()
            return TaskLink()
        }
        return TaskLink { [weak self] in self?.removeLink(number) }
    }
}

/// Returns the tasks in the order in which they end, as gevent's `iwait` and asyncio's `as_completed`.
///
/// ```swift
/// for try await task in tasksAsTheyEnd(fetches) { print(try await task.value) }
/// ```
///
/// Tasks that have ended come first, in the order of the sequence. An error of a task does not end the loop: the task's
/// `value` throws it. Leaving the loop early has no effect on the tasks.
///
/// - Parameters:
///   - tasks: what to wait for.
///   - name: shown in reports.
/// - Returns: a source of messages, which ends after the last task.
public func tasksAsTheyEnd<Success>(
    _ tasks: some Sequence<GreenTask<Success>>, name: String = "tasks as they end"
) -> ReceivingEnd<GreenTask<Success>> {
    let tasks = Array(tasks)
    let ended = Channel<GreenTask<Success>>(.unbounded, name: name)
    let left = Lock(tasks.count)
    if tasks.isEmpty { ended.close() }
    let links = tasks.map { task in
        task.onEnd { _ in
            _ = ended.attemptSend(task, inTurn: false)
            let isLast = left.withLock { left in
                left -= 1
                return left == 0
            }
            if isLast { ended.close() }
        }
    }
    return ReceivingEnd(of: ended) { for link in links { link.cancel() } }
}
