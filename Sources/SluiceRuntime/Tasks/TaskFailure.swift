import Glibc
import Synchronization

/// The failure of a green task that nobody has joined: its error would be lost.
public struct TaskFailure: Sendable, CustomStringConvertible {
    /// The task's name; empty for a task without a name.
    public let task: String
    /// The name of the task's reactor.
    public let reactor: String
    /// What the task threw.
    public let error: any Error

    /// One line for people.
    public var description: String {
        "\(task.isEmpty ? "an unnamed task" : "task '\(task)'") of \(reactor) has failed, and nobody has joined it: \(error)"
    }

    /// Writes the description to standard error, as one line.
    func print() {
        var line = "\(description)\n"
        line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

extension Reactor {
    /// Calls `handler` for each task of this reactor that throws an error of which nobody learns. Until this is called,
    /// a line on standard error reports it.
    ///
    /// Somebody learns of an error through `join`, `value` or `outcome`, and if the task belongs to a nursery. A
    /// failure is reported once, when nothing refers to the task any more. Errors that only say that the task was
    /// cancelled are not reported. May be called from any thread.
    ///
    /// - Parameter handler: called on any thread. It must not block.
    public func handleFailures(_ handler: @escaping @Sendable (TaskFailure) -> Void) {
        failureHandler.withLock { $0 = handler }
    }

    func report(_ failure: TaskFailure) {
        guard let handler = failureHandler.withLock({ $0 }) else { return failure.print() }
        handler(failure)
    }
}
