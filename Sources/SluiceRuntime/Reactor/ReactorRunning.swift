extension Reactor {
    /// Runs the loop on the calling thread, with `body` as the main green task, and returns once `body` has ended.
    ///
    /// Green tasks that have not ended by then are cancelled and awaited.
    ///
    /// - Parameter name: the main task's name in reports.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; `.misuse` when a thread runs the reactor already; a `Deadlock` when every task
    ///   waits on a channel, or for child tasks that do, and nothing can wake any of them, after `body` was cancelled and awaited as well.
    public func run<Success: Sendable>(
        _ name: String = "main", _ body: @escaping @Sendable () async throws -> Success
    ) throws -> Success {
        try withThread {
            noteTime()
            let main = spawn(name, body)
            do {
                defer { endTasks() }
                try takeTurns(detectingDeadlock: true, until: { main.hasEnded })
            }
            guard let outcome = main.outcome else { throw SluiceError(.misuse, "the main task has not ended") }
            return try outcome.get()
        }
    }

    /// Runs the loop on a thread of its own until `stop()`, and returns once the loop runs.
    ///
    /// Deadlocks are not detected, since other threads may bring work at any time.
    ///
    /// - Throws: `.misuse` when a thread runs the reactor already; `.system` when no thread can be created.
    public func start() throws(SluiceError) {
        try ReactorThread.launch(name) { [self] started in
            do {
                try withThread {
                    clearStopRequest()
                    noteTime()
                    started(nil)
                    try takeTurns(detectingDeadlock: false, until: { isStopping })
                    endTasks()
                }
            } catch {
                started(SluiceError(.misuse, "\(error)"))
            }
        }
    }

    /// Makes a reactor that was started cancel and await every green task, and then end its loop. May be called from
    /// any thread.
    public func stop() {
        requestStop()
    }

    /// Makes the calling thread the reactor's while `body` runs. `body` takes turns with `settle`. For simulations, in
    /// which the kernel decides nothing.
    package func runByHand<Success>(_ body: () throws -> Success) throws -> Success {
        try withThread(body)
    }

    /// Cancels the remaining tasks, and the tasks that they start from now on, and takes turns until all have ended.
    private func endTasks() {
        tasks.isEnding = true
        defer { tasks.isEnding = false }
        for task in tasks.all { task.cancel() }
        // Without the detection of deadlocks, nothing is thrown.
        try? takeTurns(detectingDeadlock: false, until: { tasks.count == 0 })
    }
}

/// The error of a reactor whose green tasks all wait on channels, selects or each other, when nothing can wake any of
/// them.
public struct Deadlock: Error, CustomStringConvertible {
    /// A line for each task, in the order in which the tasks were started: its name, and what it waits on.
    public let tasks: [String]

    init(of records: [TaskRecord], _ foreignWaits: some Collection<ForeignWait>) {
        tasks =
            records.reversed().map(\.deadlockReport) + foreignWaits.map { "a child task: \($0.description)" }.sorted()
    }

    /// The report: a line that says what happened, and a line for each task.
    public var description: String {
        """
        deadlock: all \(tasks.count) tasks wait, and nothing can wake them \
        (if something outside the reactor can, see Reactor.hold)
        """ + tasks.map { "\n  task \($0)" }.joined()
    }
}
