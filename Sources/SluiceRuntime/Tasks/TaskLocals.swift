import CLibev

/// What the reactor must know of Swift's task-local values.
enum TaskLocals {
    /// Whether the calling task has task-local values that a new task would inherit. False off the tasks.
    ///
    /// Swift has no call for this. It keeps the values of a task in a list whose head is this word of the task's
    /// memory, which has 24 words. A runtime that kept another thing there would make tasks slower to start, or have
    /// them inherit nothing; `TaskLocalTests` would fail.
    static var areBound: Bool {
        guard let task = swift_task_getCurrent() else { return false }
        return task.load(fromByteOffset: 17 * MemoryLayout<UInt>.stride, as: UInt.self) != 0
    }
}

extension Reactor {
    /// Starts a task that inherits the caller's task-local values. It has a Swift task of its own, because Swift copies
    /// those values only into a new one, and a worker lives on.
    func enterInheriting(_ task: TaskRecord) {
        perform { [self] in tasks.add(task) }
        Task<Void, any Error>(executorPreference: self) { await task.live() }
    }
}
